"""All due times in one heap, served by one task, however many keys there are.

``WorkQueue`` keeps its delayed keys in it. A timer of the event loop for each key would cost ten times the memory, and
a task for each key a hundred times.
"""

import asyncio
from collections.abc import Callable, Hashable
from datetime import timedelta
from math import ceil
from typing import Generic, TypeVar

from certwright.runtime.clock import Clock, wait
from certwright.runtime.keyed_heap import KeyedHeap

K = TypeVar("K", bound=Hashable)

# So many keys may fall due at once (a mass renewal) before the loop gets a turn: about a millisecond of work.
_SLICE = 500
# A timer is never set further ahead: selectors refuse very long waits, and waking once a day is free.
_LONGEST_SLEEP = timedelta(days=1)


class Schedule(Generic[K]):
    """Calls ``on_due(key)`` once for each key at its due time, which is given on the monotonic clock."""

    def __init__(self, clock: Clock, on_due: Callable[[K], None]) -> None:
        self._clock = clock
        self._on_due = on_due
        self._due: KeyedHeap[K] = KeyedHeap()
        self._wake = asyncio.Event()
        self._asleep_until = float("inf")

    def __len__(self) -> int:
        return len(self._due)

    def due(self, key: K) -> float | None:
        """When the key falls due, or None."""
        return self._due.rank(key)

    def set(self, key: K, when: float) -> None:
        """Let the key fall due at ``when``, whatever was set before."""
        self._due.set(key, when)
        if when < self._asleep_until:
            self._wake.set()

    def cancel(self, key: K) -> None:
        """Drop the due time of a key, if it has one."""
        self._due.discard(key)

    async def run(self) -> None:
        """Serve the due times until cancelled."""
        while True:
            self._wake.clear()
            if self._fire():
                await asyncio.sleep(0)
            else:
                await self._sleep()

    def _fire(self) -> bool:
        """Fire what is due, up to a slice; tells whether more may be due."""
        now = self._clock.monotonic()
        for _ in range(_SLICE):
            first = self._due.first()
            if first is None or first[0] > now:
                return False
            self._on_due(self._due.pop())
        return True

    async def _sleep(self) -> None:
        first = self._due.first()
        self._asleep_until = float("inf") if first is None else first[0]
        seconds = min(self._asleep_until - self._clock.monotonic(), _LONGEST_SLEEP.total_seconds())
        # Rounded up: a sleep that ends before the due time, by less than a clock can tell, would begin anew for ever.
        await wait(self._clock, self._wake, limit=timedelta(microseconds=ceil(seconds * 1e6)))
