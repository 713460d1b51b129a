"""micromdm's scepserver, the newest one and the old one that Debian has."""

from e2e.peers.scep.server import InstalledSCEPServer, SCEPServer

__all__ = ["InstalledSCEPServer", "SCEPServer"]
