"""EST servers on globalsign's library: its stock estserver, and one of ours that does what a test tells it.

The stock one proves that certwright speaks to a server as it is shipped. ``scripted`` holds the Go source of the other.
"""

from e2e.peers.est.scripted_server import ClientCertificates, Failure, ScriptedESTServer
from e2e.peers.est.server import ESTServer

__all__ = ["ClientCertificates", "ESTServer", "Failure", "ScriptedESTServer"]
