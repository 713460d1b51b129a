"""A driver against an ACME server in memory, and a stage on which enrolments are played step by step."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.issuers.acme import ACMEDriver, ConfiguredSolver
from certwright.model.csr import build_csr
from certwright.model.enrolment import Checkpoint, EnrolmentRequest, Issued, Pending, ResumeData
from certwright.model.metadata import ObjectMetadata
from certwright.model.resources import ACMEIssuer, CertificateSpec, Solver
from certwright.protocols.acme import AccountKey, ACMEClient, ExternalAccountBinding
from tests.fakes.acme import FakeACMEServer
from tests.fakes.clock import FakeClock
from tests.fakes.solving import FakeSolver

CERTIFICATE_KEY = ec.generate_private_key(ec.SECP256R1())
DNS01 = Solver.model_validate({"dns01": {"rfc2136": {"nameserver": "192.0.2.1"}}})
ENOUGH_STEPS = 60


def request_for(clock: FakeClock, *names: str, labels: dict[str, str] | None = None, **spec: Any) -> EnrolmentRequest:
    """A staged request for DNS names, or for whatever else ``spec`` holds in the API's spelling."""
    wanted = CertificateSpec.model_validate(
        {"secretName": "web-tls", "issuerRef": {"name": "ca"}, "dnsNames": names, **spec}
    )
    metadata = ObjectMetadata("shop", "web", "11111111-2222-3333-4444-555555555555", "1", labels=labels or {})
    return EnrolmentRequest(
        certificate=metadata,
        spec=wanted,
        key=CERTIFICATE_KEY,
        csr=build_csr(wanted, CERTIFICATE_KEY),
        started_at=clock.now(),
    )


@dataclass
class Stage:
    """Plays the operator: stores what is to be stored, waits by moving the clock, calls again.

    ``driver`` makes another driver, as a restart does: with the account key and nothing else remembered.
    """

    server: FakeACMEServer
    clock: FakeClock
    http: httpx.AsyncClient
    key: AccountKey
    solver: FakeSolver
    pauses: list[float] = field(default_factory=list)
    solvers: list[ConfiguredSolver] | None = None

    def client(self, *, account_url: str | None = None) -> ACMEClient:
        return ACMEClient(
            FakeACMEServer.directory_url, self.key, http=self.http, clock=self.clock.now, account_url=account_url
        )

    def driver(self, *, binding: ExternalAccountBinding | None = None, **spec: Any) -> ACMEDriver:
        known = next(iter(self.server.accounts), None)
        settings = {"server": FakeACMEServer.directory_url, "termsOfServiceAgreed": True}
        settings |= {"privateKeySecretRef": {"name": "account"}}
        return ACMEDriver(
            ACMEIssuer.model_validate({**settings, **spec}),
            self.client(account_url=known),
            solvers=[ConfiguredSolver(DNS01, self.solver)] if self.solvers is None else self.solvers,
            clock=self.clock.now,
            binding=binding,
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.jump(seconds)

    async def play(
        self,
        request: EnrolmentRequest,
        *,
        driver: Callable[[], ACMEDriver] | None = None,
        resume: ResumeData | None = None,
    ) -> Issued:
        """Enrol to the end. With ``driver`` every step is taken by a new process."""
        same = self.driver()
        known: ResumeData = resume or {}
        for _ in range(ENOUGH_STEPS):
            answer = await (driver() if driver else same).enrol(request, resume=known)
            match answer:
                case Issued():
                    return answer
                case Checkpoint():
                    known = answer.resume
                case Pending():
                    known = answer.resume
                    await self.clock.advance(answer.retry_after)
        raise AssertionError("No certificate after so many steps.")

    def count(self, resource: str) -> int:
        """How many accepted POSTs went to this resource of the server."""
        return sum(1 for seen, _ in self.server.seen if seen == resource)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> FakeACMEServer:
    return FakeACMEServer(clock=clock.now, roots=("Fake Root", "Old Root"))


@pytest.fixture(scope="session")
def key() -> AccountKey:
    return AccountKey(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
async def newcomer(clock: FakeClock, server: FakeACMEServer, key: AccountKey) -> AsyncIterator[Stage]:
    """A stage whose account is not registered yet."""
    async with httpx.AsyncClient(transport=server.transport(), headers={"User-Agent": "certwright-test"}) as http:
        yield Stage(server, clock, http, key, FakeSolver())


@pytest.fixture
async def stage(newcomer: Stage) -> Stage:
    """A stage with an account."""
    await newcomer.client().new_account(terms_agreed=True)
    newcomer.server.seen.clear()
    return newcomer
