"""The driver for CAs that speak CMP (RFC 9810, RFC 9483): `CMPDriver`, made by ``handlers`` for each Issuer.

``driver`` is the door; ``preparing`` decides with ``planning`` how a certificate is asked for and reads with
``template`` what the CA wants in the request, ``progress`` takes a transaction to its certificate, ``settling`` checks
and confirms it, ``recovering`` gets a lost key back and ``revoking`` gives a certificate up. ``record`` is what
survives a restart and ``memory`` what does not, ``credentials`` is who the issuer is, ``trust`` whom it believes,
``probe`` probes, and ``failures`` sorts everything that can go wrong by who must act.
"""

from certwright.issuers.cmp.credentials import CMPCredentials
from certwright.issuers.cmp.driver import CMPDriver

__all__ = ["CMPCredentials", "CMPDriver"]
