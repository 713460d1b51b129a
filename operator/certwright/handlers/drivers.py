"""The drivers in use: one per issuer and generation, made with resolved credentials, kept as long as both hold.

Keeping one keeps its connections, nonces and account; making one anew costs a few reads of Secrets.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from certwright.kube.references import MissingReference
from certwright.model.enrolment import Abandoner, EnrolmentRequest, Issuer, ResumeData
from certwright.model.errors import IssuerError, TransientError
from certwright.model.metadata import Key
from certwright.model.observed import KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.resources import CredentialSeen
from certwright.runtime.clock import Clock
from certwright.runtime.limits import Limiter, Limiters, Permit
from certwright.runtime.queue import WorkQueue

KEPT = timedelta(minutes=10)
"""After this the credentials are read again: they may have been rotated."""

NEVER = datetime.min.replace(tzinfo=UTC)
CLOSED_AFTER = timedelta(minutes=2)

DEFAULT_CONCURRENCY = 20
"""Enrolments at one issuer at the same time where the Issuer sets no limits."""


class Recipe(Protocol):
    """An issuer with everything that it refers to resolved; equal digests make equal drivers."""

    @property
    def digest(self) -> str:
        """Over everything that the driver is made from."""
        ...

    @property
    def expiring(self) -> tuple[CredentialSeen, ...]:
        """What the issuer authenticates with and will expire."""
        ...

    def make(self) -> tuple[Issuer, Callable[[], Awaitable[None]]]:
        """The driver, and what closes its connections."""
        ...


Resolve: TypeAlias = Callable[[KnownIssuer], Awaitable[Recipe]]
"""Reads what an issuer refers to. Raises `MissingReference`, `EnrolmentError`."""


@dataclass(slots=True)
class Kept:
    """A driver, and what it was made from."""

    driver: Issuer
    digest: str
    generation: int
    resolved_at: datetime
    expiring: tuple[CredentialSeen, ...]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What those wait for who got no slot. ``is_chosen``: somebody has set this limit; ``is_timed``: time ends it."""

    message: str
    is_chosen: bool
    is_timed: bool


class HoldsPermit(Protocol):
    """An enrolment session."""

    permit: Permit | None


class Drivers:
    """Makes, keeps and drops drivers; hands out the slots of their issuers."""

    def __init__(self, *, resolve: Resolve, queue: WorkQueue[Key], clock: Clock) -> None:
        self._resolve = resolve
        self._queue = queue
        self._clock = clock
        self._kept: dict[Key, Kept] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._distrusted: set[Key] = set()
        self._limiters: Limiters[Key] = Limiters(clock, wake=queue.add)

    async def get(self, issuer: KnownIssuer) -> Issuer:
        """The driver for an issuer that is ready. Raises `EnrolmentError`."""
        kept = self._kept.get(issuer.key)
        if kept is not None and kept.generation == issuer.metadata.generation and self._is_fresh(kept):
            return kept.driver
        try:
            return await self.build(issuer)
        except MissingReference as error:
            self.distrust(issuer)
            raise IssuerError(f"{issuer.key}: {error.message}", reason=Reason.MISSING_REFERENCE) from error

    async def build(self, issuer: KnownIssuer) -> Issuer:
        """The driver for the credentials as they are now. Raises `MissingReference`, `EnrolmentError`."""
        recipe = await self._resolve(issuer)
        kept = self._kept.get(issuer.key)
        if kept is not None and kept.digest == recipe.digest:
            kept.resolved_at, kept.generation = self._clock.now(), issuer.metadata.generation
            return kept.driver
        driver, close = recipe.make()
        self.discard(issuer.key)
        self._kept[issuer.key] = Kept(
            driver, recipe.digest, issuer.metadata.generation, self._clock.now(), recipe.expiring, close
        )
        return driver

    def _is_fresh(self, kept: Kept) -> bool:
        return self._clock.now() - kept.resolved_at < KEPT

    def expiring_credentials(self, issuer: KnownIssuer) -> tuple[CredentialSeen, ...]:
        """What the issuer's driver authenticates with and will expire."""
        kept = self._kept.get(issuer.key)
        return kept.expiring if kept is not None else ()

    def permit(self, issuer: KnownIssuer, key: Key, session: HoldsPermit) -> Permit | timedelta:
        """The slot of an enrolment at its issuer, or how long to wait for one."""
        if session.permit is not None:
            return session.permit
        permit = self._limiter(issuer).try_acquire(key)
        if isinstance(permit, Permit):
            session.permit = permit
        return permit

    def line(self, issuer: KnownIssuer) -> Line:
        """Why there was no slot just now."""
        limits, place = issuer.spec.limits, f"waits for a slot at {issuer.key}"
        if limits is not None and limits.per_minute is not None and self._limiter(issuer).is_paced:
            text = f"{place}, whose limits.perMinute is {limits.per_minute}"
            return Line(message=text, is_chosen=True, is_timed=True)
        if limits is not None and limits.concurrency is not None:
            text = f"{place}, whose limits.concurrency is {limits.concurrency}"
            return Line(message=text, is_chosen=True, is_timed=False)
        text = (
            f"{place}, where {DEFAULT_CONCURRENCY} enrolments are under way (limits.concurrency sets how many may be)"
        )
        return Line(message=text, is_chosen=False, is_timed=False)

    def _limiter(self, issuer: KnownIssuer) -> Limiter[Key]:
        limits = issuer.spec.limits
        concurrency = (limits.concurrency if limits else None) or DEFAULT_CONCURRENCY
        per_minute = limits.per_minute if limits else None
        return self._limiters.of(issuer.key, concurrency=concurrency, per_minute=per_minute)

    async def abandon(self, issuer: KnownIssuer, request: EnrolmentRequest, resume: ResumeData) -> None:
        """Have the driver take back what it presented, where it can."""
        try:
            driver = await self.get(issuer)
        except IssuerError as error:
            raise TransientError(error.message) from error
        if isinstance(driver, Abandoner):
            await driver.abandon(request, resume=resume)

    def distrust(self, issuer: KnownIssuer | None) -> None:
        """An attempt failed because of the issuer: it is probed again, and the next attempt reads credentials anew."""
        if issuer is None:
            return
        self.probe_again(issuer.key)
        kept = self._kept.get(issuer.key)
        if kept is not None:
            kept.resolved_at = NEVER

    def probe_again(self, key: Key) -> None:
        """Something that an issuer rests on was changed."""
        if key not in self._distrusted:
            self._distrusted.add(key)
            self._queue.add(key)

    def is_distrusted(self, key: Key) -> bool:
        """Whether a probe was asked for."""
        return key in self._distrusted

    def trust(self, key: Key) -> None:
        """The probe is made: whoever fails from now on asks for another."""
        self._distrusted.discard(key)

    def discard(self, key: Key) -> None:
        """Drop a driver; its connections are closed a little later, when the requests under way have ended."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._clock.call_later(CLOSED_AFTER, lambda: self._begin_closing(kept))

    def forget(self, key: Key) -> None:
        """The issuer is gone, and its budget with it."""
        self.discard(key)
        self._limiters.discard(key)

    def _begin_closing(self, kept: Kept) -> None:
        closing = asyncio.ensure_future(kept.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close the connections of all drivers in use."""
        for kept in self._kept.values():
            await kept.close()
        self._kept.clear()
