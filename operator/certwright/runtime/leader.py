"""One active process among several: an elector over a Lease, as client-go's, on the monotonic clock.

``handlers`` runs it under supervision and lets effects happen only while ``Elector.is_leader``; ``kube`` implements
``LeaseStore``. A Lease is no fence: it makes double work rare, and the preconditions of each write make it harmless.

Why two never lead at once: a leader counts from *before* the request that renewed its Lease and gives up after
``renew_deadline``; a candidate counts from *after* it saw the record change and waits for the longer ``duration``.
Each uses its own monotonic clock only, so that clocks which differ, or jump, do no harm.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from certwright.runtime.clock import Clock, timeout, wait

logger = logging.getLogger(__name__)

_RELEASED_FOR = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """What stands in the Lease. ``version`` is the store's, for optimistic locking; no holder means released."""

    holder: str
    duration: timedelta
    acquired_at: datetime | None
    renewed_at: datetime | None
    transitions: int
    version: str = ""


class LeaseConflict(Exception):
    """The record changed, came to be or went since it was read."""


class LeadershipLost(Exception):
    """This process led and no longer does: nothing it does now is safe, so it exits."""


class LeaseStore(Protocol):
    """Where the record stands. Any exception but ``LeaseConflict`` means that the store could not be asked."""

    async def get(self) -> LeaseRecord | None:
        """The record as it stands, None if there is none."""

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        """Make it; raises ``LeaseConflict`` if it exists."""

    async def update(self, record: LeaseRecord) -> LeaseRecord:
        """Replace the version that the record carries; raises ``LeaseConflict`` if another, or none, stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of an election; they must be ordered as they are here."""

    duration: timedelta = timedelta(seconds=15)
    renew_deadline: timedelta = timedelta(seconds=10)
    retry_period: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry_period > timedelta():
            raise ValueError("The lease duration must exceed the renew deadline, and that the retry period.")


def unique_identity(name: str) -> str:
    """An identity that no other process has, a restarted one included: it must not take itself for its predecessor."""
    return f"{name}_{uuid4()}"


