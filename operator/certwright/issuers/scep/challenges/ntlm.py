"""NTLM over HTTP (MS-NTHT): three requests on one connection, the tokens in headers. The cryptography is pyspnego's.

Where the connection is TLS the handshake is bound to the server's certificate (RFC 5929 tls-server-end-point), which
IIS demands under "Extended Protection".
"""

import base64
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

_TOKEN = re.compile(r"(?:^|,)\s*NTLM\s+([A-Za-z0-9+/=]{1,20000})", re.IGNORECASE)


class HandshakeFailed(Exception):
    """The server's part of the handshake makes no sense."""


class Handshake:
    """One authentication of one connection; ``username`` may begin with a domain, or end with one after an @."""

    def __init__(self, username: str, password: str, *, host: str, certificate: bytes | None = None) -> None:
        import spnego  # Takes a tenth of a second, and few issuers need it.

        bindings = spnego.channel_bindings.GssChannelBindings(application_data=endpoint_binding(certificate))
        self._context = spnego.client(
            username,
            password,
            hostname=host,
            service="HTTP",
            protocol="ntlm",
            channel_bindings=bindings if certificate else None,
            options=spnego.NegotiateOptions.use_ntlm,
        )

    def begin(self) -> str:
        """The first Authorization header."""
        return self._header(None)

    def answer(self, challenges: Iterable[str]) -> str:
        """The second one, from the WWW-Authenticate headers of the answer to the first."""
        tokens = [token for header in challenges for token in _TOKEN.findall(header)]
        if not tokens:
            raise HandshakeFailed("the server did not go on with the handshake")
        return self._header(tokens[0])

    def _header(self, token: str | None) -> str:
        try:
            made = self._context.step(None if token is None else base64.b64decode(token, validate=True))
        except Exception as error:  # noqa: BLE001 - it parses what a server sent, and names no closed set of errors
            raise HandshakeFailed(f"the server's part of it cannot be read ({type(error).__name__})") from None
        return f"NTLM {base64.b64encode(made or b'').decode('ascii')}"


def endpoint_binding(certificate: bytes | None) -> bytes:
    """The binding to a server's certificate in DER: its hash with the hash of its signature, SHA-256 at least."""
    if certificate is None:
        return b""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        algorithm = None
    if algorithm is None or isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()
