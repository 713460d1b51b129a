"""Asks a CA for one revocation, and remembers how long each has to wait until it is asked for again.

`superseding` and `departures` decide which; here is how. Whatever a driver does ends in one of two answers, so that
neither an enrolment nor a deletion ever stops because of a revocation.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from cryptography import x509

from certwright.handlers.drivers import Drivers
from certwright.handlers.inventory import Inventory
from certwright.handlers.reporting import Reporter
from certwright.model.enrolment import Pending, ResumeData, Revocation, Revoked, Revoker
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.metadata import Key, ObjectMetadata
from certwright.model.observed import KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.superseded import Superseded
from certwright.reconcile.issuer import known_issuer
from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock

_log = logging.getLogger(__name__)

REVOKED, IMPOSSIBLE, FAILED = "Revoked", "RevocationImpossible", "RevocationFailed"
"""The reasons of the Events."""

SHORTEST = timedelta(seconds=1)
"""However soon the CA wants to be asked again."""

_LASTING = frozenset({Reason.MISSING_REFERENCE, Reason.NOT_IMPLEMENTED})
"""Faults of an issuer that minutes do not mend."""

BY_HAND = "revoke it at the CA by hand if nobody may trust it any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a revocation is asked for, and whether an issuer that is not there is waited for."""

    give_up_at: datetime
    backoff: Backoff
    waits_for_issuer: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """Revoked, or never to be: either was told, and nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Later:
    """The CA is asked again then, with what it gave to be remembered."""

    when: datetime
    resume: ResumeData = field(repr=False)


Outcome: TypeAlias = Settled | Later


@dataclass(slots=True)
class _Attempt:
    """What is remembered of one certificate's revocation."""

    later: Later | None = None
    failures: int = 0
    told: str = ""
    is_settled: bool = False


class _ImpossibleError(Exception):
    """Nothing that may still happen would make this revocation possible; the text says why."""


