"""ISC BIND as an authoritative DNS server that takes signed updates (RFC 2136, RFC 8945)."""

from e2e.peers.bind9.bind9 import Bind9
from e2e.peers.bind9.tsig import TSIGKey

__all__ = ["Bind9", "TSIGKey"]
