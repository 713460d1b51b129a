"""The driver for CAs that speak SCEP (RFC 8894): `SCEPDriver`, made by ``handlers`` for each Issuer.

``driver`` is the door; ``preparing`` decides with ``signing`` who signs and fetches the challenge (``challenges``),
``progress`` takes a transaction to its certificate, ``record`` is what survives a restart and ``memory`` what does not,
``facts`` is what is known of the server, ``probe`` probes, and ``failures`` sorts everything that can go wrong by who
must act.
"""

from certwright.issuers.scep.credentials import SCEPCredentials
from certwright.issuers.scep.driver import SCEPDriver

__all__ = ["SCEPCredentials", "SCEPDriver"]
