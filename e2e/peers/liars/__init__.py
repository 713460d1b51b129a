"""CAs that answer with something else than was asked for, which no real server can be told to do.

They are the small servers of ``tests/fakes``, written from the RFCs, on real sockets: they prove what certwright
does with odd certificates and odd answers. That it speaks with the servers of others is proved with those.
"""

from e2e.peers.liars.authorities import ACMELiar, CMPLiar, ESTLiar, Liar, SCEPLiar, now
from e2e.peers.liars.forging import Forgery
from e2e.peers.liars.loopback import BEHAVIOUR, Behaviour, Loopback

__all__ = ["BEHAVIOUR", "ACMELiar", "Behaviour", "CMPLiar", "ESTLiar", "Forgery", "Liar", "Loopback", "SCEPLiar", "now"]
