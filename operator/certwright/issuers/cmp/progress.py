"""One transaction, from where it stands to its certificate or to the next wait (RFC 9483 §4.1, §4.4).

A transaction goes on with what its last answer said, which is staged while the CA makes it wait and before certConf. A
request whose answer was lost cannot be asked for: the same key is asked for in a new transaction, a minute later.
"""

import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import assert_never

from certwright.issuers.cmp.asking import Asking
from certwright.issuers.cmp.failures import Asked, judged
from certwright.issuers.cmp.means import Means
from certwright.issuers.cmp.planning import initial_operation, version_for
from certwright.issuers.cmp.record import Record
from certwright.issuers.cmp.recovering import candidates
from certwright.issuers.cmp.settling import Settlement
from certwright.issuers.judging import AMBIGUOUS_PAUSE
from certwright.issuers.polling import max_duration, poll_interval
from certwright.model.enrolment import Answer, Checkpoint, EnrolmentRequest, Pending, StartAfresh
from certwright.model.errors import EnrolmentError, RejectedError, TransientError
from certwright.protocols.cmp import (
    CentralKeyFailed,
    CMPClient,
    Confirmed,
    FailInfo,
    Granted,
    Operation,
    Outcome,
    Recovered,
    Refusal,
    State,
    Transaction,
    Waiting,
)
from certwright.protocols.transport import TransportError, shown

