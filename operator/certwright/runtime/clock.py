"""Time as a thing that is handed in, so that every wait and every deadline of the runtime can be tested at once.

Whoever needs the time takes a ``Clock``. Its three methods are all that a test has to fake: sleeping, waiting and
timeouts are functions over ``call_later`` and hence follow the same clock as the decisions beside them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timer(Protocol):
    """A callback that has not happened yet."""

    def cancel(self) -> None:
        """Forget the callback; without effect once it has run."""


class Clock(Protocol):
    """Two ways to tell the time and one to wait for it."""

    def now(self) -> datetime:
        """The instant in UTC: for what is shown or stored, never for measuring."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, never stepping back: for delays and deadlines."""

    def call_later(self, delay: timedelta, callback: Callable[[], object]) -> Timer:
        """Call back on the running loop once ``delay`` of monotonic time has passed."""


class SystemClock:
    """The clock of the machine and the timers of the running loop."""

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """The clock that the event loop uses as well."""
        return time.monotonic()

    def call_later(self, delay: timedelta, callback: Callable[[], object]) -> Timer:
        """A timer of the running loop."""
        return asyncio.get_running_loop().call_later(delay.total_seconds(), callback)


@asynccontextmanager
async def timeout(clock: Clock, limit: timedelta) -> AsyncIterator[None]:
    """Raise ``TimeoutError`` out of the block once ``limit`` has passed on ``clock``.

    The cancellation is asyncio's own, which tells a timeout from a cancellation that came from outside; only the
    moment at which it strikes comes from our clock.
    """
    async with asyncio.timeout(None) as scope:
        timer = clock.call_later(limit, lambda: scope.reschedule(0))
        try:
            yield
        finally:
            timer.cancel()


async def wait(clock: Clock, event: asyncio.Event, *, limit: timedelta) -> bool:
    """Wait for ``event``, at most for ``limit``; tells whether it is set."""
    with suppress(TimeoutError):
        async with timeout(clock, limit):
            await event.wait()
    return event.is_set()


async def sleep(clock: Clock, delay: timedelta) -> None:
    """Let ``delay`` pass."""
    await wait(clock, asyncio.Event(), limit=delay)
