"""Works on one Certificate: observe, decide, carry out, look again, until there is nothing to do but wait.

Called by the queue's workers with a key. Everything that must survive a restart is in the API server before the next
thing is done; what is kept in memory here only saves asking again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from certwright.handlers.admission import Admission
from certwright.handlers.attempts import Attempts, until
from certwright.handlers.departures import Departures
from certwright.handlers.drivers import Drivers
from certwright.handlers.enrolment import Enrolments
from certwright.handlers.failing import Failing
from certwright.handlers.inventory import CertificateRecord, Inventory, UnreadableSpecError
from certwright.handlers.keystores import Keystores
from certwright.handlers.observation import Observer, delivered
from certwright.handlers.reporting import Reporter
from certwright.handlers.superseding import Superseding
from certwright.handlers.takeover import Takeover
from certwright.kube.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubeError,
    NotFoundError,
    TerminatingError,
)
from certwright.kube.secret_watch import SecretWatch
from certwright.kube.secrets import Secrets
from certwright.model.chain import CLOCK_SKEW
from certwright.model.metadata import Key, ObjectMetadata, enrolment_secret_name, metadata_of
from certwright.model.observed import Observed
from certwright.model.resources import CertificateStatus
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_status import settled
from certwright.reconcile.steps import (
    Adopt,
    Begin,
    Bind,
    Copy,
    Drop,
    GoOn,
    PassOn,
    Reapply,
    Report,
    Retire,
    Sleep,
    Step,
)
from certwright.runtime.clock import Clock
from certwright.runtime.queue import WorkQueue
from certwright.runtime.workers import Done, Result, Retry

_log = logging.getLogger(__name__)

TERMINATING_PATIENCE = timedelta(seconds=30)
"""How often a Certificate in a namespace that is being deleted is looked at: something may hold the namespace up."""

MAX_STEPS = 20


@dataclass(slots=True, kw_only=True)
class Parts:
    """What the worker works with."""

    inventory: Inventory
    observer: Observer
    secrets: Secrets
    watch: SecretWatch | None
    drivers: Drivers
    admission: Admission
    enrolments: Enrolments
    superseding: Superseding
    keystores: Keystores
    departures: Departures
    takeover: Takeover
    reporter: Reporter
    queue: WorkQueue[Key]
    clock: Clock


class CertificateWorker:
    """Handles Certificate keys, one at a time each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._failing = Failing(
            observer=parts.observer,
            drivers=parts.drivers,
            enrolments=parts.enrolments,
            reporter=parts.reporter,
            queue=parts.queue,
            clock=parts.clock,
        )
        self._attempts = Attempts(
            admission=parts.admission,
            enrolments=parts.enrolments,
            failing=self._failing,
            reporter=parts.reporter,
            clock=parts.clock,
        )

    async def handle(self, key: Key) -> Result:
        """Bring one Certificate as far as it can be brought now."""
        record = self._parts.inventory.certificates.get(key)
        is_quiet = record is not None and self._is_quiet(key, record)
        try:
            if record is not None and is_quiet and await self._parts.keystores.is_quiet(key, record):
                return self._in_time(key, Done(after=until(_wake_time(record), self._parts.clock)))
            return await self._work_or_tell(key)
        except (ConflictError, NotFoundError) as error:
            _log.debug("%s: what was written to has changed and everything is looked at again: %s", key, error)
            return self._look_again(key)
        except TerminatingError:
            # It goes with its namespace. Until then each change in there would be one more error of ours.
            _log.debug("%s: its namespace is being deleted: nothing is made in it any more", key)
            self._look_again(key)
            return Done(after=TERMINATING_PATIENCE)
        except (InvalidError, ForbiddenError) as error:
            _log.warning("%s: the API server refuses what was written: %s", key, error)
            again = self._look_again(key)
            return await self._failing.report_refusal(key, error) or again
        except KubeError as error:
            _log.warning("%s: the API server refuses or does not answer: %s", key, error)
            return self._look_again(key)
        except Exception:
            await self._failing.report_internal(key)
            raise

    def _in_time(self, key: Key, result: Result) -> Result:
        """The same result, unless something of which no watch tells must be looked at before it would come again."""
        record = self._parts.inventory.certificates.get(key)
        return self._parts.keystores.in_time(key, record, self._parts.superseding.in_time(key, result))

    def _look_again(self, key: Key) -> Result:
        """What is known is out of date, a write without an answer included."""
        self._parts.observer.distrust(key)
        self._parts.enrolments.suspend(key)
        return Retry()

    def _is_quiet(self, key: Key, record: CertificateRecord) -> bool:
        """Whether the record and the watch together say that there is nothing to do: no request is made for it."""
        watch, due = self._parts.watch, _wake_time(record)
        if not record.is_settled or watch is None or key in self._parts.enrolments:
            return False
        if watch.get(key.namespace, enrolment_secret_name(record.uid)) is not None:
            return False  # A record that a process left behind when it was killed.
        is_due = due is not None and due <= self._parts.clock.now()
        return not is_due and record.matches(watch.get(key.namespace, record.secret_name))

    async def _work_or_tell(self, key: Key) -> Result:
        if self._parts.queue.failures(key) and await self._parts.departures.end_overdue(key):
            return Done()
        try:
            return self._in_time(key, await self._work(key))
        except UnreadableSpecError as error:
            self._parts.enrolments.suspend(key)
            record = self._parts.inventory.certificates.get(key)
            if record is None or record.body is None:
                return Retry()
            if not await self._parts.departures.give_up(metadata_of(record.body), str(error)):
                await self._parts.reporter.unreadable(key, record.body, str(error))
            return Done()

    async def _work(self, key: Key) -> Result:
        session = self._parts.enrolments.resumable(key)
        if session is not None and not self._parts.superseding.is_waiting(key):
            outcome = await self._attempts.advance(session.observed, session)
            if outcome is not None:
                return outcome
        for _ in range(MAX_STEPS):
            observed = await self._parts.observer.observe(key)
            if observed is None:
                await self._parts.enrolments.abandon(key)
                self._failing.forget(key)
                self._parts.superseding.forget(key)
                self._parts.keystores.forget(key)
                self._parts.departures.forget(key)
                self._parts.queue.discard(key)
                return Done()
            await self._parts.enrolments.abandon_earlier(key, observed.certificate.metadata.uid)
            if observed.certificate.metadata.is_deleting:
                await self._parts.enrolments.abandon(key)
                self._parts.superseding.forget(key)
                return await self._parts.departures.depart(observed)
            if await self._parts.superseding.attend(observed) or await self._parts.enrolments.drop_orphaned(observed):
                continue
            outcome = await self._carry_out(next_step(observed), observed)
            if outcome is not None:
                return outcome
        _log.error("%s: no rest after %d steps", key, MAX_STEPS)
        return Retry()

    async def _carry_out(self, step: Step, observed: Observed) -> Result | None:
        """Do one step; None: look again at once."""
        if isinstance(step, Sleep | Report):
            # Nothing is asked of the CA now: whoever is suspended halfway must not keep others waiting.
            self._parts.enrolments.suspend(observed.key)
            self._failing.forget(observed.key)
        match step:
            case Sleep(until=when):
                return Done(after=until(when, self._parts.clock))
            case Report(status=status, again=again):
                await self._parts.reporter.certificate(observed.certificate, status)
                if observed.staged_metadata is not None:
                    return None
                return Done(after=again or until(_next_instant(status, observed.now), self._parts.clock))
            case Reapply(body=body, secret=secret, drift=drift):
                return await self._reapply(observed, body, secret, drift)
            case Begin() | GoOn():
                return await self._attempts.make(step, observed)
            case Drop() | Copy() | Retire() | Adopt() | Bind() | PassOn():
                await self._change(step, observed)
                return None
            case _:
                assert_never(step)

    async def _change(self, step: Drop | Copy | Retire | Adopt | Bind | PassOn, observed: Observed) -> None:
        """One write that makes everything worth another look."""
        match step:
            case Drop(metadata=metadata, staged=staged):
                await self._parts.enrolments.drop(observed, metadata, staged)
            case Copy() | Retire() | Adopt():
                await self._parts.takeover.carry_out(step, observed)
            case Bind(finalizers=finalizers):
                await self._parts.departures.bind(observed, finalizers)
            case PassOn(why=why):
                await self._failing.pass_on(observed, why)
            case _:
                assert_never(step)

    async def _reapply(
        self, observed: Observed, body: Mapping[str, Any], secret: ObjectMetadata, drift: tuple[str, ...]
    ) -> Result | None:
        certificate = observed.certificate
        pinned = {
            **body,
            "metadata": {**body["metadata"], "uid": secret.uid, "resourceVersion": secret.resource_version},
        }
        name = certificate.spec.secret_name
        written = delivered(await self._parts.secrets.apply(secret.namespace, name, pinned, force=True))
        _log.info("%s: Secret %s was written again: %s", observed.key, name, ", ".join(drift))
        status = settled(replace(observed, secret=written), written)
        await self._parts.reporter.certificate(certificate, status)
        return (
            None if observed.staged_metadata is not None else Done(after=until(status.renewal_time, self._parts.clock))
        )


def _wake_time(record: CertificateRecord) -> datetime | None:
    """When a settled Certificate must be looked at: a renewal that is switched off lets it expire."""
    return min((when for when in (record.due, record.not_after) if when is not None), default=None)


def _next_instant(status: CertificateStatus, now: datetime) -> datetime | None:
    """When time alone changes something: a renewal falls due, or the certificate becomes valid or expires."""
    valid = status.not_before - CLOCK_SKEW if status.not_before is not None else None
    instants = (status.renewal_time, status.not_after, valid)
    return min((when for when in instants if when is not None and when > now), default=None)
