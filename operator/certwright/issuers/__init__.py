"""Drivers: one per protocol, each behind the small interface of `certwright.model.enrolment`.

A driver is the dictionary between the RFC's words and the domain's, and decides who must act on a failure. It receives
resolved credentials and solvers from ``handlers``, keeps nothing that it could not lose, and never waits for seconds.
"""
