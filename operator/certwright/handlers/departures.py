"""Holds a deleted Certificate until its certificate is revoked, and lets go of it in any case.

Only with ``revocation.onDelete``. A namespace that is deleted takes Secrets, issuers and Certificates away in any
order and lets nothing be made any more; so each thing that is missing ends the wait at once, and time ends it anyway.
"""

from datetime import timedelta

from certwright.handlers.inventory import Inventory
from certwright.handlers.observation import delivered
from certwright.handlers.reporting import Reporter
from certwright.handlers.revoking import IMPOSSIBLE, Later, Patience, Revoking
from certwright.kube.errors import NotFoundError
from certwright.kube.resources import Resources
from certwright.kube.secrets import Secrets
from certwright.model.metadata import Key, ObjectMetadata, metadata_of
from certwright.model.observed import Absent, AsRecorded, Observed, SecretState
from certwright.model.resources import NextAction, RevocationReason
from certwright.model.superseded import Superseded
from certwright.reconcile.revocation import (
    departing,
    is_held,
    leaves_at,
    lost,
    reason_for,
    revokes_on_delete,
    without_ours,
)
from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock
from certwright.runtime.workers import Done

BACKOFF = Backoff(initial=timedelta(seconds=5), maximum=timedelta(minutes=1), jitter=0)

WAITS = "ask the CA for the revocation; this Certificate goes then, whether or not the CA has answered"
NOT_AT_HAND = "it is not in its Secret any more, so that the CA cannot be told which one is meant"


class Departures:
    """The policy onDelete."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        resources: Resources,
        secrets: Secrets,
        revoking: Revoking,
        reporter: Reporter,
        clock: Clock,
    ) -> None:
        self._inventory = inventory
        self._resources = resources
        self._secrets = secrets
        self._revoking = revoking
        self._reporter = reporter
        self._clock = clock
        self._departing: set[Key] = set()

    def forget(self, key: Key) -> None:
        """The Certificate is gone."""
        self._departing.discard(key)
        self._revoking.forget(key)

    async def bind(self, observed: Observed, finalizers: tuple[str, ...]) -> None:
        """Set or remove the finalizer of a Certificate that lives.

        Whoever asks for a revocation only after the certificate was issued hears at once where none can be had.
        """
        metadata = observed.certificate.metadata
        body = await self._resources.write_finalizers(metadata, finalizers)
        self._inventory.upsert_certificate(observed.key, body)
        if is_held(metadata_of(body)) and observed.certificate.status.fingerprint_sha256 and observed.issuer:
            await self._revoking.warn(metadata, observed.issuer)

    async def depart(self, observed: Observed) -> Done:
        """Revoke what a deleted Certificate leaves behind, then let go of it."""
        certificate = observed.certificate
        if not is_held(certificate.metadata):
            return Done()
        if observed.key not in self._departing:
            self._departing.add(observed.key)
            self._revoking.hurry(observed.key)
        if revokes_on_delete(certificate.spec):
            found = departing(certificate, await self._secret(observed), observed.superseded, observed.now)
            waiting = [outcome for one in found if isinstance(outcome := await self._ask(observed, one), Later)]
            if waiting:
                return await self._wait(observed, waiting)
            await self._let_go(certificate.metadata)
            if lost(certificate, found, observed.now):
                serial = certificate.status.serial_number or "?"
                await self._revoking.impossible(certificate.metadata, serial, NOT_AT_HAND)
            return Done()
        await self._let_go(certificate.metadata)
        return Done()

    async def _secret(self, observed: Observed) -> SecretState:
        if isinstance(observed.secret, Absent) and observed.former is not None:
            return observed.former
        if not isinstance(observed.secret, AsRecorded):
            return observed.secret
        certificate = observed.certificate
        secret = await self._secrets.get(certificate.metadata.namespace, certificate.spec.secret_name)
        return delivered(secret) if secret is not None else Absent()

    async def _ask(self, observed: Observed, one: Superseded) -> object:
        certificate = observed.certificate
        is_current = one.fingerprint == certificate.status.fingerprint_sha256 or one.due is None
        default = RevocationReason.CESSATION_OF_OPERATION if is_current else RevocationReason.SUPERSEDED
        return await self._revoking.ask(
            observed.key,
            certificate.metadata,
            one,
            reason=reason_for(certificate.spec, default),
            patience=Patience(give_up_at=leaves_at(certificate.metadata), backoff=BACKOFF, waits_for_issuer=False),
        )

    async def _wait(self, observed: Observed, waiting: list[Later]) -> Done:
        """Say until when, once: who looks at a deletion that lasts finds it in the status."""
        certificate, end = observed.certificate, leaves_at(observed.certificate.metadata)
        status = certificate.status.model_copy(update={"next_action": NextAction(what=WAITS, when=end)})
        await self._reporter.certificate(certificate, status)
        when = min(end, *(later.when for later in waiting))
        return Done(after=max(when - self._clock.now(), timedelta(0)))

    async def end_overdue(self, key: Key) -> bool:
        """Let go of a Certificate whose time is over although it could not be worked on: nothing may hold it longer."""
        record = self._inventory.certificates.get(key)
        if record is None or record.body is None:
            return False
        metadata = metadata_of(record.body)
        if not metadata.is_deleting or not is_held(metadata) or self._clock.now() < leaves_at(metadata):
            return False
        body = await self._resources.get(key)
        if body is None:
            self._inventory.forget(key)
        else:
            await self.give_up(metadata_of(body), "certwright could not do it in time")
        return True

    async def give_up(self, metadata: ObjectMetadata, why: str) -> bool:
        """Let go of a deleted Certificate whose certificate was perhaps not revoked, and say why; False: none is."""
        if not metadata.is_deleting or not is_held(metadata):
            return False
        await self._let_go(metadata)
        note = f"The certificate was not revoked: {why}"
        await self._reporter.revocation(metadata, IMPOSSIBLE, note, is_warning=True)
        return True

    async def _let_go(self, metadata: ObjectMetadata) -> None:
        """Take our finalizer away. What the API server answers may be gone already, and is not remembered."""
        try:
            await self._resources.write_finalizers(metadata, without_ours(metadata))
        except NotFoundError:
            return
