"""Writes statuses and Events, so that every transition is told once and nothing is told twice."""

import logging

from certwright.handlers.inventory import Inventory, parse_certificate
from certwright.handlers.metrics import Metrics
from certwright.kube.events import Events
from certwright.kube.resources import Resources
from certwright.model.errors import EnrolmentError
from certwright.model.metadata import Key, Kind
from certwright.model.observed import Certificate, KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, IssuerStatus
from certwright.model.resources.fields import format_instant
from certwright.model.staged import Staged
from certwright.reconcile.conditions import find
from certwright.runtime.clock import Clock

_log = logging.getLogger(__name__)


class Reporter:
    """The operator's voice."""

    def __init__(
        self, *, inventory: Inventory, resources: Resources, events: Events, metrics: Metrics, clock: Clock
    ) -> None:
        self._inventory = inventory
        self._resources = resources
        self._events = events
        self._metrics = metrics
        self._clock = clock

    async def certificate(
        self, certificate: Certificate, status: CertificateStatus, *, is_announced: bool = True
    ) -> Certificate:
        """Write a status unless it is the one that is there; an Event where the reason for not being ready is new."""
        if status == certificate.status:
            return certificate
        key = Key(Kind.CERTIFICATE, certificate.metadata.namespace, certificate.metadata.name)
        body = await self._resources.write_status(Kind.CERTIFICATE, certificate.metadata, status.to_api())
        self._inventory.upsert_certificate(key, body)
        if is_announced:
            await self._announce(certificate, status)
        return parse_certificate(body)

    async def _announce(self, certificate: Certificate, status: CertificateStatus) -> None:
        before, now = find(certificate.status.conditions, "Issuing"), find(status.conditions, "Issuing")
        if now is None or (before is not None and (before.status, before.reason) == (now.status, now.reason)):
            return
        is_issuing = now.status == "True"
        await self._post(certificate, "Issuing" if is_issuing else now.reason, now.message, is_warning=not is_issuing)

    async def issued(self, certificate: Certificate, status: CertificateStatus, staged: Staged) -> None:
        """A new certificate was delivered."""
        await self.certificate(certificate, status, is_announced=False)
        took = self._clock.now() - staged.started_at
        self._metrics.issued(certificate.metadata, status, staged, took)
        until = format_instant(status.not_after) if status.not_after else "?"
        note = (
            f"Certificate written to Secret {certificate.spec.secret_name} ({staged.reason}); "
            f"serial {status.serial_number}, valid until {until}"
        )
        _log.info("Certificate %s/%s: %s", certificate.metadata.namespace, certificate.metadata.name, note)
        await self._post(certificate, "Issued", note, is_warning=False)

    async def failure(self, certificate: Certificate, status: CertificateStatus, error: EnrolmentError) -> None:
        """An attempt failed: one write, and an Event unless the same was told before.

        A repeat that waits no longer than the last one is not written at all.
        """
        before = certificate.status.last_error
        is_same = before is not None and (before.reason, before.message) == (str(error.reason), error.message[:1024])
        self._metrics.failed(certificate.metadata, certificate, error)
        if is_same and _waits_as_before(certificate.status, status):
            return
        where = f"{certificate.metadata.namespace}/{certificate.metadata.name}"
        _log.warning("Certificate %s: %s: %s", where, error.reason, error.message)
        await self.certificate(certificate, status, is_announced=False)
        if not is_same:
            await self._post(certificate, str(error.reason), error.message, is_warning=True)

    async def issuer(self, issuer: KnownIssuer, status: IssuerStatus) -> None:
        """Write an issuer's status unless it is the one that is there; an Event on a transition."""
        if status == issuer.status:
            return
        body = await self._resources.write_status(issuer.key.kind, issuer.metadata, status.to_api())
        self._inventory.upsert_issuer(issuer.key, body)
        before, now = find(issuer.status.conditions, "Ready"), find(status.conditions, "Ready")
        if now is None or (before is not None and (before.status, before.reason) == (now.status, now.reason)):
            return
        is_ready = now.status == "True"
        _log.log(logging.INFO if is_ready else logging.WARNING, "%s: %s: %s", issuer.key, now.reason, now.message)
        await self._events.post(
            issuer.key.kind,
            issuer.metadata,
            reason=str(now.reason or Reason.READY),
            note=now.message,
            at=self._clock.now(),
            is_warning=not is_ready,
        )

    async def _post(self, certificate: Certificate, reason: str, note: str, *, is_warning: bool) -> None:
        await self._events.post(
            Kind.CERTIFICATE,
            certificate.metadata,
            reason=reason,
            note=note,
            at=self._clock.now(),
            is_warning=is_warning,
        )


def _waits_as_before(before: CertificateStatus, after: CertificateStatus) -> bool:
    """Whether the next attempt is told in the same words: only then nothing is lost by not writing."""
    return (
        before.next_action is not None
        and after.next_action is not None
        and before.next_action.when is None
        and before.next_action == after.next_action
        and before.observed_generation == after.observed_generation
        and _verdicts(before) == _verdicts(after)
    )


def _verdicts(status: CertificateStatus) -> list[tuple[str, str, str]]:
    return [(condition.type, condition.status, condition.reason) for condition in status.conditions]
