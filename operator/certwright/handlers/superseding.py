"""Has superseded certificates revoked when they are due, and keeps the enrolment Secret in step.

Called by ``certificates`` each time a Certificate is looked at, beside whatever enrolment it has under way; by
``enrolment`` and ``delivery`` when one ends.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from certwright.handlers.revoking import Later, Patience, Revoking, Settled
from certwright.handlers.sessions import key_of
from certwright.kube.secrets import Secrets, encoded
from certwright.model.metadata import Key, ObjectMetadata
from certwright.model.observed import Certificate, KnownIssuer, Observed
from certwright.model.resources import RevocationReason
from certwright.model.staged import staged_secret, to_data
from certwright.model.superseded import Superseded, as_stored
from certwright.model.superseded import to_data as superseded_data
from certwright.reconcile.revocation import (
    PERSISTENCE,
    after_enrolment,
    bounded,
    is_due,
    is_outstanding,
    lost,
    on_supersede,
    reason_for,
)
from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock
from certwright.runtime.workers import Done, Result

BACKOFF = Backoff(initial=timedelta(seconds=30), maximum=timedelta(hours=1), jitter=0)

NO_ROOM = "more renewals than certwright keeps certificates for came before it was due (spec.revocation.onSupersede)"
NOT_AT_HAND = "it was no longer in its Secret when another took its place"


class Superseding:
    """The policy onSupersede."""

    def __init__(self, *, revoking: Revoking, secrets: Secrets, clock: Clock) -> None:
        self._revoking = revoking
        self._secrets = secrets
        self._clock = clock
        self._next: dict[Key, datetime] = {}

    def forget(self, key: Key) -> None:
        """The Certificate is gone, or going: nothing waits for a due time any more."""
        self._next.pop(key, None)

    def is_waiting(self, key: Key) -> bool:
        """Whether something has fallen due since everything was looked at."""
        when = self._next.get(key)
        return when is not None and when <= self._clock.now()

    def in_time(self, key: Key, result: Result) -> Result:
        """The same result, unless a revocation must be looked at before it would come again."""
        when = self._next.get(key)
        if when is None or not isinstance(result, Done):
            return result
        until = max(when - self._clock.now(), timedelta(0))
        return Done(after=until if result.after is None else min(until, result.after))

    async def warn(self, observed: Observed, issuer: KnownIssuer) -> None:
        """The first enrolment after an edit: say at once where ``spec.revocation`` will have no effect."""
        certificate = observed.certificate
        is_new = certificate.status.observed_generation != certificate.metadata.generation
        if certificate.spec.revocation is not None and is_new:
            await self._revoking.warn(certificate.metadata, issuer)

    async def attend(self, observed: Observed) -> bool:
        """Ask for what is due. True: the enrolment Secret was written, and everything must be looked at again."""
        self.forget(observed.key)
        if not observed.superseded:
            return False
        asked = [await self._attend_one(observed, one) for one in observed.superseded]
        kept = tuple(one for one in asked if one is not None)
        if kept != observed.superseded:
            await self._store(observed, kept)
            return True
        self._plan(observed.key, kept, after=observed.now)
        return False

    def _plan(self, key: Key, kept: tuple[Superseded, ...], *, after: datetime | None = None) -> None:
        """Remember when the next of them is to be looked at. What was due before ``after`` waits for an edit."""
        times = [self._revoking.waits_until(key, one) or one.due for one in kept]
        coming = [time for time in times if time is not None and (after is None or time > after)]
        if coming:
            self._next[key] = min(coming)

    async def _attend_one(self, observed: Observed, one: Superseded) -> Superseded | None:
        """The same certificate, one step further; None: nothing is left to be done about it."""
        if not is_outstanding(observed, one):
            return None
        if one.due is None or not is_due(observed, one):
            return one
        certificate = observed.certificate
        match await self._revoking.ask(
            observed.key,
            certificate.metadata,
            one,
            reason=reason_for(certificate.spec, RevocationReason.SUPERSEDED),
            patience=Patience(give_up_at=one.due + PERSISTENCE, backoff=BACKOFF, waits_for_issuer=True),
        ):
            case Settled():
                return None
            case Later(resume=resume):
                # What is too large to be kept is lost with the process; then the CA is asked anew.
                stored = as_stored(resume)
                return replace(one, resume=stored) if stored is not None else one

    async def _store(self, observed: Observed, kept: tuple[Superseded, ...]) -> None:
        metadata, staged = observed.enrolment_secret, observed.staged
        assert metadata is not None  # noqa: S101 - what is superseded was read from it
        data = to_data(replace(staged, superseded=kept)) if staged is not None else superseded_data(kept)
        await self._write(observed.certificate, metadata, data)

    async def unstage(
        self,
        certificate: Certificate,
        metadata: ObjectMetadata,
        kept: tuple[Superseded, ...],
        *,
        current: str | None,
        now: datetime,
    ) -> None:
        """Delete an enrolment's record; what is to be revoked later stays in its Secret."""
        kept, excess = bounded(after_enrolment(certificate, kept, current=current, now=now))
        await self._write(certificate, metadata, superseded_data(kept))
        for one in excess:
            await self._revoking.impossible(certificate.metadata, one.serial_number, NO_ROOM)
        self._plan(key_of(certificate), kept)

    async def tell_lost(self, before: Certificate, kept: tuple[Superseded, ...], now: datetime) -> None:
        """Another certificate was delivered, and the one before it was not at hand: somebody had taken it away."""
        if on_supersede(before.spec) is not None and lost(before, kept, now):
            await self._revoking.impossible(before.metadata, before.status.serial_number or "?", NOT_AT_HAND)

    async def _write(self, certificate: Certificate, metadata: ObjectMetadata, data: dict[str, bytes]) -> None:
        if not data:
            await self._secrets.delete(metadata)
            return
        body = staged_secret(
            certificate.metadata, encoded(data), resource_version=metadata.resource_version, uid=metadata.uid
        )
        await self._secrets.replace(metadata.namespace, metadata.name, body)
