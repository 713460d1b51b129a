"""Giving a certificate up: rr (RFC 9483 §4.2), signed by a registration authority, else by the certificate itself.

Who asks again after a lost answer is told ``certRevoked``, which is what was wanted.
"""

from dataclasses import dataclass, field
from datetime import datetime

from certwright.issuers.cmp.failures import Asked, judged
from certwright.issuers.cmp.means import Means
from certwright.issuers.cmp.record import Origin
from certwright.issuers.polling import max_duration, poll_interval
from certwright.model.chain import serial_number
from certwright.model.enrolment import CurrentCertificate, Pending, ResumeData, Revocation, Revoked
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError
from certwright.model.reasons import Reason
from certwright.model.verification import is_key_of
from certwright.protocols import cmp
from certwright.protocols.cmp import CMPClient, FailInfo, Outcome, Refusal, SignatureProtection, Transaction, Waiting
from certwright.protocols.transport import shown


@dataclass(frozen=True, slots=True)
class Revoking:
    """One step of one revocation."""

    means: Means
    revocation: Revocation
    resume: ResumeData = field(repr=False)

    async def run(self) -> Revoked | Pending:
        """Ask, or ask again; raises `EnrolmentError`."""
        end = self.revocation.certificate.not_valid_after_utc
        if end <= self.means.clock():
            return Revoked(message=f"{self._name} expired at {end:%Y-%m-%dT%H:%M:%SZ}, and needs no revocation.")
        protection, origin = self._signer()
        if not self.means.trust.anchors:
            raise IssuerError(
                "Revocations are signed, and the answers to them by the CA: set cmp.trust to the CA's root.",
                reason=Reason.INVALID_CONFIGURATION,
            )
        try:
            with judged(Asked(server=self.means.name, what="the revocation", origin=origin)):
                outcome = await self._ask(self.means.client(protection, is_renewing=origin is Origin.CURRENT))
        except EnrolmentError as error:
            if not _is_revoked_already(error):
                raise
            return Revoked(message=f"{self._name} was revoked already.")
        if isinstance(outcome, Waiting):
            return self._wait(outcome)
        return Revoked(message=f"{self.means.name} has revoked {self._name}.")

    @property
    def _name(self) -> str:
        return f"Certificate {serial_number(self.revocation.certificate)}"

    def _signer(self) -> tuple[SignatureProtection, Origin]:
        """An RA may revoke for everybody; a certificate itself; and some CAs let the issuer's do."""
        identity, revocation = self.means.identity, self.revocation
        if identity.authority is not None:
            self.means.identity.refuse_expired(self.means.clock())
            return identity.authority, Origin.ISSUER
        if revocation.key is not None and is_key_of(revocation.certificate, revocation.key):
            own = CurrentCertificate(revocation.certificate, (), revocation.key)
            return self.means.current_protection(own), Origin.CURRENT
        if identity.signature is not None:
            self.means.identity.refuse_expired(self.means.clock())
            return identity.signature, Origin.ISSUER
        raise RejectedError(
            f"{self._name} cannot be revoked: its key is gone, and the issuer has no certificate that could sign in its"
            " place (cmp.protection.registrationAuthority). Have the CA's operator revoke it.",
            reason=Reason.INVALID_CREDENTIALS,
        )

    async def _ask(self, client: CMPClient) -> Outcome:
        waiting = self._transaction()
        if waiting is not None:
            return await client.poll(waiting)
        return await client.rr(self.revocation.certificate, reason=self.revocation.reason)

    def _transaction(self) -> Transaction | None:
        try:
            return Transaction.from_json(self.resume["transaction"])
        except (KeyError, TypeError, ValueError):
            return None

    def _since(self) -> datetime:
        try:
            return datetime.fromisoformat(self.resume["since"])
        except (KeyError, TypeError, ValueError):
            return self.means.clock()

    def _wait(self, waiting: cmp.Waiting) -> Pending:
        now, since, polling = self.means.clock(), self._since(), self.means.spec.polling
        left = since + max_duration(polling) - now
        if left.total_seconds() <= 0:
            raise RejectedError(
                f"{self.means.name} has not revoked {self._name} within {max_duration(polling)}, and is asked no more."
            )
        reason = f" ({waiting.reason.rstrip('.')})" if waiting.reason else ""
        return Pending(
            retry_after=min(poll_interval(now - since, polling, asked=waiting.check_after), left),
            resume={"transaction": waiting.transaction.to_json(), "since": since.isoformat()},
            message=shown(f"{self.means.name} is to revoke {self._name}, and has not decided yet{reason}."),
        )


def _is_revoked_already(error: EnrolmentError) -> bool:
    refusal = error.__cause__
    return isinstance(refusal, Refusal) and refusal.authenticated and FailInfo.CERT_REVOKED in refusal.status.fail_info
