"""Makes one attempt to issue: lets it wait where it must, asks the CA, and tells of what takes long.

``certificates`` calls it when a decision says that a certificate is needed. What is raised becomes a status here.
"""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from certwright.handlers.admission import Admission
from certwright.handlers.enrolment import Enrolments
from certwright.handlers.failing import Failing
from certwright.handlers.reporting import Reporter
from certwright.handlers.sessions import Delivered, Moved, Session, Waiting
from certwright.model import policy
from certwright.model.errors import EnrolmentError
from certwright.model.observed import Observed
from certwright.reconcile.certificate_status import under_way
from certwright.reconcile.steps import Begin, GoOn
from certwright.runtime.clock import Clock
from certwright.runtime.workers import Done, Result

LONG_WAIT = timedelta(seconds=5)
"""A wait of this length is the CA's wish: no event cuts it short. Shorter ones are our own way of looking early."""

SHOW_AFTER = timedelta(seconds=2)
"""An enrolment that takes longer is shown in the status; one that does not costs no write for it."""


class Attempts:
    """The attempts of all Certificates."""

    def __init__(
        self, *, admission: Admission, enrolments: Enrolments, failing: Failing, reporter: Reporter, clock: Clock
    ) -> None:
        self._admission = admission
        self._enrolments = enrolments
        self._failing = failing
        self._reporter = reporter
        self._clock = clock

    async def make(self, step: Begin | GoOn, observed: Observed) -> Result | None:
        """Begin or go on, unless something has to be waited for. None: look at everything again at once."""
        if (why := self._failing.gives_up(observed)) is not None:
            await self._failing.pass_on(observed, why)
            return None
        waits = await self._failing.wait(observed) or await self._admission.wait_for_tomorrow(observed)
        return waits or await self._enrol(step, observed)

    async def _enrol(self, step: Begin | GoOn, observed: Observed) -> Result | None:
        if isinstance(step, Begin):
            return await self._guarded(observed, self._begin(step, observed))
        return await self.advance(observed, self._enrolments.open(observed, step))

    async def _begin(self, step: Begin, observed: Observed) -> Result | None:
        session = await self._enrolments.begin(step, observed)
        return await self.advance(observed, session) if session is not None else None

    async def advance(self, observed: Observed, session: Session) -> Result | None:
        """Take an enrolment as far as it goes now."""
        return await self._guarded(observed, self._go_on(observed, session))

    async def _go_on(self, observed: Observed, session: Session) -> Result | None:
        remaining = (session.not_before or 0.0) - self._clock.monotonic()
        if session.not_before is not None and remaining > 0:
            return Done(after=timedelta(seconds=remaining))
        if session.permit is None and session.answer is None:
            waits = await self._admission.admit(observed, session)
            if waits is not None:
                return waits
            session.going_since = self._clock.now()
            if not self._enrolments.is_young(session):
                return None
        answer = await self._enrolments.advance(session)
        match answer:
            case Waiting(retry_after=retry_after):
                is_long = retry_after >= LONG_WAIT
                session.not_before = self._clock.monotonic() + retry_after.total_seconds() if is_long else None
                await self._show(observed, session, answer)
                return Done(after=retry_after)
            case Delivered():
                self._failing.forget(observed.key)
                return Done(after=until(answer.due, self._clock))
            case Moved():
                return None
            case _:
                assert_never(answer)

    async def _show(self, observed: Observed, session: Session, waiting: Waiting) -> None:
        """Tell what is waited for, once it has lasted long enough that someone may look."""
        now = self._clock.now()
        if now - session.going_since < SHOW_AFTER:
            return
        current = replace(observed, now=now)
        told = (waiting.message, policy.certificate_has_expired(current) is not None)
        if session.shown == told:
            return
        poll_after = (now + waiting.retry_after).replace(microsecond=0)
        status = under_way(current, session.staged, waiting.message, poll_after, transaction=waiting.transaction)
        is_first = session.shown is None
        certificate = await self._reporter.certificate(observed.certificate, status, is_announced=is_first)
        session.shown = told
        session.observed = replace(session.observed, certificate=certificate)

    async def _guarded(self, observed: Observed, work: Awaitable[Result | None]) -> Result | None:
        """Do it; what a driver or check raises becomes a status and a later attempt."""
        try:
            return await work
        except EnrolmentError as error:
            return await self._failing.report(observed, error)


def until(when: datetime | None, clock: Clock) -> timedelta | None:
    """How long it is until then; nothing where it is past."""
    return max(when - clock.now(), timedelta(0)) if when is not None else None