class Elector:
    """A candidate, then perhaps the leader, never both again: who lost exits."""

    def __init__(
        self,
        store: LeaseStore,
        *,
        identity: str,
        clock: Clock,
        timing: Timing | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._identity = identity
        self._clock = clock
        self._timing = timing or Timing()
        self._random = random
        self._observed: LeaseRecord | None = None
        self._observed_at = 0.0
        self._leads_until = 0.0
        self._complaint = ""

    @property
    def is_leader(self) -> bool:
        """Whether effects are allowed at this moment.

        True only until the deadline, so that a process which was frozen knows it before its elector does.
        """
        return self._clock.monotonic() < self._leads_until

    @property
    def holder(self) -> str | None:
        """Who was last seen to lead."""
        return self._observed.holder or None if self._observed else None

    async def run(
        self, *, stop: asyncio.Event, on_started: Callable[[], object], on_lost: Callable[[], object]
    ) -> None:
        """Stand for election, lead, and release the Lease once ``stop`` is set.

        Set ``stop`` after the work has stopped: from then on another may lead. Raises ``LeadershipLost``. Whatever
        ends leading without a clean stop calls ``on_lost`` first, which stops all effects at once.
        """
        while not await self._attempt(self._timing.renew_deadline / 2):
            if await self._pause(self._timing.retry_period, stop):
                return
        logger.info("This process (%s) leads.", self._identity)
        on_started()
        try:
            await self._hold(stop)
        except BaseException:
            self._leads_until = 0.0
            on_lost()
            raise
        await self._release()

    async def _hold(self, stop: asyncio.Event) -> None:
        while not await self._pause(min(self._timing.retry_period, self._remaining()), stop):
            # Half the deadline for one request, so that a connection which hangs leaves time for a second one.
            limit = min(self._timing.renew_deadline / 2, self._remaining())
            renewed = limit > timedelta() and await self._attempt(limit)
            if not renewed and self._is_held_by_another():
                raise LeadershipLost(f"The Lease was taken by {self.holder!r}.")
            if not renewed and not self.is_leader:
                raise LeadershipLost(f"The Lease could not be renewed within {self._timing.renew_deadline}.")

    async def _attempt(self, limit: timedelta) -> bool:
        """Try once to get or renew the Lease; tells whether it is ours."""
        started = self._clock.monotonic()
        try:
            async with timeout(self._clock, limit):
                record = await self._get_or_renew()
        except LeaseConflict:
            self._reread()
            return False
        except Exception as error:  # noqa: BLE001 - whatever hinders a renewal, the deadline decides what follows
            self._complain(error)
            return False
        self._complaint = ""
        if record is None:
            return False
        self._observe(record)
        self._leads_until = started + self._timing.renew_deadline.total_seconds()
        return True

    async def _get_or_renew(self) -> LeaseRecord | None:
        if self._observed is None or self._observed.holder != self._identity:
            record = await self._store.get()
            if record is None and self._is_held_by_another() and not self._is_expired():
                # Somebody deleted the Lease. Its holder may not know yet and has the rest of its time.
                return None
            self._observe(record)
        if self._observed is None:
            return await self._store.create(self._claim(None))
        if self._is_held_by_another() and not self._is_expired():
            return None
        return await self._store.update(self._claim(self._observed))

    def _claim(self, before: LeaseRecord | None) -> LeaseRecord:
        now = self._clock.now()
        if before is not None and before.holder == self._identity:
            return replace(before, renewed_at=now, duration=self._timing.duration)
        return LeaseRecord(
            holder=self._identity,
            duration=self._timing.duration,
            acquired_at=now,
            renewed_at=now,
            transitions=0 if before is None else before.transitions + 1,
            version="" if before is None else before.version,
        )

    def _observe(self, record: LeaseRecord | None) -> None:
        """Keep the record, and the moment at which its content was first seen on our clock."""
        before = self._observed
        self._observed = record
        # The version also changes when somebody annotates the Lease, which is no sign of life of its holder.
        if before is None or record is None or replace(before, version="") != replace(record, version=""):
            self._observed_at = self._clock.monotonic()

    def _reread(self) -> None:
        """Ask the store again before the next write if what we hold as our own record is out of date."""
        # What is known of another holder stays: forgetting it would start, or skip, the wait for its end.
        if self._observed is not None and self._observed.holder == self._identity:
            self._observe(None)

    def _complain(self, error: Exception) -> None:
        """Log what hinders us, once as long as it stays the same: an outage means an attempt every two seconds."""
        text = f"{type(error).__qualname__}: {str(error) or 'no answer in time'}"[:1024]
        level = logging.DEBUG if text == self._complaint else logging.WARNING
        logger.log(level, "The Lease could not be read or written: %s", text)
        self._complaint = text

    def _is_held_by_another(self) -> bool:
        return self._observed is not None and self._observed.holder not in {"", self._identity}

    def _is_expired(self) -> bool:
        assert self._observed is not None  # noqa: S101 - for the type checker; the caller asked about a record
        return self._clock.monotonic() >= self._observed_at + self._observed.duration.total_seconds()

    def _remaining(self) -> timedelta:
        return timedelta(seconds=max(0.0, self._leads_until - self._clock.monotonic()))

    async def _pause(self, period: timedelta, stop: asyncio.Event) -> bool:
        """Wait for the next attempt, shortened at random so that candidates do not march in step."""
        return await wait(self._clock, stop, limit=period * (1 - 0.2 * self._random()))

    async def _release(self) -> None:
        self._leads_until = 0.0
        if self._observed is None:
            return
        released = replace(self._observed, holder="", duration=_RELEASED_FOR, renewed_at=self._clock.now())
        try:
            async with timeout(self._clock, self._timing.renew_deadline / 2):
                await self._store.update(released)
        except Exception as error:  # noqa: BLE001 - it expires by itself; failing to say so must not fail the exit
            logger.warning("The Lease was not released and expires by itself: %s: %.1024s", type(error).__name__, error)
