"""The data and the decisions: typed resources, conditions, errors, policy and X.509.

No I/O at all, no clock, no logging: everything here is a value or a pure function of values, so that each decision the
operator takes can be tested without a cluster and explained to its user in the same words.
"""
