"""One transaction, from where it stands to its certificate or to the next wait (RFC 8894 §2.5, §5.2).

Whether a staged request was sent is known only to the process that staged it. Any other asks with CertPoll first, and
repeats the identical request only if the CA cannot tell: at most one certificate too many, and never a second key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import assert_never

from cryptography import x509

from certwright.issuers.polling import max_duration, poll_interval
from certwright.issuers.scep.failures import judged
from certwright.issuers.scep.issued import issued
from certwright.issuers.scep.means import Means
from certwright.issuers.scep.record import Operation, Record
from certwright.model.enrolment import Answer, Issued, Pending, StartAfresh
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError
from certwright.protocols.scep import (
    Failure,
    MalformedAnswer,
    PendingReply,
    Reply,
    SCEPError,
    Success,
    Transaction,
    Unauthenticated,
    Undecryptable,
    Unfinished,
    WeakAnswer,
)
from certwright.protocols.transport import TransportError, UnexpectedStatus

# What servers without CertPoll answer to it; any other status is a server that cannot answer now.
WITHOUT_POLLING = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
_REQUESTS = {Operation.PKCS_REQ: "the enrolment request", Operation.RENEWAL_REQ: "the renewal request"}
_POLL = "the question what became of the request"


@dataclass(frozen=True, slots=True)
class Progress:
    """Takes one transaction a step further."""

    means: Means
    record: Record
    transaction: Transaction
    csr: x509.CertificateSigningRequest

    async def advance(self) -> Answer:
        """Send, or find out what became of it, as far as that goes without waiting. Raises `EnrolmentError`."""
        memory = self.means.memory
        if self.record.id in memory.unsent:
            obsolete = self._obsolete()
            return StartAfresh(message=obsolete) if obsolete else await self._send()
        if self._is_pending and memory.knows_polling is False:
            return await self._send()
        return await self._find_out()

    @property
    def _is_pending(self) -> bool:
        return self.record.pending_since is not None

    async def _send(self) -> Answer:
        """PKCSReq or RenewalReq, always the same one."""
        client, memory, operation = self.means.client, self.means.memory, self.record.operation
        was_unsent = self.record.id in memory.unsent
        memory.unsent.discard(self.record.id)
        send = client.renewal_req if operation is Operation.RENEWAL_REQ else client.pkcs_req
        with self._judged(_REQUESTS[operation]):
            try:
                reply = await send(self.csr, self.transaction)
            except TransportError as error:
                if was_unsent and error.is_unsent:
                    memory.unsent.add(self.record.id)
                raise
        return self._answered(reply)

    async def _find_out(self) -> Answer:
        """Ask with CertPoll, and send the request again where the CA cannot tell."""
        record, means = self.record, self.means
        if record.fetched_at is not None and not self._is_pending:
            means.outstanding.note(record.id, fetched_at=record.fetched_at)
        try:
            reply = await means.client.cert_poll(self.csr, self.transaction)
        except (SCEPError, TransportError) as error:
            if not self._cannot_tell(error):
                with self._judged(_POLL):
                    raise
            return await self._begin_again(error)
        means.memory.knows_polling = True
        return self._answered(reply)

    def _cannot_tell(self, error: SCEPError | TransportError) -> bool:
        """Whether the CA knows nothing of CertPoll, or not of this transaction; a denial where it knows of both."""
        if self._is_pending and self.means.memory.knows_polling:
            return False
        if isinstance(error, UnexpectedStatus):
            return error.status in WITHOUT_POLLING
        return isinstance(error, Failure | MalformedAnswer)

    async def _begin_again(self, error: SCEPError | TransportError) -> Answer:
        """The identical request once more (RFC 8894 §5.2), unless there was none and it is too late."""
        obsolete = self._obsolete() if isinstance(error, Failure) and not self._is_pending else ""
        if obsolete:
            return StartAfresh(message=obsolete)
        answer = await self._send()
        if isinstance(error, Failure) and self._is_pending:
            self.means.memory.knows_polling = False
        return answer

    def _obsolete(self) -> str:
        """Why a request that was never sent would be refused; empty if it would not."""
        record, now = self.record, self.means.clock()
        if record.fetched_at is not None and now - record.fetched_at >= self.means.challenge_lifetime:
            return "The challenge was fetched too long ago to be sent; another one is fetched."
        if record.signer is not None and self.transaction.signer.certificate.not_valid_after_utc <= now:
            return "The certificate that was to sign its own renewal has expired; it is enrolled for anew."
        return ""

    def _answered(self, reply: Reply) -> Issued | Pending:
        self.means.outstanding.release(self.record.id)
        match reply:
            case Success():
                self.means.memory.signers.drop(self.record.id)
                return issued(
                    reply,
                    self.transaction.authority,
                    self.means.learned,
                    is_credential_used=self.record.is_credential_used,
                    now=self.means.clock(),
                )
            case PendingReply() | Unfinished():
                return self._wait(reply)
            case _:
                assert_never(reply)

    def _wait(self, reply: PendingReply | Unfinished) -> Pending:
        now, polling = self.means.clock(), self.means.spec.polling
        since = self.record.pending_since or now
        left = since + max_duration(polling) - now
        if left.total_seconds() <= 0:
            raise RejectedError(
                f"{self.means.name} has not decided within {max_duration(polling)}, and is asked no longer: see that"
                " somebody approves the request there, or set scep.polling.maxDuration to a longer time.",
                is_credential_used=self.record.is_credential_used,
            )
        return Pending(
            retry_after=min(poll_interval(now - since, polling, asked=reply.retry_after), left),
            resume=self.record.waiting(since).as_resume(),
            message=f"{self.means.name} has the request, transaction {self.transaction.id}, and has not decided yet.",
            transaction=self.transaction.id,
        )

    @contextmanager
    def _judged(self, what: str) -> Iterator[None]:
        """Draw the consequences of what went wrong, and say who must act."""
        means = self.means
        try:
            with judged(means.name, what, is_ambiguous=True, is_credential_used=self.record.is_credential_used):
                yield
        except RejectedError:
            self._refused()
            raise
        except IssuerError as error:
            if isinstance(error.__cause__, WeakAnswer | Undecryptable):
                # An answer it was all the same, and every further request would get one like it.
                means.outstanding.release(self.record.id)
                means.memory.block(error)
            raise
        except EnrolmentError as error:
            if isinstance(error.__cause__, Unauthenticated):
                means.server.forget()
            raise

    def _refused(self) -> None:
        self.means.outstanding.release(self.record.id)
        self.means.memory.signers.drop(self.record.id)
        if self.record.signer is not None and self.record.signer.certificate and self.record.renews is not None:
            # The next attempt enrols anew, if there is a challenge for it.
            self.means.memory.refused.add(self.record.renews)
