"""Writes statuses and Events, so that every transition is told once and nothing is told twice."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from certwright.handlers.inventory import Inventory, parse_certificate
from certwright.handlers.metrics import Metrics
from certwright.kube.events import Events
from certwright.kube.resources import Resources
from certwright.model.errors import EnrolmentError
from certwright.model.metadata import Key, Kind, ObjectMetadata, metadata_of
from certwright.model.observed import Certificate, KnownIssuer
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, IssuerStatus
from certwright.model.resources.fields import format_instant
from certwright.model.staged import Staged
from certwright.reconcile.conditions import find
from certwright.reconcile.issuer import known_issuer
from certwright.reconcile.renewing import other_validity, window_error
from certwright.reconcile.unreadable import unreadable
from certwright.runtime.clock import Clock

_log = logging.getLogger(__name__)

NEXT_ISSUER = "NextIssuer"
"""The reason of the Event that tells of another issuer's turn."""


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
            await self._announce(certificate.metadata, certificate.status, status)
        unmet = window_error(certificate.status, status)
        if unmet is not None:
            await self._post(certificate.metadata, Reason.WINDOW_ERROR, unmet, is_warning=True)
        return parse_certificate(body)

    async def unreadable(self, key: Key, body: Mapping[str, Any], fault: str) -> None:
        """This version cannot read the spec: said once, in the status, in an Event and in the log."""
        metadata, before = metadata_of(body), CertificateStatus.from_api(body.get("status"))
        status = unreadable(metadata, before, fault, now=self._clock.now())
        if status == before:
            return
        _log.error("%s: %s", key, fault)
        written = await self._resources.write_status(Kind.CERTIFICATE, metadata, status.to_api())
        self._inventory.upsert_certificate(key, written)
        await self._announce(metadata, before, status)

    async def _announce(
        self, certificate: ObjectMetadata, earlier: CertificateStatus, status: CertificateStatus
    ) -> None:
        before, now = find(earlier.conditions, "Issuing"), find(status.conditions, "Issuing")
        if now is None or (before is not None and (before.status, before.reason) == (now.status, now.reason)):
            return
        is_issuing = now.status == "True"
        await self._post(certificate, "Issuing" if is_issuing else now.reason, now.message, is_warning=not is_issuing)

    async def issued(
        self, certificate: Certificate, status: CertificateStatus, staged: Staged, notes: Iterable[str] = ()
    ) -> None:
        """A new certificate was delivered; ``notes`` are what the driver wants known about how."""
        await self.certificate(certificate, status, is_announced=False)
        took = self._clock.now() - staged.started_at
        self._metrics.issued(status, staged, took)
        until = format_instant(status.not_after) if status.not_after else "?"
        note = (
            f"Certificate written to Secret {certificate.spec.secret_name} ({staged.reason}); "
            f"serial {status.serial_number}, valid until {until}"
        )
        _log.info("Certificate %s/%s: %s", certificate.metadata.namespace, certificate.metadata.name, note)
        await self._post(certificate.metadata, "Issued", note, is_warning=False)
        other = other_validity(certificate.spec, status.not_before, status.not_after)
        for text in (*notes, *([other] if other is not None else [])):
            _log.warning("Certificate %s/%s: %s", certificate.metadata.namespace, certificate.metadata.name, text)
            await self._post(certificate.metadata, "EnrolledOtherwise", text, is_warning=True)

    async def failure(
        self, certificate: Certificate, status: CertificateStatus, error: EnrolmentError, *, protocol: str
    ) -> None:
        """An attempt failed: one write, and an Event unless the same was told before.

        A repeat that waits no longer than the last one is not written at all.
        """
        before = certificate.status.last_error
        is_same = before is not None and (before.reason, before.message) == (str(error.reason), error.message[:1024])
        self._metrics.failed(certificate, error, protocol=protocol)
        if is_same and _waits_as_before(certificate.status, status):
            return
        where = f"{certificate.metadata.namespace}/{certificate.metadata.name}"
        _log.warning("Certificate %s: %s: %s", where, error.reason, error.message)
        await self.certificate(certificate, status, is_announced=False)
        if not is_same:
            await self._post(certificate.metadata, str(error.reason), error.message, is_warning=True)

    async def passed_on(self, certificate: Certificate, status: CertificateStatus, why: Finding) -> None:
        """Another of the Certificate's issuers is asked: an Event each time, whatever was told of the one before."""
        await self.certificate(certificate, status, is_announced=False)
        told = find(status.conditions, "Issuing")
        note = told.message if told is not None else why.message
        _log.warning("Certificate %s/%s: %s", certificate.metadata.namespace, certificate.metadata.name, note)
        await self._post(certificate.metadata, NEXT_ISSUER, note, is_warning=True)

    async def revocation(self, certificate: ObjectMetadata, reason: str, note: str, *, is_warning: bool) -> None:
        """What became of a revocation. Where no Event can be made (a namespace that is going), the log has it."""
        level = logging.WARNING if is_warning else logging.INFO
        _log.log(level, "Certificate %s/%s: %s: %s", certificate.namespace, certificate.name, reason, note)
        await self._post(certificate, reason, note, is_warning=is_warning)

    async def secret(self, certificate: ObjectMetadata, reason: str, note: str) -> None:
        """What became of a Secret without the CA."""
        _log.info("Certificate %s/%s: %s: %s", certificate.namespace, certificate.name, reason, note)
        await self._post(certificate, reason, note, is_warning=False)

    async def issuer(self, issuer: KnownIssuer, status: IssuerStatus) -> KnownIssuer:
        """Write an issuer's status unless it is the one that is there; an Event on a transition."""
        if status == issuer.status:
            return issuer
        body = await self._resources.write_status(issuer.key.kind, issuer.metadata, status.to_api())
        self._inventory.upsert_issuer(issuer.key, body)
        await self._announce_issuer(issuer, status)
        return known_issuer(body)

    async def _announce_issuer(self, issuer: KnownIssuer, status: IssuerStatus) -> None:
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

    async def _post(self, certificate: ObjectMetadata, reason: str, note: str, *, is_warning: bool) -> None:
        await self._events.post(
            Kind.CERTIFICATE,
            certificate,
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
        and before.last_retry_request == after.last_retry_request
        and _verdicts(before) == _verdicts(after)
    )


def _verdicts(status: CertificateStatus) -> list[tuple[str, str, str]]:
    return [(condition.type, condition.status, condition.reason) for condition in status.conditions]
