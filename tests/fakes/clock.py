"""A clock that stands still until a test moves it, and fires on the way what falls due, in order.

Tests hand it to whatever takes a ``Clock``; no test sleeps. ``advance`` lets the loop come to rest before and after
each timer, so that the outcome does not depend on how many turns a task needs.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

_MOST_TURNS = 100_000


class FakeTimer:
    """A callback with its time; cancelled by taking the callback away."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Both clocks move together, except for ``skew``, which moves the wall clock alone."""

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 0.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._tickets = 0
        self.skew = timedelta()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed) + self.skew

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    def call_later(self, delay: timedelta, callback: Callable[[], object]) -> FakeTimer:
        timer = FakeTimer(callback)
        self._tickets += 1
        heappush(self._timers, (self._passed + max(0.0, delay.total_seconds()), self._tickets, timer))
        return timer

    async def advance(self, delay: timedelta | float) -> None:
        """Let time (a number is seconds) pass."""
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
        until = self._passed + seconds
        await settle()
        while (timer := self._pop_due(until)) is not None:
            if timer.callback is not None:
                timer.callback()
            await settle()
        self._passed = until
        await settle()

    def jump(self, seconds: float) -> None:
        """Let time pass while the process is frozen: nothing runs and no timer fires until the next ``advance``."""
        self._passed += seconds

    def _pop_due(self, until: float) -> FakeTimer | None:
        # Half a microsecond is lost where a delay became a timedelta.
        if not self._timers or self._timers[0][0] > until + 1e-6:
            return None
        when, _, timer = heappop(self._timers)
        self._passed = max(self._passed, when)
        return timer


async def settle() -> None:
    """Run the loop until no task can go on without time passing."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    for _ in range(_MOST_TURNS):
        await asyncio.sleep(0)
        if not ready:
            return
    raise AssertionError("The loop does not come to rest: some task runs round and round.")
