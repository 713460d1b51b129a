"""What was granted: checked first, stored, confirmed, and then handed over (RFC 9810 §5.3.18, RFC 9483 §4.1.1).

A certificate that is not what was asked for is refused in certConf, so that the CA revokes it.
"""

import logging
from dataclasses import dataclass

from certwright.issuers.cmp.issued import path_of
from certwright.issuers.cmp.means import Means
from certwright.issuers.cmp.record import Record, Settled
from certwright.model.enrolment import EnrolmentRequest, Issued
from certwright.model.errors import RejectedError
from certwright.model.keys import PrivateKey
from certwright.model.reasons import Reason
from certwright.model.verification import verify
from certwright.protocols.cmp import CMPClient, CMPError, Granted, Objection, PKIStatus, State, Transaction
from certwright.protocols.transport import TransportError, shown

LONGEST_OBJECTION = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settlement:
    """Of one enrolment."""

    means: Means
    request: EnrolmentRequest

    def settled(self, granted: Granted) -> Settled:
        """What is kept of an answer."""
        if granted.are_ca_pubs_authenticated:
            self.means.trust.accept_ca_pubs(granted.ca_pubs)
        pool = (*granted.chain, *granted.extra_certs, *granted.ca_pubs, *self.means.trust.known)
        path = path_of(granted.certificate, pool)
        return Settled(chain=path.chain, anchors=path.anchors, key=self._made(granted), notes=self._notes(granted))

    def objection(self, record: Record) -> RejectedError | None:
        """Why the certificate cannot be taken, judged as it is before delivery; None: it can."""
        settled = record.settled
        assert settled is not None and self.request.key is not None  # noqa: S101, PT018 - whoever asks has both
        key = settled.key or self.request.key
        try:
            verify(self.request.spec, settled.chain, key, anchors=settled.anchors, now=self.means.clock())
        except RejectedError as error:
            return self.rejected(error.message, record)
        return None

    def rejected(self, message: str, record: Record) -> RejectedError:
        """The error for a certificate that was issued and is not taken."""
        return RejectedError(
            message, reason=Reason.UNEXPECTED_CERTIFICATE, is_credential_used=record.is_credential_used
        )

    def issued(self, record: Record, *notes: str) -> Issued:
        """What is delivered."""
        settled = record.settled
        assert settled is not None  # noqa: S101 - only what was granted is delivered
        return Issued(
            chain=settled.chain,
            anchors=settled.anchors,
            key=settled.key,
            notes=(*settled.notes, *notes),
            is_credential_used=record.is_credential_used,
        )

    async def refuse(self, client: CMPClient, transaction: Transaction, why: str) -> None:
        """Tell the CA that its certificate is not taken. If it cannot be told, it waits for the certConf in vain."""
        if transaction.state is not State.GRANTED:
            return
        try:
            await client.refuse(transaction, Objection(text=shown(why, LONGEST_OBJECTION)))
        except (CMPError, TransportError) as error:
            name = self.request.certificate.name
            _log.warning("%s: the CA was not told that its certificate is not taken: %s", name, shown(str(error), 500))

    def _made(self, granted: Granted) -> PrivateKey | None:
        """The CA's key, where one was asked for; another one is no reason to give up our own."""
        wanted = self.request.spec.cmp
        if wanted is None or not wanted.central_key_generation or granted.private_key is None:
            return None
        if isinstance(granted.private_key, PrivateKey):
            return granted.private_key
        return None

    def _notes(self, granted: Granted) -> tuple[str, ...]:
        if granted.status.status is not PKIStatus.GRANTED_WITH_MODS:
            return ()
        said = "; ".join(granted.status.texts)
        return (shown(f"{self.means.name} granted the request with modifications{f': {said}' if said else '.'}"),)
