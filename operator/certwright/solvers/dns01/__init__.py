"""DNS-01 (RFC 8555 §8.4): TXT records made by a provider, seen at the authoritative servers.

The only package that imports a DNS library. ``solver`` composes a provider (``rfc2136``; one module each) with
``aliases`` and ``propagation``; ``resolver`` and ``exchange`` are the way to the network that they share.
"""
