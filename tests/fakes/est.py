"""An EST server in memory, written from RFC 7030, RFC 8951 and RFC 9908; its ``opener()`` goes to whatever enrols.

It proves what no server at hand does: Digest and Bearer, requests tied to their connection, templates, keys encrypted
to the requested identifier, and certificates of a root's rollover. Connections are made up here: a client trusts the
server if it holds ``tls_root``, and shows the identity it was opened with. Real handshakes are in ``tests.fakes.tls``.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certwright.protocols.cms import ID_DATA, ID_SIGNED_DATA, der
from tests.fakes.ca import FakeCA
from tests.fakes.est_authentication import FakeHTTPAuthentication
from tests.fakes.est_connections import FakeConnection, FakeOpener
from tests.fakes.est_keygen import FakeKeyGeneration

__all__ = ["FakeConnection", "FakeESTServer", "FakeOpener"]

HOST = "est.test"
URL = f"https://{HOST}"
WELL_KNOWN = "/.well-known/est"
CHALLENGE_PASSWORD = x509.ObjectIdentifier("1.2.840.113549.1.9.7")
LINE = 64


@dataclass
class FakeESTServer:
    """An EST server. Its options may be changed at any time; ``requests`` and ``issued`` tell what happened.

    ``deferrals``: so many times each new CSR is answered 202 first. ``refusals``: whole answers by names.
    ``csrattrs``: DER, None for 204. ``tls_root`` None means a root that every system trusts.
    """

    clock: Callable[[], datetime]
    ca: FakeCA = field(init=False)
    label: str | None = None
    authentication: FakeHTTPAuthentication = field(default_factory=FakeHTTPAuthentication)
    key_generation: FakeKeyGeneration = field(default_factory=FakeKeyGeneration)
    csrattrs: bytes | None = None
    deferrals: int = 0
    retry_after: str | None = "3600"
    refusals: dict[str, httpx.Response] = field(default_factory=dict)
    requires_binding: bool = False
    sends_chain: bool = False
    extra_ca_certificates: Sequence[x509.Certificate] = ()
    tls_root: x509.Certificate | None = None
    tls_version: str = "TLSv1.2"
    refuses_client_certificates: bool = False
    loses_answers: int = 0
    requests: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    issued: list[x509.Certificate] = field(default_factory=list)
    connections: int = 0
    waiting: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ca = FakeCA(clock=self.clock)

    def opener(self) -> FakeOpener:
        return FakeOpener(self)

    def connection(self, certificate: x509.Certificate | None = None) -> FakeConnection:
        self.connections += 1
        return FakeConnection(certificate, b"unique-%d" % self.connections, self.tls_version)

    def handle(self, request: httpx.Request, connection: FakeConnection) -> httpx.Response:
        """The answer to one request over this connection."""
        operation = self._operation(request.url.path)
        self.requests.append(f"{request.method} {request.url.path}")
        answer = self._answer(operation, request, connection)
        answer.extensions["network_stream"] = connection
        if self.loses_answers and request.method == "POST" and answer.is_success:
            self.loses_answers -= 1
            raise httpx.ReadError("the connection broke", request=request)
        return answer

    def _operation(self, path: str) -> str:
        start = WELL_KNOWN if self.label is None else f"{WELL_KNOWN}/{self.label}"
        return path.removeprefix(f"{start}/") if path.startswith(f"{start}/") else ""

    def _answer(self, operation: str, request: httpx.Request, connection: FakeConnection) -> httpx.Response:
        match request.method, operation:
            case "GET", "cacerts":
                return certs_only(self.ca_certificates())
            case "GET", "csrattrs":
                return self._csrattrs()
            case "POST", "simpleenroll" | "simplereenroll" | "serverkeygen":
                return self._enrol(operation, request, connection)
            case _:
                return httpx.Response(404, text="there is nothing of that name")

    def ca_certificates(self) -> list[x509.Certificate]:
        return [*self.ca.intermediates.values(), *self.extra_ca_certificates, *self.ca.roots.values()]

    def _csrattrs(self) -> httpx.Response:
        if self.csrattrs is None:
            return httpx.Response(204)
        return httpx.Response(200, content=wrapped(self.csrattrs), headers={"Content-Type": "application/csrattrs"})

    def _enrol(self, operation: str, request: httpx.Request, connection: FakeConnection) -> httpx.Response:
        if connection.certificate is None and (refusal := self.authentication.refuse(request)) is not None:
            return refusal
        try:
            csr = read_request(request)
        except ValueError as error:
            return refused(400, str(error))
        names = names_in(csr)
        self.received.append(csr.public_bytes(Encoding.DER))
        for name, answer in self.refusals.items():
            if name in names:
                return answer
        if operation == "simplereenroll" and (refusal := _changed(csr, connection.certificate)) is not None:
            return refusal
        if (refusal := self._unbound(csr, connection)) is not None:
            return refusal
        return self._deferred(csr) or self._issue(operation, csr)

    def _unbound(self, csr: x509.CertificateSigningRequest, connection: FakeConnection) -> httpx.Response | None:
        """RFC 7030 §3.5: a password is verified wherever there is one, and missing only where none is required."""
        sent = password_in(csr)
        if sent is None:
            return refused(400, "linking of identity and POP is required") if self.requires_binding else None
        if sent != base64.b64encode(connection.tls_unique):
            return refused(400, "the challengePassword is not that of this connection")
        return None

    def _deferred(self, csr: x509.CertificateSigningRequest) -> httpx.Response | None:
        # A request that is tied to its connection is signed anew for each: what stays is its key.
        key = csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        seen = key if password_in(csr) is not None else csr.public_bytes(Encoding.DER)
        self.waiting[seen] = self.waiting.get(seen, self.deferrals) - 1
        if self.waiting[seen] < 0:
            return None
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        return httpx.Response(202, headers=headers)

    def _issue(self, operation: str, csr: x509.CertificateSigningRequest) -> httpx.Response:
        if operation == "serverkeygen":
            return self.key_generation.answer(csr, issue=self._certificate)
        return certs_only(self._certificates(csr))

    def _certificates(self, csr: x509.CertificateSigningRequest) -> list[x509.Certificate]:
        chain = list(self.ca.intermediates.values()) if self.sends_chain else []
        return [*chain, self._certificate(csr)]

    def _certificate(self, csr: x509.CertificateSigningRequest) -> x509.Certificate:
        certificate = self.ca.issue(csr)
        self.issued.append(certificate)
        return certificate


def read_request(request: httpx.Request) -> x509.CertificateSigningRequest:
    """The CSR in a body that the strictest server would take: lines of base64, a length, the two headers."""
    body = request.content
    if request.headers.get("content-type") != "application/pkcs10":
        raise ValueError("the content type is not application/pkcs10")
    if request.headers.get("content-transfer-encoding") != "base64" or "content-length" not in request.headers:
        raise ValueError("the transfer is not in base64 with a length")
    if not body.endswith(b"\n") or any(len(line) > LINE for line in body.splitlines()):
        raise ValueError("the lines are too long")
    csr = x509.load_der_x509_csr(base64.b64decode(body.replace(b"\n", b""), validate=True))
    if not csr.is_signature_valid:
        raise ValueError("the signature of the request is wrong")
    return csr


def names_in(csr: x509.CertificateSigningRequest) -> set[str]:
    found = {str(attribute.value) for attribute in csr.subject}
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found | {str(name.value) for name in names}


def password_in(csr: x509.CertificateSigningRequest) -> bytes | None:
    try:
        return bytes(csr.attributes.get_attribute_for_oid(CHALLENGE_PASSWORD).value)
    except x509.AttributeNotFound:
        return None


def wrapped(der: bytes, *, newline: bytes = b"\n") -> bytes:
    text = base64.b64encode(der)
    return b"".join(text[start : start + LINE] + newline for start in range(0, len(text), LINE))


def certs_only(certificates: Sequence[x509.Certificate]) -> httpx.Response:
    body = wrapped(certs_only_message(certificates))
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=certs-only", "Content-Transfer-Encoding": "base64"}
    return httpx.Response(200, content=body, headers=headers)


def certs_only_message(certificates: Sequence[x509.Certificate]) -> bytes:
    """A SignedData with nothing but certificates (RFC 5272 §4.1), in the order given: that of a SET is no order."""
    signed = der.sequence(
        der.integer(1),
        der.set_of(),
        der.sequence(der.oid(ID_DATA)),
        der.explicit(0, *(certificate.public_bytes(Encoding.DER) for certificate in certificates)),
        der.set_of(),
    )
    return der.sequence(der.oid(ID_SIGNED_DATA), der.explicit(0, signed))


def refused(status: int, text: str) -> httpx.Response:
    return httpx.Response(status, text=text)


def _changed(csr: x509.CertificateSigningRequest, current: x509.Certificate | None) -> httpx.Response | None:
    """RFC 7030 §4.2.2: subject and alternative names stay those of the certificate that authenticates."""
    if current is None:
        return refused(403, "a renewal is authenticated by the certificate that it renews")
    old = current.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    new = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return None if (csr.subject, new) == (current.subject, old) else refused(403, "the names have changed")
