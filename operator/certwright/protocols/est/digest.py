"""Digest authentication (RFC 7616): a password proved by a hash over the server's nonce.

Written out here because httpx's own takes the first challenge instead of the best, quotes nothing and reads the whole
body of a 401 however long it is. Quality of protection is ``auth`` or, for servers of RFC 2069, none; ``auth-int`` and
hashed user names are not offered by EST servers.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from certwright.protocols.est.challenges import Challenge

# Best first. MD5 is what the RFC's servers have offered all along; inside TLS its weakness costs nothing.
ALGORITHMS: Mapping[str, str] = {"SHA-256": "sha256", "MD5": "md5"}
SESSION = "-SESS"
_REPEATED = ("realm", "nonce", "opaque", "algorithm")


def is_answerable(challenge: Challenge) -> bool:
    """Whether this is a Digest challenge that can be answered."""
    parameters = challenge.parameters
    return (
        challenge.scheme == "digest"
        and {"realm", "nonce"} <= parameters.keys()
        and all(parameters.get(name, "").isascii() and parameters.get(name, "").isprintable() for name in _REPEATED)
        and _algorithm(challenge) in ALGORITHMS
        and _qop(challenge) in ("auth", "")
    )


class DigestSession:
    """The answers to one nonce, counted. ``challenges`` are answerable ones; the best algorithm is taken."""

    def __init__(
        self,
        username: str,
        password: str,
        challenges: Sequence[Challenge],
        *,
        client_nonce: Callable[[], str] = secrets.token_hex,
    ) -> None:
        order = list(ALGORITHMS)
        self._challenge = min(challenges, key=lambda challenge: order.index(_algorithm(challenge)))
        self._username = username
        self._password = password
        self._client_nonce = client_nonce
        self._count = 0

    def header(self, method: str, target: str) -> str:
        """The Authorization header of one request to this target (path and query)."""
        self._count += 1
        given, cnonce, count = self._challenge.parameters, self._client_nonce(), f"{self._count:08x}"
        qop = _qop(self._challenge)
        middle = (count, cnonce, qop) if qop else ()
        proof = self._hash(self._first(cnonce), given["nonce"], *middle, self._hash(method, target))
        fields = [
            _username(self._username),
            f"realm={_quoted(given['realm'])}",
            f"nonce={_quoted(given['nonce'])}",
            f"uri={_quoted(target)}",
            f'response="{proof}"',
        ]
        fields += [f"algorithm={given['algorithm']}"] if "algorithm" in given else []
        fields += [f"opaque={_quoted(given['opaque'])}"] if "opaque" in given else []
        fields += [f"qop={qop}", f"nc={count}", f'cnonce="{cnonce}"'] if qop else []
        return "Digest " + ", ".join(fields)

    def _first(self, cnonce: str) -> str:
        """The hash of the credential, which a -sess algorithm ties to the nonces."""
        given = self._challenge.parameters
        secret = self._hash(self._username, given["realm"], self._password)
        if given.get("algorithm", "").upper().endswith(SESSION):
            return self._hash(secret, given["nonce"], cnonce)
        return secret

    def _hash(self, *parts: str) -> str:
        name = ALGORITHMS[_algorithm(self._challenge)]
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()


def _algorithm(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").upper().removesuffix(SESSION)


def _qop(challenge: Challenge) -> str:
    """``auth`` if offered, nothing if the server knows none, else what cannot be answered."""
    offered = challenge.parameters.get("qop")
    if offered is None:
        return ""
    values = [value.strip().lower() for value in offered.split(",")]
    return "auth" if "auth" in values else values[0] or "unknown"


def _username(name: str) -> str:
    # Headers hold ASCII; RFC 7616 §3.4 has another field for what goes beyond it.
    return f"username={_quoted(name)}" if name.isascii() else f"username*=UTF-8''{quote(name, safe='')}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
