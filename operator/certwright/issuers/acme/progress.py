"""One order, from where it stands to its certificate or to the next wait (RFC 8555 §7.1.6, §7.4).

The server's order is the truth. It is read before every decision, but for the one that was made a moment ago, and what
its status says is done: a restart at any point goes on from there.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from certwright.issuers.acme.failures import is_gone, judged
from certwright.issuers.acme.means import EARLY_LOOK, Means, wait_after
from certwright.issuers.acme.proving import ProofState, Prover, Stage, Waiting, side_by_side
from certwright.issuers.acme.record import OrderRecord
from certwright.issuers.acme.refusals import has_error, judge_challenges, judge_order
from certwright.model.enrolment import Checkpoint, EnrolmentRequest, Issued, Pending
from certwright.model.errors import EnrolmentError, RejectedError
from certwright.protocols.acme import ACMEError, AuthorizationStatus, IssuedChain, Order, OrderStatus
from certwright.protocols.transport import TransportError

NAMED = 5  # Names in one message; more tell a reader nothing.
SETTLING = timedelta(minutes=1)  # A server of several machines may not know everywhere yet what it made just now.


@dataclass(slots=True)
class OrderState:
    """What this process knows of an order: ``made`` is the order as newOrder answered, until it is used."""

    made: Order | None = None
    made_at: datetime | None = None
    polls: int = 0
    proofs: dict[str, ProofState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """Takes one order on as far as it goes without waiting."""

    means: Means
    request: EnrolmentRequest
    record: OrderRecord
    state: OrderState

    async def advance(self) -> Issued | Pending | Checkpoint:
        """Do what the order's status asks for, through as many states as the server reaches at once."""
        try:
            order = await self._read()
            if order.status is OrderStatus.PENDING:
                waiting = await self._prove()
                order = order if waiting else await self._read_soon()
                if order.status is OrderStatus.PENDING:
                    return self._wait_for_names(waiting or self._verdicts_due())
            if order.status is OrderStatus.READY:
                order = await self._finalize(order)
            return await self._fetch(order)
        except _OrderGoneError:
            await self.clean_up()
            message = f"The order at {self.means.server} is gone or has expired; a new one is made"
            return Checkpoint(resume={}, message=message)

    async def clean_up(self) -> None:
        """Take every proof back."""
        prover = Prover(self.means, self.request)
        await asyncio.gather(*(prover.clean_up(staged) for staged in self.record.proofs))

    async def give_up(self) -> None:
        """Take every proof back and deactivate what is pending; raises nothing for what is gone already."""
        prover = Prover(self.means, self.request)
        await asyncio.gather(self.clean_up(), *(prover.give_up(staged) for staged in self.record.proofs))

    async def _read(self) -> Order:
        if self.state.made is not None:
            order, self.state.made = self.state.made, None
            return order
        try:
            with judged(self.means.server, "the order"):
                return await self.means.client.get_order(self.record.order)
        except EnrolmentError as error:
            if is_gone(error.__cause__) and not self._is_settling():
                raise _OrderGoneError from error
            raise

    async def _read_soon(self) -> Order:
        await self.means.pause(EARLY_LOOK)
        return await self._read()

    def _is_settling(self) -> bool:
        return self.state.made_at is not None and self.means.clock() - self.state.made_at < SETTLING

    async def _prove(self) -> list[Waiting]:
        proofs = self.state.proofs
        work = [(staged, proofs.setdefault(staged.authorization, ProofState())) for staged in self.record.proofs]
        try:
            return await side_by_side(Prover(self.means, self.request), work)
        except RejectedError:
            # One name was refused; the order knows by now whether others were as well.
            order = await self._read()
            if order.status is OrderStatus.INVALID:
                raise await self._refusal(order) from None
            raise

    def _verdicts_due(self) -> list[Waiting]:
        prover = Prover(self.means, self.request)
        return [
            prover.verdict_due(staged, state)
            for staged in self.record.proofs
            if (state := self.state.proofs[staged.authorization]).stage is not Stage.PROVED
        ]

    def _wait_for_names(self, waiting: list[Waiting]) -> Pending:
        if not waiting:
            return self._wait(f"{self.means.server} has all proofs and must make the order ready", asked=None)
        reasons: dict[str, list[str]] = {}
        for each in waiting:
            reasons.setdefault(each.why, []).append(each.name)
        texts = [f"{_listed(names)}: {why}" for why, names in list(reasons.items())[:NAMED]]
        soonest = min(each.due for each in waiting) - self.means.clock()
        return self._pending("; ".join(texts), max(soonest, timedelta(seconds=0.05)))

    async def _finalize(self, order: Order) -> Order:
        """Hand in the CSR, once: the order was read as ``ready``, and afterwards its status tells what became of it."""
        csr = x509.load_der_x509_csr(self.request.csr)
        with judged(self.means.server, "the request"):
            return await self.means.client.finalize(order, csr)

    async def _fetch(self, order: Order) -> Issued | Pending:
        if order.status is not OrderStatus.INVALID and order.certificate is None and self.state.polls == 0:
            order = await self._read_soon()
        if order.status is OrderStatus.INVALID:
            raise await self._refusal(order)
        if order.status is not OrderStatus.VALID or order.certificate is None:
            return self._wait(f"{self.means.server} is issuing the certificate", asked=order.retry_after)
        with judged(self.means.server, "the download of the certificate"):
            download = self._download(order.certificate)
            chain, _ = await asyncio.gather(download, self.clean_up(), return_exceptions=True)
            if isinstance(chain, BaseException):
                raise chain
        return issued(chain)

    async def _download(self, url: str) -> IssuedChain:
        own = self.request.spec.acme.preferred_chain if self.request.spec.acme else None
        return await self.means.client.download(url, preferred_chain=own or self.means.spec.preferred_chain)

    async def _refusal(self, order: Order) -> RejectedError:
        """Why the order is invalid: its authorizations know which name failed, the order itself what else did."""
        read = (self.means.client.get_authorization(url) for url in order.authorizations)
        answers = await asyncio.gather(*read, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ACMEError | TransportError):
                raise answer
        known = [answer for answer in answers if not isinstance(answer, BaseException)]
        usable = (AuthorizationStatus.VALID, AuthorizationStatus.PENDING)
        failed = [authorization for authorization in known if authorization.status not in usable]
        if order.error is None and not any(map(has_error, failed)) and not self._is_settling():
            # Nothing failed: it lay about for too long, while nothing ran or something else stood in the way.
            raise _OrderGoneError
        if failed:
            return judge_challenges(self.means.server, failed, names=len(order.identifiers), order=order.error)
        return judge_order(self.means.server, order.error)

    def _wait(self, message: str, *, asked: timedelta | None) -> Pending:
        self.state.polls += 1
        return self._pending(message, wait_after(self.state.polls, asked=asked))

    def _pending(self, message: str, wait: timedelta) -> Pending:
        return Pending(retry_after=wait, resume=self.record.as_resume(), message=message, transaction=self.record.order)


class _OrderGoneError(Exception):
    """The order is of no use any more, and nobody is at fault: a way out of `Progress.advance`, seen by nobody else."""


def issued(chain: IssuedChain) -> Issued:
    """The chain without its root, which becomes the anchor where a CA sends it along."""
    leaf, *above = chain.certificates
    roots = tuple(certificate for certificate in above if certificate.subject == certificate.issuer)
    return Issued(chain=(leaf, *(certificate for certificate in above if certificate not in roots)), anchors=roots)


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
