"""What the EST client raises, beside the transport's own family.

    ESTError
    ├── Refused                 (in refusals) the server said no, in EST's terms
    ├── AuthenticationRequired  the server wants to know who asks, or did not believe it
    ├── MalformedAnswer         the server said something that RFC 7030 does not allow
    ├── NoChannelBinding        the connection has no tls-unique
    └── FingerprintMismatch     no CA certificate has the fingerprint that was configured

Not for what happens below HTTP, nor for statuses and pages that say nothing in EST's terms: that is
``transport.TransportError``. Not for a certificate that is not ready yet: that is the ordinary answer ``Deferred``.
"""


class ESTError(Exception):
    """A fact about what an EST server answered."""


class AuthenticationRequired(ESTError):
    """HTTP status 401. ``schemes`` are those that the server offers, in lower case.

    ``was_refused``: a credential was sent and did not help. Else there was none for any of these schemes.
    """

    def __init__(self, schemes: tuple[str, ...], *, was_refused: bool) -> None:
        offered = ", ".join(schemes) or "no scheme that is known"
        what = "refused the credential" if was_refused else "asks for a credential that was not given"
        super().__init__(f"the server {what} (HTTP status 401; it offers {offered})")
        self.schemes = schemes
        self.was_refused = was_refused


class MalformedAnswer(ESTError):
    """The server answered, and what it said cannot be an answer to the question. The text names the part."""


class NoChannelBinding(ESTError):
    """The request cannot be tied to its TLS connection (RFC 7030 §3.5). No certificate was asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no channel binding: {reason}")
        self.reason = reason


class FingerprintMismatch(ESTError):
    """None of the server's CA certificates has the configured fingerprint (RFC 7030 §4.1.1). Nothing is trusted."""
