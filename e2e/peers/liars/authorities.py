"""The four servers of ``tests/fakes`` with a CA behind them that lies on demand.

What a Certificate gets is decided by the first label of its name: one server serves a whole table of Certificates, each
of which finds another CA.
"""

import base64
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.model.chain import fingerprint
from e2e.authority import Authority
from e2e.peers.liars.forging import Forgery, Signer, Wanted, forge
from e2e.peers.liars.loopback import Loopback
from e2e.tenant import API, Object, secret
from tests.fakes.acme import FakeACMEServer
from tests.fakes.cmp import FakeAuthority, FakeCMPServer
from tests.fakes.est import FakeESTServer
from tests.fakes.scep.server import FakeSCEPServer

TRUTH = Forgery()
FOR_EVER = 1 << 30
REFERENCE, MAC_SECRET = "device-1", "sesame"


def now() -> datetime:
    return datetime.now(UTC)


class Liar(ABC):
    """One server; a context manager. ``forgeries`` and ``answers`` are by the first label of a request's name.

    ``answers`` are sent instead of the real answer to a request that was granted. ``asked`` counts the requests that
    were granted, ``received`` all that asked for a certificate or after one.
    """

    protocol: ClassVar[str]
    over_tls: ClassVar[bool] = False

    def __init__(self) -> None:
        self.forgeries: dict[str, Forgery] = {}
        self.answers: dict[str, Callable[[], httpx.Response]] = {}
        self.asked: Counter[str] = Counter()
        self.received = 0
        self._granted = ""
        self._lock = Lock()
        self._authority = Authority.create("liar") if self.over_tls else None
        self._loopback = Loopback(self._handle, authority=self._authority)

    @abstractmethod
    def issuer(self, name: str, **fields: Any) -> list[Object]:
        """An Issuer for it, with what it needs, the Issuer last."""

    @abstractmethod
    def hold(self) -> None:
        """From now on the CA needs time for whatever is asked."""

    @abstractmethod
    def release(self) -> None:
        """It has decided about all of it, and needs no more time."""

    @abstractmethod
    def _answer(self, request: httpx.Request) -> httpx.Response:
        """The real answer."""

    @abstractmethod
    def _is_for_certificate(self, request: httpx.Request) -> bool:
        """Whether a certificate is asked for, or what became of it."""

    @property
    def origin(self) -> str:
        return self._loopback.origin

    def _handle(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.received += self._is_for_certificate(request)
            self._granted = ""
            answer = self._answer(request)
            instead = self.answers.get(self._granted)
            return answer if instead is None else instead()

    def _forge(self, wanted: Wanted, signer: Signer) -> tuple[x509.Certificate, list[x509.Certificate]]:
        self._granted = wanted.label
        self.asked[wanted.label] += 1
        return forge(self.forgeries.get(wanted.label, TRUTH), wanted, signer)

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loopback.__exit__(kind, error, traceback)


def _wanted(csr: x509.CertificateSigningRequest) -> Wanted:
    return Wanted(csr.subject, csr.public_key(), [(one.value, one.critical) for one in csr.extensions])


class _ESTServer(FakeESTServer):
    """Whose CA is the liar's."""

    make: Callable[[x509.CertificateSigningRequest], list[x509.Certificate]]

    def _certificates(self, csr: x509.CertificateSigningRequest) -> list[x509.Certificate]:
        return self.make(csr)


class ESTLiar(Liar):
    protocol = "EST"
    over_tls = True

    def __init__(self) -> None:
        super().__init__()
        self.fake = _ESTServer(clock=now)
        self.fake.make = self._make

    def issuer(self, name: str, **fields: Any) -> list[Object]:
        assert self._authority is not None
        spec: Object = {"url": self.origin, "renewWith": "Credential", **fields}
        return [_issuer(name, est=spec, tls=_trusting(self._authority.pem))]

    def hold(self) -> None:
        self.fake.deferrals, self.fake.retry_after = FOR_EVER, "1"

    def release(self) -> None:
        self.fake.deferrals = 0
        self.fake.waiting.clear()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self.fake.handle(request, self.fake.connection())

    def _is_for_certificate(self, request: httpx.Request) -> bool:
        return request.method == "POST"

    def _make(self, csr: x509.CertificateSigningRequest) -> list[x509.Certificate]:
        (intermediate,) = self.fake.ca.intermediates.values()
        leaf, links = self._forge(_wanted(csr), Signer(intermediate.subject, self.fake.ca.key))
        return [*links, leaf]


class SCEPLiar(Liar):
    protocol = "SCEP"

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeSCEPServer(clock=now)
        self.fake.authority.issue = self._make  # type: ignore[method-assign]  # the one thing that is another here

    def issuer(self, name: str, **fields: Any) -> list[Object]:
        (root,) = self.fake.authority.certificates
        pin = fingerprint(root)
        spec: Object = {
            "url": f"{self.origin}/cgi-bin/pkiclient.exe",
            "caFingerprintSHA256": pin,
            "polling": {"minInterval": "1s", "maxInterval": "1s"},
            **fields,
        }
        return [_issuer(name, scep=spec)]

    def hold(self) -> None:
        self.fake.pending = FOR_EVER

    def release(self) -> None:
        self.fake.pending = 0
        for enrolment in self.fake.enrolments.values():
            enrolment.polls = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self.fake.handle(request)

    def _is_for_certificate(self, request: httpx.Request) -> bool:
        return "PKIOperation" in str(request.url)

    def _make(self, csr: x509.CertificateSigningRequest) -> x509.Certificate:
        ca = self.fake.authority.ca
        leaf, self.fake.extra = self._forge(_wanted(csr), Signer(ca.certificate.subject, ca.key))
        return leaf


class _CMPAuthority(FakeAuthority):
    """Which the liar makes certificates for."""

    make: Callable[[Wanted], x509.Certificate] | None = None

    def _sign(self, subject: x509.Name, public_key: Any, extensions: Any, **more: Any) -> x509.Certificate:
        if self.make is None:
            return super()._sign(subject, public_key, extensions, **more)
        return self.make(Wanted(subject, public_key, list(extensions)))


class CMPLiar(Liar):
    protocol = "CMP"

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeCMPServer(clock=now, secrets={REFERENCE: MAC_SECRET.encode()}, check_after=1)
        authority = _CMPAuthority(clock=now)
        authority.make = self._make
        self.fake.authority, self.fake.signer, self.fake.key_signer = authority, authority.signer, authority.signer

    def issuer(self, name: str, **fields: Any) -> list[Object]:
        root = self.fake.root.public_bytes(Encoding.PEM).decode()
        spec: Object = {
            "url": f"{self.origin}/pkix/",
            "protection": {"mac": {"reference": REFERENCE, "secretRef": {"name": f"{name}-mac"}}},
            "renewalOperation": "ir",
            "trust": _trusting(root),
            "polling": {"minInterval": "1s", "maxInterval": "1s"},
            **fields,
        }
        made = _issuer(name, cmp=spec)
        return [secret(f"{name}-mac", secret=MAC_SECRET), made]

    def hold(self) -> None:
        self.fake.polls = FOR_EVER

    def release(self) -> None:
        self.fake.polls = 0
        for transaction in self.fake.transactions.values():
            transaction.polls = min(transaction.polls, 1)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self.fake.handle(request)

    def _is_for_certificate(self, request: httpx.Request) -> bool:
        return request.method == "POST"

    def _make(self, wanted: Wanted) -> x509.Certificate:
        issuing = self.fake.authority.issuing
        leaf, _ = self._forge(wanted, Signer(issuing.certificate.subject, issuing.key))
        return leaf


class ACMELiar(Liar):
    """Believes every proof of a name."""

    protocol = "ACME"
    over_tls = True

    def __init__(self, solver: Object) -> None:
        super().__init__()
        self._solver = solver
        self.fake = FakeACMEServer(clock=now)
        self._links: dict[bytes, list[x509.Certificate]] = {}
        self.fake.ca.issue = self._make  # type: ignore[method-assign]  # as over SCEP
        self._chain = self.fake.ca.chain
        self.fake.ca.chain = self._long_chain  # type: ignore[method-assign]  # as above

    def issuer(self, name: str, **fields: Any) -> list[Object]:
        assert self._authority is not None
        self.fake.origin = self.origin
        spec: Object = {
            "server": f"{self.origin}/dir",
            "termsOfServiceAgreed": True,
            "privateKeySecretRef": {"name": f"{name}-account"},
            "solvers": [self._solver],
            **fields,
        }
        return [_issuer(name, acme=spec, tls=_trusting(self._authority.pem))]

    def hold(self) -> None:
        self.fake.issuance_polls, self.fake.retry_after = FOR_EVER, "1"

    def release(self) -> None:
        self.fake.issuance_polls, self.fake.retry_after = 0, None
        for order in self.fake.orders.values():
            order.polls = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = self.fake.handle(request)
        if request.url.path.startswith("/cert/"):
            certificate = self.fake.orders[request.url.path.split("/")[2]].certificate
            assert certificate is not None
            extensions = [(one.value, one.critical) for one in certificate.extensions]
            self._granted = Wanted(certificate.subject, None, extensions).label
        else:
            self._granted = ""
        return answer

    def _is_for_certificate(self, request: httpx.Request) -> bool:
        return request.url.path.startswith(("/finalize/", "/orders/", "/cert/"))

    def _make(self, csr: x509.CertificateSigningRequest) -> x509.Certificate:
        (intermediate,) = self.fake.ca.intermediates.values()
        leaf, links = self._forge(_wanted(csr), Signer(intermediate.subject, self.fake.ca.key))
        self._links[leaf.public_bytes(Encoding.DER)] = links
        return leaf

    def _long_chain(self, leaf: x509.Certificate, version: int = 0) -> bytes:
        links = self._links[leaf.public_bytes(Encoding.DER)]
        own, rest = leaf.public_bytes(Encoding.PEM), self._chain(leaf, version)
        return b"".join([own, *(one.public_bytes(Encoding.PEM) for one in links), rest.removeprefix(own)])


def _issuer(name: str, **spec: Object) -> Object:
    timeouts = {"connect": "5s", "request": "5s"}
    return {"apiVersion": API, "kind": "Issuer", "metadata": {"name": name}, "spec": {"timeouts": timeouts, **spec}}


def _trusting(root: str) -> Object:
    return {"caBundle": base64.b64encode(root.encode()).decode()}
