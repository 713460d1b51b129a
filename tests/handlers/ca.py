"""A CA with a driver for it: a real implementation of ``model.enrolment.Issuer`` without a protocol.

The CA outlives the operators of a test, as CAs do: it remembers its orders, and gives the same certificate twice for
the same order. What a test wants to happen instead is put into ``script``, an entry for each call of ``enrol``.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from cryptography import x509

from certwright.kube.references import MissingReference
from certwright.model.csr import build_csr
from certwright.model.enrolment import (
    Answer,
    Checkpoint,
    CurrentCertificate,
    EnrolmentRequest,
    Issued,
    Issuer,
    IssuerReport,
    LearnedAnchor,
    Pending,
    Prepared,
    ResumeData,
    Revocation,
    Revoked,
    StartAfresh,
)
from certwright.model.errors import RejectedError
from certwright.model.keys import PrivateKey
from certwright.model.observed import KnownIssuer
from certwright.model.resources import CredentialSeen
from certwright.reconcile.issuer import is_new_account_wanted
from tests.fakes.ca import FakeCA
from tests.fakes.clock import FakeClock


@dataclass(frozen=True)
class Asked:
    """One call of ``enrol``."""

    key: PrivateKey
    csr: bytes
    resume: ResumeData
    current: CurrentCertificate | None
    secret: bytes | None
    """The Certificate's own credential."""


class ScriptedCA:
    """The CA and its driver. ``makes_orders`` is ACME's way: the order is a checkpoint before the certificate."""

    def __init__(self, clock: FakeClock, *, makes_orders: bool = True) -> None:
        self.makes_orders = makes_orders
        self.script: deque[Pending | StartAfresh | Exception] = deque()
        self.probe_script: deque[Exception] = deque()
        self.prepare_script: deque[Exception] = deque()
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """Happens once, after the CA has decided and before its answer arrives."""
        self.other_names: tuple[str, ...] = ()
        """What it issues for, whatever was asked for."""
        self.orders: dict[str, x509.Certificate | None] = {}
        self.issued: list[x509.Certificate] = []
        self.asked: list[Asked] = []
        self.given_up: list[ResumeData] = []
        self.wants_credential = False
        """Whether a request must carry the Certificate's own credential."""
        self.notes: tuple[str, ...] = ()
        self.learned: tuple[LearnedAnchor, ...] | None = None
        self.prepared = Prepared()
        self.expiring: tuple[CredentialSeen, ...] = ()
        self.revocation_script: deque[Pending | Exception] = deque()
        """What is answered to revocations; when it is empty they are done."""
        self.revocations: list[tuple[Revocation, ResumeData]] = []
        self.revoked: dict[int, x509.ReasonFlags] = {}
        """By serial number."""
        self.probes = 0
        self.accounts = 0
        self.signer = FakeCA(clock=clock.now)

    async def check(self) -> IssuerReport:
        self.probes += 1
        if self.probe_script:
            raise self.probe_script.popleft()
        account = f"https://ca.example.com/acct/{self.accounts}"
        return IssuerReport(message="The CA answers.", account_uri=account, learned=self.learned)

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        assert request.key is None
        if self.prepare_script:
            raise self.prepare_script.popleft()
        return self.prepared

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Answer:
        assert request.key is not None
        secret = self._credential(request)
        self.asked.append(Asked(request.key, request.csr, dict(resume), request.current, secret))
        if self.makes_orders and "order" not in resume:
            name = f"order-{len(self.orders) + 1}"
            self.orders[name] = None
            return Checkpoint(resume={"order": name}, message="ordered")
        answer = self.script.popleft() if self.script else self._certificate(request, resume)
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening()
        if isinstance(answer, RejectedError):
            answer.is_credential_used = secret is not None
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, resume={**resume, **answer.resume}) if isinstance(answer, Pending) else answer

    async def abandon(self, request: EnrolmentRequest, *, resume: ResumeData) -> None:
        assert request.csr
        self.given_up.append(dict(resume))

    async def revoke(self, revocation: Revocation, *, resume: ResumeData) -> Revoked | Pending:
        self.revocations.append((revocation, dict(resume)))
        answer = self.revocation_script.popleft() if self.revocation_script else None
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        self.revoked.setdefault(revocation.certificate.serial_number, revocation.reason)
        return Revoked(message="The CA has revoked it.")

    def _credential(self, request: EnrolmentRequest) -> bytes | None:
        return request.credential.use() if self.wants_credential and request.credential else None

    def _certificate(self, request: EnrolmentRequest, resume: ResumeData) -> Issued:
        leaf = self.orders.get(resume.get("order", "")) or self._issue(request, resume)
        return Issued(
            chain=(leaf, next(iter(self.signer.intermediates.values()))),
            notes=self.notes,
            is_credential_used=self.wants_credential,
        )

    def _issue(self, request: EnrolmentRequest, resume: ResumeData) -> x509.Certificate:
        assert request.key is not None
        wanted = request.spec.model_copy(update={"dns_names": self.other_names}) if self.other_names else None
        csr = build_csr(wanted, request.key) if wanted else request.csr
        leaf = self.signer.issue(x509.load_der_x509_csr(csr))
        self.issued.append(leaf)
        if "order" in resume:
            self.orders[resume["order"]] = leaf
        return leaf


@dataclass(frozen=True)
class WithoutRevocation:
    """A driver of the same CA that can do no more than a driver must."""

    ca: ScriptedCA

    @property
    def expiring(self) -> tuple[CredentialSeen, ...]:
        return self.ca.expiring

    async def check(self) -> IssuerReport:
        return await self.ca.check()

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        return await self.ca.prepare(request)

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Answer:
        return await self.ca.enrol(request, resume=resume)


@dataclass(frozen=True)
class Recipe:
    """A driver that needs no making."""

    digest: str
    driver: ScriptedCA | WithoutRevocation
    closed: list[str]

    @property
    def expiring(self) -> tuple[CredentialSeen, ...]:
        return self.driver.expiring

    def make(self) -> tuple[Issuer, Callable[[], Awaitable[None]]]:
        async def close() -> None:
            self.closed.append(self.digest)

        return self.driver, close


class Workshop:
    """Stands where the real one reads what an issuer refers to; ``missing`` is what it does not find.

    ``others`` are the CAs of issuers by name, beside the one that serves all the rest. ``closed`` are the recipes whose
    drivers' connections were closed.
    """

    def __init__(self, ca: ScriptedCA) -> None:
        self.ca = ca
        self.others: dict[str, ScriptedCA] = {}
        self.missing = ""
        self.can_revoke = True
        self.resolved = 0
        self.closed: list[str] = []

    async def resolve(self, issuer: KnownIssuer) -> Recipe:
        self.resolved += 1
        if self.missing:
            raise MissingReference(self.missing)
        ca = self.others.get(issuer.key.name, self.ca)
        if is_new_account_wanted(issuer):
            ca.accounts += 1
        driver = ca if self.can_revoke else WithoutRevocation(ca)
        return Recipe(f"{issuer.metadata.uid}/{issuer.metadata.generation}", driver, self.closed)
