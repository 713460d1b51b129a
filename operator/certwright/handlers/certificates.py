"""Works on one Certificate: observe, decide, carry out, look again, until there is nothing to do but wait.

Called by the queue's workers with a key. Everything that must survive a restart is in the API server before the next
thing is done; what is kept in memory here only saves asking again.
"""

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from certwright.handlers.drivers import Drivers
from certwright.handlers.enrolment import Delivered, Enrolments, Moved, Session, Waiting
from certwright.handlers.inventory import CertificateRecord, Inventory
from certwright.handlers.observation import Observer, delivered
from certwright.handlers.reporting import Reporter
from certwright.kube.errors import ConflictError, InvalidError, UnavailableError
from certwright.kube.secret_watch import SecretWatch
from certwright.kube.secrets import Secrets
from certwright.model import policy
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.metadata import Key, ObjectMetadata, enrolment_secret_name
from certwright.model.observed import Observed
from certwright.model.resources import CertificateStatus
from certwright.reconcile.backoff import attempts_so_far, is_longest, rejection_delay
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_status import failed, internal_error, settled, under_way
from certwright.reconcile.steps import Begin, Drop, GoOn, Reapply, Report, Sleep, Step
from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock
from certwright.runtime.queue import WorkQueue
from certwright.runtime.workers import Done, Result, Retry

_log = logging.getLogger(__name__)

SHOW_AFTER = timedelta(seconds=2)
"""An enrolment that takes longer is shown in the status; one that does not costs no write for it."""

MAX_STEPS = 20
TRANSIENT = Backoff(initial=timedelta(seconds=2), maximum=timedelta(minutes=5), jitter=0)


@dataclass(slots=True, kw_only=True)
class Parts:
    """What the worker works with."""

    inventory: Inventory
    observer: Observer
    secrets: Secrets
    watch: SecretWatch | None
    drivers: Drivers
    enrolments: Enrolments
    reporter: Reporter
    queue: WorkQueue[Key]
    clock: Clock


