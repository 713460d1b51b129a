"""Salts and initialisation vectors that follow from what they are for, so that a keystore is the same bytes each time.

RFC 8018 §4.1 has this way beside randomness: the salt is a function of the password and of all that is protected by it.
Here the function is keyed with the private key besides, so that nobody can tell anything from a salt who does not have
the key already. Another password, certificate, profile or name gives other salts.
"""

import hashlib
import hmac
from collections.abc import Iterable


class Salts:
    """Hands out bytes, others each time; the same ones for the same ``key`` and ``subject``."""

    def __init__(self, key: bytes, subject: Iterable[bytes]) -> None:
        digest = hmac.new(key, digestmod=hashlib.sha256)
        for part in subject:
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        self._seed = digest.digest()
        self._count = 0

    def draw(self, length: int) -> bytes:
        """As many bytes, 32 at most."""
        self._count += 1
        return hmac.digest(self._seed, self._count.to_bytes(4), "sha256")[:length]
