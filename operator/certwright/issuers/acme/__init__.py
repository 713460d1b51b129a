"""The driver for CAs that speak ACME (RFC 8555): `ACMEDriver`, made by ``handlers`` for each Issuer.

``driver`` is the door; ``application`` says what a Certificate means as an order, ``choosing`` which solver proves a
name, ``progress`` takes an order from state to state, ``proving`` does so with one authorization, ``record`` is what
survives a restart, ``account`` probes, and ``failures`` sorts everything that can go wrong by who must act.
"""

from certwright.issuers.acme.choosing import ConfiguredSolver, choose
from certwright.issuers.acme.driver import ACMEDriver

__all__ = ["ACMEDriver", "ConfiguredSolver", "choose"]
