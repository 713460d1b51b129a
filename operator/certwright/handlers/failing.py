"""What follows when an attempt did not succeed: the status says so, and the next attempt waits.

``certificates`` asks here before each attempt, and hands over whatever was raised. The waiting after a rejection stands
in the status; the one after other failures is remembered here, because a restart may try at once and an event may not.
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from certwright.handlers.delivery import is_same_request
from certwright.handlers.drivers import Drivers
from certwright.handlers.enrolment import Enrolments
from certwright.handlers.observation import Observer
from certwright.handlers.refusals import told_to_the_author
from certwright.handlers.reporting import Reporter
from certwright.kube.errors import ConflictError, ForbiddenError, InvalidError, KubeError
from certwright.model.due import not_after
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.metadata import ANNOTATION_RETRY, Key
from certwright.model.observed import Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import NextAction
from certwright.model.wishes import requested
from certwright.reconcile.backoff import attempts_so_far, is_longest, rejection_delay
from certwright.reconcile.certificate_status import waiting
from certwright.reconcile.failure_status import failed, internal_error
from certwright.reconcile.fallback import ATTEMPTS, LONGEST_PAUSE, is_issuers_failure, next_in_turn, passed_on
from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock
from certwright.runtime.queue import WorkQueue
from certwright.runtime.workers import Done, Result

_log = logging.getLogger(__name__)

TRANSIENT = Backoff(initial=timedelta(seconds=2), maximum=timedelta(minutes=5), jitter=0)
INTERNAL = Backoff(initial=timedelta(seconds=1), maximum=timedelta(minutes=5), jitter=0)
"""What the queue does with whatever is raised, but for its jitter: told, not made here."""


@dataclass(frozen=True, slots=True)
class _Setback:
    """The last failure of a Certificate, and what it was then; in other circumstances nobody waits for it."""

    circumstances: tuple[Any, ...]
    count: int
    until: float
    finding: Finding
    ends_turn_at: float | None
    """From when on another issuer may be asked because of it; None: it is none of the issuer's."""