class CertificateWorker:
    """Handles Certificate keys, one at a time each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._failures: dict[Key, int] = {}

    async def handle(self, key: Key) -> Result:
        """Bring one Certificate as far as it can be brought now."""
        record = self._parts.inventory.certificates.get(key)
        if record is not None and self._is_quiet(key, record):
            return Done(after=self._until(_wake_time(record)))
        try:
            return await self._work(key)
        except (ConflictError, InvalidError) as error:
            _log.debug("%s: a write was refused and everything is looked at again: %s", key, error)
            self._parts.observer.distrust(key)
            self._parts.enrolments.suspend(key)
            return Retry()
        except UnavailableError as error:
            _log.warning("%s: the API server does not answer: %s", key, error)
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

    async def _work(self, key: Key) -> Result:
        session = self._parts.enrolments.resumable(key)
        if session is not None:
            outcome = await self._advance(session.observed, session)
            if outcome is not None:
                return outcome
        for _ in range(MAX_STEPS):
            observed = await self._parts.observer.observe(key)
            if observed is None:
                await self._parts.enrolments.abandon(key)
                self._failures.pop(key, None)
                self._parts.queue.discard(key)
                return Done()
            if observed.certificate.metadata.is_deleting:
                await self._parts.enrolments.abandon(key)
                return Done()
            outcome = await self._carry_out(next_step(observed), observed)
            if outcome is not None:
                return outcome
        _log.error("%s: no rest after %d steps", key, MAX_STEPS)
        return Retry()

    async def _carry_out(self, step: Step, observed: Observed) -> Result | None:
        """Do one step; None: look again at once."""
        match step:
            case Sleep(until=until):
                return Done(after=self._until(until))
            case Report(status=status, again=again):
                await self._parts.reporter.certificate(observed.certificate, status)
                if observed.staged_metadata is not None:
                    return None
                return Done(after=again or self._until(_next_instant(status, observed.now)))
            case Drop(metadata=metadata, staged=staged):
                await self._parts.enrolments.drop(observed, metadata, staged)
                return None
            case Reapply(body=body, secret=secret, drift=drift):
                return await self._reapply(observed, body, secret, drift)
            case Begin():
                return await self._guarded(observed, self._begin(step, observed))
            case GoOn():
                session = self._parts.enrolments.open(observed, step)
                return await self._advance(observed, session)
            case _:
                assert_never(step)

    async def _begin(self, step: Begin, observed: Observed) -> Result | None:
        session = await self._parts.enrolments.begin(step, observed)
        return await self._advance(observed, session) if session is not None else None

    async def _advance(self, observed: Observed, session: Session) -> Result | None:
        return await self._guarded(observed, self._go_on(observed, session))

    async def _go_on(self, observed: Observed, session: Session) -> Result | None:
        key = _key(observed)
        permit = self._parts.drivers.permit(session.issuer, key, session)
        if isinstance(permit, timedelta):
            return Done(after=permit)
        answer = await self._parts.enrolments.advance(session)
        match answer:
            case Waiting(retry_after=retry_after, message=message):
                await self._show(observed, session, message, retry_after)
                return Done(after=retry_after)
            case Delivered():
                self._failures.pop(key, None)
                return Done(after=self._until(answer.due))
            case Moved():
                return None
            case _:
                assert_never(answer)

    async def _show(self, observed: Observed, session: Session, message: str, retry_after: timedelta) -> None:
        """Tell what is waited for, once it has lasted long enough that someone may look."""
        now = self._parts.clock.now()
        if now - session.opened_at < SHOW_AFTER:
            return
        current = replace(observed, now=now)
        told = (message, policy.certificate_has_expired(current) is not None)
        if session.shown == told:
            return
        poll_after = (now + retry_after).replace(microsecond=0)
        status = under_way(current, session.staged, message, poll_after)
        is_first = session.shown is None
        certificate = await self._parts.reporter.certificate(observed.certificate, status, is_announced=is_first)
        session.shown = told
        session.observed = replace(session.observed, certificate=certificate)

    async def _guarded(self, observed: Observed, work: Awaitable[Result | None]) -> Result | None:
        """Do it; what a driver or check raises becomes a status and a later attempt."""
        key = _key(observed)
        try:
            return await work
        except EnrolmentError as error:
            return await self._fail(key, error)
        except (ConflictError, InvalidError, UnavailableError):
            raise
        except Exception:
            await self._report_internal(key)
            raise

    async def _fail(self, key: Key, error: EnrolmentError) -> Result:
        observed = await self._parts.observer.observe(key)
        if observed is None:
            return Done(after=timedelta(0))
        if isinstance(error, RejectedError):
            await self._parts.enrolments.reject(observed)
        self._parts.enrolments.suspend(key)
        if isinstance(error, IssuerError):
            self._parts.drivers.distrust(observed.issuer)
        delay, is_last = self._delay(key, observed, error)
        status = failed(observed, error, delay=delay, is_longest=is_last)
        await self._parts.reporter.failure(observed.certificate, status, error)
        return Done(after=delay)

    def _delay(self, key: Key, observed: Observed, error: EnrolmentError) -> tuple[timedelta, bool]:
        """How long until the next attempt, and whether it will not grow any more."""
        if isinstance(error, RejectedError):
            spec, attempts = observed.certificate.spec, attempts_so_far(observed.certificate) + 1
            delay = max(rejection_delay(spec, attempts), error.retry_after or timedelta(0))
            return delay, is_longest(spec, attempts)
        count = self._failures.get(key, 0) + 1
        self._failures[key] = count
        delay = TRANSIENT.delay(count)
        asked = error.retry_after if isinstance(error, TransientError) else None
        return max(delay, asked or timedelta(0)), delay == TRANSIENT.maximum

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
        _log.info("%s: Secret %s was written again: %s", _key(observed), name, ", ".join(drift))
        status = settled(replace(observed, secret=written), written)
        await self._parts.reporter.certificate(certificate, status)
        return None if observed.staged_metadata is not None else Done(after=self._until(status.renewal_time))

    async def _report_internal(self, key: Key) -> None:
        try:
            observed = await self._parts.observer.observe(key)
            if observed is not None:
                delay = timedelta(seconds=2 ** min(self._parts.queue.failures(key) + 1, 8))
                await self._parts.reporter.certificate(observed.certificate, internal_error(observed, delay=delay))
        except Exception:  # noqa: BLE001 - the failure that is being reported matters more than this one
            _log.exception("%s: the failure could not be reported in the status", key)

    def _until(self, when: datetime | None) -> timedelta | None:
        return max(when - self._parts.clock.now(), timedelta(0)) if when is not None else None


def _key(observed: Observed) -> Key:
    metadata = observed.certificate.metadata
    return Key("Certificate", metadata.namespace, metadata.name)


def _wake_time(record: CertificateRecord) -> datetime | None:
    return record.due or record.not_after


def _next_instant(status: CertificateStatus, now: datetime) -> datetime | None:
    """When time alone changes something: a renewal falls due, or the certificate expires."""
    return min(
        (when for when in (status.renewal_time, status.not_after) if when is not None and when > now), default=None
    )