class Revoking:
    """The revocations of this process."""

    def __init__(self, *, inventory: Inventory, drivers: Drivers, reporter: Reporter, clock: Clock) -> None:
        self._inventory = inventory
        self._drivers = drivers
        self._reporter = reporter
        self._clock = clock
        self._attempts: dict[Key, dict[str, _Attempt]] = {}

    def forget(self, key: Key) -> None:
        """The Certificate is gone."""
        self._attempts.pop(key, None)

    def hurry(self, key: Key) -> None:
        """The Certificate was deleted: what was to wait for an hour is asked for now, and often from now on."""
        for attempt in self._attempts.get(key, {}).values():
            attempt.failures = 0
            if attempt.later is not None:
                attempt.later = Later(self._clock.now(), attempt.later.resume)

    async def warn(self, certificate: ObjectMetadata, issuer: KnownIssuer) -> None:
        """Tell of an issuer that can never revoke; one that cannot be asked now is told of by whoever enrols."""
        if issuer.obstacle is not None:
            return
        try:
            driver = await self._drivers.get(issuer)
        except EnrolmentError:
            return
        if not isinstance(driver, Revoker):
            note = f"spec.revocation will have no effect: {_cannot_revoke(issuer)}"
            await self._reporter.revocation(certificate, IMPOSSIBLE, note, is_warning=True)

    def waits_until(self, key: Key, one: Superseded) -> datetime | None:
        """When it is asked for again; None: it was not asked for yet."""
        attempt = self._attempts.get(key, {}).get(one.fingerprint)
        return attempt.later.when if attempt is not None and attempt.later is not None else None

    async def ask(
        self, key: Key, certificate: ObjectMetadata, one: Superseded, *, reason: x509.ReasonFlags, patience: Patience
    ) -> Outcome:
        """Ask, unless it is too early to ask again. Raises nothing that a CA or its driver could cause."""
        attempt = self._attempts.setdefault(key, {}).setdefault(one.fingerprint, _Attempt())
        now = self._clock.now()
        if attempt.is_settled:
            return Settled()
        if attempt.later is not None and now < min(attempt.later.when, patience.give_up_at):
            return attempt.later
        resume = attempt.later.resume if attempt.later is not None else one.resume
        try:
            answer = await self._request(one, reason, resume, patience)
        except (_ImpossibleError, RejectedError) as error:
            return await self._end(certificate, one, attempt, why=str(error))
        except EnrolmentError as error:
            return await self._failed(certificate, one, attempt, error, resume=resume, patience=patience)
        return await self._answered(certificate, one, attempt, answer, patience=patience)

    async def _request(
        self, one: Superseded, reason: x509.ReasonFlags, resume: ResumeData, patience: Patience
    ) -> Revoked | Pending:
        issuer = self._issuer(one.issuer, patience)
        try:
            driver = await self._drivers.get(issuer)
            if isinstance(driver, Revoker):
                wanted = Revocation(certificate=one.certificate, key=one.key, reason=reason)
                return await driver.revoke(wanted, resume=resume)
        except IssuerError as error:
            if error.reason in _LASTING and not patience.waits_for_issuer:
                raise _ImpossibleError(error.message) from error
            self._drivers.distrust(issuer)
            raise
        except EnrolmentError:
            raise
        except Exception as error:
            # A fault of ours in here must stop neither the renewal nor the deletion of the Certificate.
            _log.exception("the revocation of %s failed", one.serial_number)
            raise TransientError(Reason.INTERNAL_ERROR.sentence, reason=Reason.INTERNAL_ERROR) from error
        raise _ImpossibleError(_cannot_revoke(issuer))

    def _issuer(self, key: Key, patience: Patience) -> KnownIssuer:
        body = self._inventory.issuers.get(key)
        if body is None and patience.waits_for_issuer:
            raise TransientError(f"{key}, which issued it, does not exist any more", reason=Reason.ISSUER_NOT_FOUND)
        if body is None:
            raise _ImpossibleError(f"{key}, which issued it, does not exist any more")
        return known_issuer(body)

    async def _answered(
        self,
        certificate: ObjectMetadata,
        one: Superseded,
        attempt: _Attempt,
        answer: Revoked | Pending,
        *,
        patience: Patience,
    ) -> Outcome:
        now = self._clock.now()
        match answer:
            case Revoked(message=message):
                attempt.is_settled = True
                note = f"Certificate {one.serial_number} was revoked: {message}"
                await self._reporter.revocation(certificate, REVOKED, note, is_warning=False)
                return Settled()
            case Pending(message=message) if now >= patience.give_up_at:
                return await self._end(certificate, one, attempt, why=_too_long(message))
            case Pending(retry_after=retry_after, resume=resume):
                attempt.failures = 0
                return self._put_off(attempt, max(retry_after, SHORTEST), resume, patience)
            case _:
                assert_never(answer)

    async def _failed(
        self,
        certificate: ObjectMetadata,
        one: Superseded,
        attempt: _Attempt,
        error: EnrolmentError,
        *,
        resume: ResumeData,
        patience: Patience,
    ) -> Outcome:
        """Later, or never if it has been tried for long enough. The same failure is told once."""
        now = self._clock.now()
        if now >= patience.give_up_at:
            return await self._end(certificate, one, attempt, why=_too_long(error.message))
        attempt.failures += 1
        asked = (error.retry_after if isinstance(error, TransientError) else None) or timedelta(0)
        later = self._put_off(attempt, max(patience.backoff.delay(attempt.failures), asked), resume, patience)
        if error.message != attempt.told:
            attempt.told = error.message
            note = f"Certificate {one.serial_number} is not revoked yet, and this is tried again: {error.message}"
            await self._reporter.revocation(certificate, FAILED, note, is_warning=True)
        return later

    def _put_off(self, attempt: _Attempt, delay: timedelta, resume: ResumeData, patience: Patience) -> Later:
        """However long the CA wants to be left alone, it is asked once more before it is given up."""
        now = self._clock.now()
        attempt.later = Later(now + min(delay, patience.give_up_at - now), resume)
        return attempt.later

    async def _end(self, certificate: ObjectMetadata, one: Superseded, attempt: _Attempt, *, why: str) -> Settled:
        attempt.is_settled = True
        await self.impossible(certificate, one.serial_number, why)
        return Settled()

    async def impossible(self, certificate: ObjectMetadata, serial_number: str, why: str) -> None:
        """Tell that a certificate stays unrevoked."""
        note = f"Certificate {serial_number} was not revoked: {why.rstrip('.')}; {BY_HAND}"
        await self._reporter.revocation(certificate, IMPOSSIBLE, note, is_warning=True)


def _cannot_revoke(issuer: KnownIssuer) -> str:
    """Why a policy has no effect with an issuer, in plain words."""
    protocol = issuer.destination.protocol.upper() or "no protocol that is known"
    return f"{issuer.key} speaks {protocol}, over which this version of certwright cannot revoke"


def _too_long(message: str) -> str:
    return f"the CA was asked for long enough without success; the last answer was: {message}"
