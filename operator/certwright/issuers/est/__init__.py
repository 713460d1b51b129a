"""The driver for CAs that speak EST (RFC 7030): `ESTDriver`, made by ``handlers`` for each Issuer.

``driver`` is the door; ``probe`` asks what asks for no certificate, ``preparing`` says (with ``issuers.demands``) what
a request must hold, ``renewal`` whether the current certificate renews itself, ``enrolling`` sends the request and
reads the answer. ``credentials`` is who the issuer is, ``trust`` whom it believes, ``connections`` what is open,
``current`` what shows a certificate being renewed, ``authority`` what the CA publishes, ``means`` all of these
together, and ``record`` what survives a restart. ``failures`` sorts everything that can go wrong by who must act, and
``refusing`` tells a refused client certificate from a refused request.
"""

from certwright.issuers.est.credentials import ESTCredentials
from certwright.issuers.est.driver import ESTDriver

__all__ = ["ESTCredentials", "ESTDriver"]
