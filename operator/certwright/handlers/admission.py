"""Lets enrolments through to their issuer as its ``limits`` allow, and tells those who have to wait for long.

``certificates`` asks here before each attempt. Waiting is never a worker's: whoever is not let through comes back
through the queue.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from certwright.handlers.budgets import Budgets
from certwright.handlers.drivers import Drivers
from certwright.handlers.reporting import Reporter
from certwright.handlers.sessions import Session, Sessions
from certwright.model import policy
from certwright.model.due import not_after
from certwright.model.observed import KnownIssuer, Observed
from certwright.reconcile.held_up import in_line, over_budget
from certwright.runtime.clock import Clock
from certwright.runtime.workers import Done

PATIENCE = timedelta(seconds=2)
"""Whoever has to wait longer for a limit that somebody has set is told so."""

PATIENCE_BY_DEFAULT = timedelta(seconds=30)
"""As `PATIENCE`, where nobody has set a limit: a rush of new Certificates shall not be slowed down by telling of it."""


class Admission:
    """The way to the CAs."""

    def __init__(
        self, *, drivers: Drivers, budgets: Budgets, sessions: Sessions, reporter: Reporter, clock: Clock
    ) -> None:
        self._drivers = drivers
        self._budgets = budgets
        self._sessions = sessions
        self._reporter = reporter
        self._clock = clock

    async def wait_for_tomorrow(self, observed: Observed) -> Done | None:
        """Come again when the issuer's next day begins; None: it is not used up, or this enrolment is let in already.

        Asked before anything is staged: a thousand Certificates of a small budget are told once each, and no more.
        """
        if observed.issuer is None or self._sessions.has_slot(observed.key):
            return None
        until = self._budgets.used_up_until(observed.issuer)
        return await self._tell_used_up(observed, observed.issuer, until) if until is not None else None

    async def admit(self, observed: Observed, session: Session) -> Done | None:
        """Give the session its slot (None), or say when to ask again."""
        until = self._budgets.used_up_until(session.issuer)
        if until is not None:
            return await self._tell_used_up(observed, session.issuer, until)
        slot = self._drivers.permit(session.issuer, observed.key, session)
        if isinstance(slot, timedelta):
            await self._tell_in_line(observed, session, slot)
            return Done(after=slot)
        until = await self._budgets.take(session.issuer)
        return await self._tell_used_up(observed, session.issuer, until) if until is not None else None

    async def _tell_used_up(self, observed: Observed, issuer: KnownIssuer, until: datetime) -> Done:
        self._sessions.suspend(observed.key)
        now = self._clock.now()
        status = over_budget(replace(observed, now=now), issuer, until)
        await self._reporter.certificate(observed.certificate, status)
        end = not_after(observed)
        return Done(after=(min(until, end) if end is not None and end > now else until) - now)

    async def _tell_in_line(self, observed: Observed, session: Session, delay: timedelta) -> None:
        """One write for a long wait, another only if the certificate that is there expires meanwhile."""
        now, line = self._clock.now(), self._drivers.line(session.issuer)
        foreseen = now - session.going_since + (delay if line.is_timed else timedelta(0))
        if foreseen <= (PATIENCE if line.is_chosen else PATIENCE_BY_DEFAULT):
            return
        current = replace(observed, now=now)
        has_expired = policy.certificate_has_expired(current) is not None
        if session.shown is not None and session.shown[1] == has_expired:
            return
        status = in_line(current, session.staged, line.message)
        certificate = await self._reporter.certificate(observed.certificate, status, is_announced=False)
        session.shown = (line.message, has_expired)
        session.observed = replace(session.observed, certificate=certificate)