class Failing:
    """Tells of failures, and remembers how long each has to wait."""

    def __init__(
        self,
        *,
        observer: Observer,
        drivers: Drivers,
        enrolments: Enrolments,
        reporter: Reporter,
        queue: WorkQueue[Key],
        clock: Clock,
    ) -> None:
        self._observer = observer
        self._drivers = drivers
        self._enrolments = enrolments
        self._reporter = reporter
        self._queue = queue
        self._clock = clock
        self._setbacks: dict[Key, _Setback] = {}
        self._rounds: dict[Key, int] = {}
        """How often every issuer of a Certificate has had its turn in vain: else two dead CAs were asked for ever."""

    def __contains__(self, key: Key) -> bool:
        return key in self._setbacks

    def forget(self, key: Key) -> None:
        """It succeeded, or something else is in the way now: the next attempt waits for nothing."""
        self._setbacks.pop(key, None)
        self._rounds.pop(key, None)

    def gives_up(self, observed: Observed) -> Finding | None:
        """Why the issuer that has failed again and again is asked no more, now that another one can be asked."""
        setback = self._setbacks.get(observed.key)
        if setback is None or not self._loses_turn(observed) or self._clock.monotonic() < (setback.ends_turn_at or 0):
            return None
        issuer = observed.issuer.key if observed.issuer is not None else "the issuer"
        text = f"{issuer} has failed {setback.count} times in a row, last with: {setback.finding.message}"
        return Finding(setback.finding.reason, text)

    def _loses_turn(self, observed: Observed) -> bool:
        """Whether another issuer is asked next, be it at once or after a pause."""
        setback = self._setbacks.get(observed.key)
        if setback is None or setback.circumstances != _circumstances(observed):
            return False
        return setback.count >= ATTEMPTS and setback.ends_turn_at is not None and bool(observed.successors)

    async def pass_on(self, observed: Observed, why: Finding) -> None:
        """Give the turn to the next issuer. What this one was asked is taken back when everything is looked at again.

        It is probed, so that others who name it do not have to find out for themselves.
        """
        key = observed.key
        self._enrolments.suspend(key)
        status = passed_on(observed, why)
        await self._reporter.passed_on(observed.certificate, status, why)
        if observed.issuer is not None and observed.issuer.obstacle is None and why.reason is not Reason.RATE_LIMITED:
            self._drivers.distrust(observed.issuer)
        self._setbacks.pop(key, None)
        if status.fallback is None:
            self._rounds[key] = self._rounds.get(key, 0) + 1

    async def wait(self, observed: Observed) -> Done | None:
        """Come again when the next attempt is due; None: it may be made now.

        Without this the answer to an `IssuerError`, a probe that succeeds, would have the attempt made again at once.
        """
        setback = self._setbacks.get(observed.key)
        if setback is None or setback.circumstances != _circumstances(observed):
            return None
        remaining = timedelta(seconds=setback.until - self._clock.monotonic())
        if remaining <= timedelta(0):
            return None
        await self._reporter.certificate(observed.certificate, waiting(observed))
        return Done(after=_before_expiry(observed, remaining))

    async def report(self, attempted: Observed, error: EnrolmentError) -> Result:
        """Tell of a failed attempt. One that was made for another spec than the present one is nobody's news."""
        key = attempted.key
        observed = await self._observer.observe(key)
        if observed is None or not is_same_request(observed.certificate, attempted.certificate):
            self._enrolments.suspend(key)
            return Done(after=timedelta(0))
        used = self._enrolments.used_credential(key) if _used_credential(error) else None
        if isinstance(error, RejectedError):
            await self._enrolments.reject(observed)
        self._enrolments.suspend(key)
        if isinstance(error, IssuerError):
            self._drivers.distrust(observed.issuer)
        delay, is_last = self._delay(observed, error)
        try:
            await self._tell(observed, error, delay=delay, is_last=is_last, used=used)
        except ConflictError:
            # A label was edited meanwhile, say. To forget the failure would be to ask the CA again at once.
            self._observer.distrust(key)
            observed = await self._observer.observe(key)
            if observed is None or not is_same_request(observed.certificate, attempted.certificate):
                return Done(after=timedelta(0))
            await self._tell(observed, error, delay=delay, is_last=is_last, used=used)
        return Done(after=_before_expiry(observed, delay))

    async def _tell(
        self, observed: Observed, error: EnrolmentError, *, delay: timedelta, is_last: bool, used: str | None
    ) -> None:
        status = failed(observed, error, delay=delay, is_longest=is_last)
        if not isinstance(error, RejectedError) and self._loses_turn(observed):
            action = NextAction(
                what=f"ask {next_in_turn(observed).key}", when=(observed.now + delay).replace(microsecond=0)
            )
            status = status.model_copy(update={"next_action": action})
        if used is not None:
            status = status.model_copy(update={"used_credential": used})
        protocol = observed.issuer.destination.protocol if observed.issuer else ""
        await self._reporter.failure(observed.certificate, status, error, protocol=protocol)

    def _delay(self, observed: Observed, error: EnrolmentError) -> tuple[timedelta, bool]:
        """How long until the next attempt, and whether it will not grow any more."""
        if isinstance(error, RejectedError):
            self.forget(observed.key)
            spec, attempts = observed.certificate.spec, attempts_so_far(observed.certificate) + 1
            delay = max(rejection_delay(spec, attempts), error.retry_after or timedelta(0))
            return delay, is_longest(spec, attempts)
        before, circumstances = self._setbacks.get(observed.key), _circumstances(observed)
        count = before.count + 1 if before is not None and before.circumstances == circumstances else 1
        own = TRANSIENT.delay(count + ATTEMPTS * self._rounds.get(observed.key, 0))
        asked = (error.retry_after if isinstance(error, TransientError) else None) or timedelta(0)
        delay, pause = max(own, asked), min(asked, LONGEST_PAUSE)
        now = self._clock.monotonic()
        self._setbacks[observed.key] = _Setback(
            circumstances,
            count,
            until=now + delay.total_seconds(),
            finding=Finding(error.reason, error.message),
            ends_turn_at=now + pause.total_seconds() if is_issuers_failure(error) else None,
        )
        if not self._loses_turn(observed):
            return delay, own == TRANSIENT.maximum
        self._setbacks[observed.key] = replace(self._setbacks[observed.key], until=now + pause.total_seconds())
        return pause, False

    async def report_refusal(self, key: Key, error: InvalidError | ForbiddenError) -> Result | None:
        """The API server does not take what was written: once may be a race (None), twice is told to the author."""
        if self._queue.failures(key) == 0 and key not in self:
            return None
        try:
            observed = await self._observer.observe(key)
            return await self.report(observed, told_to_the_author(error)) if observed is not None else None
        except KubeError:
            return None

    async def report_internal(self, key: Key) -> None:
        """Certwright itself failed, and the queue will try again; whatever stops this report matters less."""
        self._enrolments.suspend(key)
        try:
            observed = await self._observer.observe(key)
            if observed is not None:
                delay = INTERNAL.delay(self._queue.failures(key) + 1)
                status = internal_error(observed, delay=delay, is_longest=delay == INTERNAL.maximum)
                await self._reporter.certificate(observed.certificate, status)
        except Exception as error:  # noqa: BLE001 - the failure that is being reported is raised by the caller
            _log.warning("%s: the failure could not be told in the status: %s", key, str(error)[:500])


def _used_credential(error: EnrolmentError) -> bool:
    return isinstance(error, RejectedError) and error.is_credential_used


def _circumstances(observed: Observed) -> tuple[Any, ...]:
    """What somebody can change to make another attempt worth while."""
    certificate, issuer = observed.certificate.metadata, observed.issuer
    whose = (certificate.uid, certificate.generation, requested(certificate, ANNOTATION_RETRY))
    return (*whose, *((issuer.metadata.uid, issuer.metadata.generation) if issuer is not None else ()))


def _before_expiry(observed: Observed, delay: timedelta) -> timedelta:
    """A certificate that expires while it waits must be told to have expired."""
    end = not_after(observed)
    return min(delay, end - observed.now) if end is not None and end > observed.now else delay
