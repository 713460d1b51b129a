"""The nonces that a server has handed out and that are not used yet (RFC 8555 §6.5).

``signed`` puts every Replay-Nonce in and takes one for each request. The pool is small and the newest goes first, since
servers let nonces expire; one that is stale costs a badNonce answer, which brings a fresh one.
"""

import re
from collections import deque

MAX_NONCES = 64
_NONCE = re.compile(r"[A-Za-z0-9_-]{1,512}")


class Nonces:
    """A bounded pool of nonces, each of which is given out once."""

    def __init__(self) -> None:
        self._unused: deque[str] = deque(maxlen=MAX_NONCES)

    def __len__(self) -> int:
        return len(self._unused)

    def put(self, value: str | None) -> None:
        """Keep a nonce for later; what is no nonce is ignored."""
        nonce = checked_nonce(value)
        if nonce is not None:
            self._unused.append(nonce)

    def take(self) -> str | None:
        """The newest nonce, or None if a new one has to be asked for."""
        return self._unused.pop() if self._unused else None


def checked_nonce(value: str | None) -> str | None:
    """The value of a Replay-Nonce header, None unless it is base64url (§6.5.1 has clients ignore others)."""
    return value if value is not None and _NONCE.fullmatch(value) else None
