"""HTTP authentication as a server does it: Basic (RFC 7617), Digest (RFC 7616) and Bearer (RFC 6750)."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

import httpx

HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
PARAMETER = re.compile(r'([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
REALM = 'the "EST" realm'


@dataclass
class FakeHTTPAuthentication:
    """Who may ask. ``schemes`` are offered in this order; with none everybody may ask.

    A scheme is ``Basic``, ``Bearer`` or ``Digest`` with its algorithm (``Digest SHA-256-sess``). A nonce serves
    ``nonce_uses`` requests. ``seen`` are the Authorization headers that came.
    """

    schemes: tuple[str, ...] = ()
    users: dict[str, str] = field(default_factory=lambda: {"device": "pass:word"})
    tokens: set[str] = field(default_factory=lambda: {"t0ken"})
    nonce_uses: int = 100
    has_qop: bool = True
    refusals: int = 0
    seen: list[str] = field(default_factory=list)
    _nonces: dict[str, int] = field(default_factory=dict)
    _used: set[tuple[str, str]] = field(default_factory=set)

    def refuse(self, request: httpx.Request) -> httpx.Response | None:
        """The 401 that this request gets, None if it may go on."""
        header = request.headers.get("authorization", "")
        self.seen.append(header)
        if not self.schemes or self._is_authenticated(header, request):
            return None
        self.refusals += 1
        headers = [("WWW-Authenticate", self._challenge(scheme)) for scheme in self.schemes]
        return httpx.Response(401, text="who are you?", headers=headers)

    def _challenge(self, scheme: str) -> str:
        name, _, algorithm = scheme.partition(" ")
        quoted = REALM.replace('"', '\\"')
        if name != "Digest":
            return f'{name} realm="{quoted}"'
        nonce = f"nonce-{len(self._nonces)}"
        self._nonces[nonce] = self.nonce_uses
        qop = ', qop="auth-int, auth"' if self.has_qop else ""
        return f'Digest realm="{quoted}", nonce="{nonce}", algorithm={algorithm}, opaque="o,p"{qop}'

    def _is_authenticated(self, header: str, request: httpx.Request) -> bool:
        scheme, _, rest = header.partition(" ")
        offered = {entry.partition(" ")[0] for entry in self.schemes}
        if scheme not in offered:
            return False
        if scheme == "Bearer":
            return rest in self.tokens
        if scheme == "Basic":
            user, _, password = base64.b64decode(rest).decode().partition(":")
            return self.users.get(user) == password
        fields = {name: quoted.replace("\\", "") or plain for name, quoted, plain in PARAMETER.findall(rest)}
        if "username*" in fields:
            fields["username"] = unquote(fields["username*"].removeprefix("UTF-8''"))
        return self._is_digest(fields, request)

    def _is_digest(self, fields: dict[str, str], request: httpx.Request) -> bool:
        nonce, count = fields["nonce"], fields.get("nc", "")
        if self._nonces.get(nonce, 0) <= 0 or (self.has_qop and (nonce, count) in self._used):
            return False
        self._nonces[nonce] -= 1
        self._used.add((nonce, count))
        return fields["response"] == self._proof(fields, request) and fields["opaque"] == "o,p"

    def _proof(self, fields: dict[str, str], request: httpx.Request) -> str:
        algorithm = fields["algorithm"]

        def hashed(*parts: str) -> str:
            return HASHES[algorithm.removesuffix("-sess")](":".join(parts).encode()).hexdigest()

        secret = hashed(fields["username"], REALM, self.users.get(fields["username"], ""))
        if algorithm.endswith("-sess"):
            secret = hashed(secret, fields["nonce"], fields["cnonce"])
        request_hash = hashed(request.method, request.url.raw_path.decode())
        if not self.has_qop:
            return hashed(secret, fields["nonce"], request_hash)
        assert fields["qop"] == "auth"
        return hashed(secret, fields["nonce"], fields["nc"], fields["cnonce"], "auth", request_hash)
