"""The key that signs updates."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Self

import dns.name
import dns.tsig


@dataclass(frozen=True, slots=True)
class TSIGKey:
    """An HMAC-SHA256 key; ``secret`` is base64, as BIND, cert-manager and certwright take it."""

    name: str
    secret: str = field(repr=False)
    algorithm: str = "hmac-sha256"

    @classmethod
    def generate(cls, name: str) -> Self:
        return cls(name, base64.b64encode(secrets.token_bytes(32)).decode())

    @property
    def keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        return {dns.name.from_text(self.name): dns.tsig.Key(self.name, self.secret, self.algorithm)}
