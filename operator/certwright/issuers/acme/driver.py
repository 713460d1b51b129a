"""The ACME driver: certwright's `Issuer` for one ACME server and account, made by ``handlers`` for each Issuer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import httpx

from certwright.issuers.acme.account import Probe, unknown_profile
from certwright.issuers.acme.application import application_for, asked_validity, no_solver, refuse_unprovable
from certwright.issuers.acme.choosing import ConfiguredSolver, choose, possible_types
from certwright.issuers.acme.failures import judged
from certwright.issuers.acme.means import Means
from certwright.issuers.acme.progress import OrderState, Progress
from certwright.issuers.acme.proving import ProofState, Stage
from certwright.issuers.acme.record import OrderRecord, StagedProof
from certwright.model.enrolment import (
    Checkpoint,
    EnrolmentRequest,
    Issued,
    IssuerReport,
    Pending,
    Prepared,
    ResumeData,
)
from certwright.model.errors import IssuerError, RejectedError
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEIssuer
from certwright.protocols.acme import (
    ACMEClient,
    Authorization,
    AuthorizationStatus,
    ExternalAccountBinding,
    IdentifierType,
    Order,
    OrderStatus,
)

MAX_REMEMBERED = 10_000  # Orders whose state spares requests; forgetting one costs a request, nothing else.


class ACMEDriver:
    """Implements `Issuer` and `Abandoner` over ACME.

    ``client`` carries the account key, and the account's URL where it is known already. ``pause`` is for the short
    wait before the first look (see `means.EARLY_LOOK`); every longer one is a `Pending`.
    """

    def __init__(
        self,
        spec: ACMEIssuer,
        client: ACMEClient,
        *,
        solvers: Sequence[ConfiguredSolver],
        clock: Callable[[], datetime],
        binding: ExternalAccountBinding | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        server = httpx.URL(spec.server).host
        self._means = Means(server=server, spec=spec, client=client, solvers=solvers, clock=clock, pause=pause)
        self._probe = Probe(self._means, binding)
        self._orders: dict[str, OrderState] = {}

    async def check(self) -> IssuerReport:
        """Read the directory and register the account, or find it registered."""
        return await self._probe.run()

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        """See that ACME, this server and these solvers can do what the Certificate asks; nothing is fetched."""
        application = application_for(request, self._means.spec, now=self._means.clock())
        refuse_unprovable(application.identifiers, self._means.solvers, request)
        with judged(self._means.server, "its directory"):
            directory = await self._means.client.directory()
        complaint = unknown_profile(directory, self._means.server, application.profile)
        if complaint:
            raise RejectedError(complaint, reason=Reason.INVALID_SPEC)
        return Prepared()

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Issued | Pending | Checkpoint:
        """Make the order, or take the one that was made on as far as it goes without waiting."""
        if self._means.client.account_url is None:
            raise IssuerError(f"The account at {self._means.server} is not registered yet.")
        record = OrderRecord.parse(resume)
        if record is None:
            return await self._order(request)
        progress = self._progress(request, record)
        try:
            answer = await progress.advance()
        except RejectedError:
            await progress.give_up()
            self._orders.pop(record.order, None)
            raise
        if not isinstance(answer, Pending):
            self._orders.pop(record.order, None)
        if isinstance(answer, Issued):
            return replace(answer, asked_validity=asked_validity(request.spec, self._means.spec))
        return answer

    async def abandon(self, request: EnrolmentRequest, *, resume: ResumeData) -> None:
        """Take the proofs back and deactivate what is pending, as far as that can be done now."""
        record = OrderRecord.parse(resume)
        if record is None:
            return
        progress = self._progress(request, record)
        # Without an account, or at another server than the one that the issuer names by now, nothing can be said, but
        # the proofs can still be taken back.
        is_known = self._means.client.account_url is not None and self._is_ours(record)
        await (progress.give_up() if is_known else progress.clean_up())
        self._orders.pop(record.order, None)

    def _is_ours(self, record: OrderRecord) -> bool:
        made_at, server = httpx.URL(record.order), httpx.URL(self._means.spec.server)
        return (made_at.scheme, made_at.host, made_at.port) == (server.scheme, server.host, server.port)

    def _progress(self, request: EnrolmentRequest, record: OrderRecord) -> Progress:
        return Progress(self._means, request, record, self._orders.get(record.order) or self._remember(record.order))

    def _remember(self, url: str) -> OrderState:
        if len(self._orders) >= MAX_REMEMBERED:
            self._orders.pop(next(iter(self._orders)))
        state = self._orders[url] = OrderState()
        return state

    async def _order(self, request: EnrolmentRequest) -> Checkpoint:
        """Make the order and read its authorizations; the answer is stored before anything is presented."""
        application = application_for(request, self._means.spec, now=self._means.clock())
        with judged(self._means.server, "the order"):
            order = await self._means.client.new_order(
                application.identifiers, profile=application.profile, not_after=application.not_after
            )
            authorizations = await self._authorizations(order)
        proofs = tuple(
            self._stage(authorization, request)
            for authorization in authorizations
            if authorization.status is AuthorizationStatus.PENDING
        )
        state = self._remember(order.url)
        state.made, state.made_at = order, self._means.clock()
        state.proofs = {proof.authorization: ProofState(Stage.OPEN) for proof in proofs}
        record = OrderRecord(order=order.url, finalize=order.finalize, proofs=proofs)
        return Checkpoint(resume=record.as_resume(), message=f"Ordered at {self._means.server}: {order.url}")

    async def _authorizations(self, order: Order) -> Sequence[Authorization]:
        if order.status is not OrderStatus.PENDING:
            return ()
        return await asyncio.gather(*(self._means.client.get_authorization(url) for url in order.authorizations))

    def _stage(self, authorization: Authorization, request: EnrolmentRequest) -> StagedProof:
        """Choose the challenge with which this authorization will be proved."""
        name = authorization.ordered.value
        types = possible_types(name, is_address=authorization.identifier.type == IdentifierType.IP)
        offered = types & {challenge.type for challenge in authorization.challenges if challenge.token}
        solver = choose(self._means.solvers, name, labels=request.certificate.labels, offered=offered)
        challenge = authorization.challenge(solver.solver.challenge_type) if solver else None
        if challenge is None or challenge.token is None:
            raise no_solver(name, self._means.solvers, frozenset(offered or types))
        return StagedProof(
            authorization=authorization.url,
            name=authorization.identifier.value,
            is_wildcard=authorization.wildcard,
            challenge_type=challenge.type,
            challenge=challenge.url,
            token=challenge.token,
        )
