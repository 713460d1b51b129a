"""The real servers that certwright talks to, one folder each behind one small interface.

``pebble`` is an ACME authority, ``bind9`` a DNS server that takes RFC 2136 updates, ``est`` has two EST servers,
``scep`` and ``stepca`` have SCEP servers, ``cmp`` a CMP server; ``hierarchy`` makes the authorities of those that bring
none. The end-to-end tests, the demo and the bench start them; ``PeerUnavailableError`` says that this machine cannot.
"""

from e2e.peers.bind9 import Bind9
from e2e.peers.cmp import CMPServer
from e2e.peers.est import ESTServer, ScriptedESTServer
from e2e.peers.pebble import ChallengeTestServer, Pebble
from e2e.peers.peer import Peer, PeerUnavailableError
from e2e.peers.scep import InstalledSCEPServer, SCEPServer
from e2e.peers.stepca import StepCA

__all__ = [
    "Bind9",
    "CMPServer",
    "ChallengeTestServer",
    "ESTServer",
    "InstalledSCEPServer",
    "Pebble",
    "Peer",
    "PeerUnavailableError",
    "SCEPServer",
    "ScriptedESTServer",
    "StepCA",
]