_log = logging.getLogger(__name__)
_REQUEST = "the request"
_POLL = "the question what became of the request"
_CONFIRM = "the confirmation of the certificate"
REPEATED = frozenset({FailInfo.CERT_CONFIRMED, FailInfo.BAD_REQUEST, FailInfo.BAD_RECIPIENT_NONCE})
"""What servers say to a certConf that they have taken before."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Takes one transaction a step further."""

    means: Means
    request: EnrolmentRequest
    record: Record

    async def advance(self) -> Answer:
        """The next message, as far as that goes without waiting. Raises `EnrolmentError`."""
        try:
            return await self._advance()
        except RejectedError as error:
            if self.record.transaction.operation is not Operation.KRR:
                raise
            return await self._enrol_instead(error.message)

    async def _advance(self) -> Answer:
        state = self.record.transaction.state
        if state is not State.REQUESTED and state is not State.DONE and self.record.id in self.means.memory.ended:
            return await self._begin_again()
        match state:
            case State.REQUESTED:
                return await self._request()
            case State.WAITING | State.CONFIRMING:
                return await self._poll()
            case State.GRANTED:
                return await self._confirm()
            case State.DONE:
                return self._settlement.issued(self.record)
            case _:
                assert_never(state)

    @property
    def _asking(self) -> Asking:
        return Asking(self.means, self.request, self.record)

    @property
    def _settlement(self) -> Settlement:
        return Settlement(self.means, self.request)

    async def _request(self) -> Answer:
        """Send it, if this process knows that it has not; else it may have been granted already."""
        if self.record.next_message in self.means.memory.unsent:
            return await self.send()
        left = self.request.started_at + AMBIGUOUS_PAUSE - self.means.clock()
        if left.total_seconds() > 0:
            message = (
                f"The request may have reached {self.means.name} before a restart, and is repeated a minute later."
            )
            return Pending(retry_after=left, resume=self.record.as_resume(), message=message)
        return await self._begin_again()

    async def _enrol_instead(self, why: str) -> Answer:
        """There is no key to recover: a new one is enrolled."""
        _log.info("%s: its former key is not recovered: %s", self.request.certificate.name, why)
        operation = initial_operation(self.means.spec)
        record = self.record.begun_with(Transaction.begin(operation, pvno=version_for(self.request.spec, operation)))
        self.means.memory.unsent.add(record.next_message)
        return await replace(self, record=record).send()

    async def _begin_again(self) -> Answer:
        before = self.record.transaction
        begun = Transaction.begin(before.operation, pvno=before.pvno)
        return await replace(self, record=self.record.begun_with(begun)).send()

    async def send(self) -> Answer:
        """The request, as the first message of its transaction."""
        memory, record, asking = self.means.memory, self.record, self._asking
        if asking.obsolete:
            return StartAfresh(message=asking.obsolete)
        client = asking.client
        was_unsent = record.next_message in memory.unsent
        memory.unsent.discard(record.next_message)
        with self._judged(_REQUEST):
            try:
                outcome = await self._received(client, asking.send())
            except TransportError as error:
                if was_unsent and error.is_unsent:
                    memory.unsent.add(record.next_message)
                raise
        return await self._answered(client, outcome)

    async def _received(self, client: CMPClient, exchange: Awaitable[Outcome]) -> Outcome:
        """The answer; a certificate whose key did not come with it as it should is of no use to anybody."""
        try:
            return await exchange
        except CentralKeyFailed as error:
            if error.transaction is not None:
                await self._settlement.refuse(client, error.transaction, str(error))
            raise

    async def _answered(self, client: CMPClient, outcome: Outcome) -> Answer:
        match outcome:
            case Granted():
                return await self._granted(client, outcome)
            case Waiting():
                return self._wait(outcome)
            case Confirmed():
                return self._settlement.issued(self.record)
            case Recovered():
                return await self._recovered(outcome)
            case _:
                raise TypeError(f"a request for a certificate came to {type(outcome).__name__}")

    async def _granted(self, client: CMPClient, granted: Granted) -> Answer:
        """Check it, and store what must be confirmed: nobody else has the certificate while the CA waits for that."""
        settlement, transaction = self._settlement, granted.transaction
        record = self.record.granted(transaction, settlement.settled(granted), since=self.means.clock())
        objection = settlement.objection(record)
        if objection is not None:
            await settlement.refuse(client, transaction, objection.message)
            raise objection
        if not granted.needs_confirmation:
            return settlement.issued(record)
        self.means.memory.unsent.add(record.next_message)
        return Checkpoint(resume=record.as_resume(), message="The certificate is there and has to be confirmed.")

    async def _recovered(self, recovered: Recovered) -> Answer:
        """The newest of the archived pairs that are still what is asked for."""
        settlement, why = self._settlement, "nothing was archived"
        for settled in candidates(recovered, self.means.trust.known):
            record = self.record.granted(recovered.transaction, settled, since=self.means.clock())
            objection = settlement.objection(record)
            if objection is None:
                return settlement.issued(record)
            why = objection.message
        return await self._enrol_instead(why)

    async def _confirm(self) -> Answer:
        memory, record, settlement = self.means.memory, self.record, self._settlement
        client = self._asking.client
        is_first = record.next_message in memory.unsent
        memory.unsent.discard(record.next_message)
        objection = settlement.objection(record)
        if objection is not None:
            await settlement.refuse(client, record.transaction, objection.message)
            raise objection
        try:
            with self._in_time(), self._judged(_CONFIRM):
                outcome = await client.confirm(record.transaction)
        except EnrolmentError as error:
            if not _is_taken(error, is_first=is_first):
                raise
            return settlement.issued(record)
        return await self._answered(client, outcome)

    async def _poll(self) -> Answer:
        client = self._asking.client
        with self._in_time(), self._judged(_POLL):
            outcome = await self._received(client, client.poll(self.record.transaction))
        return await self._answered(client, outcome)

    def _wait(self, waiting: Waiting) -> Pending:
        now, polling = self.means.clock(), self.means.spec.polling
        record = self.record.going_on(waiting.transaction, since=now)
        since = record.since or now
        left = since + max_duration(polling) - now
        if left.total_seconds() <= 0:
            raise self._overdue()
        reason = f" ({waiting.reason.rstrip('.')})" if waiting.reason else ""
        return Pending(
            retry_after=min(poll_interval(now - since, polling, asked=waiting.check_after), left),
            resume=record.as_resume(),
            message=shown(
                f"{self.means.name} has the request, transaction {record.id}, and has not decided yet{reason}."
            ),
            transaction=record.id,
        )

    def _overdue(self) -> RejectedError:
        return RejectedError(
            f"{self.means.name} has not come to an end within {max_duration(self.means.spec.polling)}, and is asked no"
            " longer: see that somebody approves the request there, or set cmp.polling.maxDuration to a longer time.",
            is_credential_used=self.record.is_credential_used,
        )

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """A CA that has forgotten the transaction, and says so in a way that proves nothing, is not asked for ever."""
        try:
            yield
        except TransientError as error:
            since = self.record.since
            if since is not None and self.means.clock() - since >= max_duration(self.means.spec.polling):
                raise self._overdue() from error
            raise

    @contextmanager
    def _judged(self, what: str) -> Iterator[None]:
        """Draw the consequences of what went wrong, and say who must act."""
        memory, record = self.means.memory, self.record
        asked = Asked(
            server=self.means.name,
            what=what,
            origin=record.origin,
            is_ambiguous=what == _REQUEST,
            waited=self.means.clock() - self.request.started_at,
        )
        try:
            with judged(asked):
                yield
        except EnrolmentError as error:
            refusal = error.__cause__
            if isinstance(refusal, Refusal) and refusal.authenticated:
                memory.ended.add(record.id)
                if isinstance(error, RejectedError) and record.signer is not None:
                    # The next attempt enrols anew, if there is a credential for it.
                    memory.refused.add(record.signer.read().leaf.serial_number)
            raise


def _is_taken(error: EnrolmentError, *, is_first: bool) -> bool:
    """Whether the CA has the certConf already: one whose answer was lost is sent again, and not every server minds."""
    refusal = error.__cause__
    if not isinstance(refusal, Refusal) or not refusal.authenticated:
        return False
    said = set(refusal.status.fail_info)
    return FailInfo.CERT_CONFIRMED in said or (not is_first and said <= REPEATED)
