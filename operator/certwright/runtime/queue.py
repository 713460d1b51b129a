"""The work queue between intake and workers, with the semantics of client-go's workqueue on one event loop.

Intake adds keys (``handlers``), workers take them (``workers.run_workers``). Each key stands in the queue once, however
often it is added, and never two workers have the same key: what is added while it is being worked on comes again when
the worker is done. So one look at the newest state serves any number of changes, and none is lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from datetime import timedelta
from math import inf
from typing import Generic, TypeVar

from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock
from certwright.runtime.keyed_heap import KeyedHeap
from certwright.runtime.schedule import Schedule

K = TypeVar("K", bound=Hashable)


class QueueClosed(Exception):
    """The queue was shut down: a worker that asks for a key ends."""


def _no_urgency(_key: Hashable) -> float:
    return inf


class WorkQueue(Generic[K]):
    """Keys to be worked on, the most urgent first and equals in the order of their arrival.

    Urgency is any number that is lower for what must go first, for instance the time of expiry; ``inf`` can wait.
    ``urgency`` gives the one of a key that is added without, when its due time comes included. A queue made with
    ``opened=False`` collects keys but hands none out before ``open()``: a standby, or one whose caches are not synced.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        backoff: Backoff | None = None,
        urgency: Callable[[K], float] = _no_urgency,
        opened: bool = True,
    ) -> None:
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._urgency = urgency
        self._opened = opened
        self._closed = False
        self._ready: KeyedHeap[K] = KeyedHeap()
        self._since: dict[K, float] = {}
        self._processing: set[K] = set()
        self._dirty: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._schedule: Schedule[K] = Schedule(clock, self.add)
        self._getters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """Keys that could be taken now."""
        return len(self._ready)

    @property
    def processing(self) -> int:
        """Keys that workers have taken and not given back."""
        return len(self._processing)

    @property
    def delayed(self) -> int:
        """Keys that wait for their due time."""
        return len(self._schedule)

    @property
    def oldest_age(self) -> timedelta:
        """How long the key that was added first has been waiting to be taken."""
        # Keys keep the place in this table at which they first arrived, so the first one is the oldest.
        for since in self._since.values():
            return timedelta(seconds=self._clock.monotonic() - since)
        return timedelta()

    def failures(self, key: K) -> int:
        """How often the key was retried since it was last forgotten."""
        return self._failures.get(key, 0)

    def add(self, key: K, *, urgency: float | None = None) -> None:
        """Have the key worked on as soon as a worker is free; ignored after shut-down."""
        if self._closed:
            return
        rank = self._urgency(key) if urgency is None else urgency
        if key in self._processing:
            self._dirty[key] = min(rank, self._dirty.get(key, inf))
        else:
            self._enqueue(key, rank)

    def add_after(self, key: K, delay: timedelta, *, replace: bool = False) -> None:
        """Add the key once ``delay`` has passed.

        A key has one due time: the earliest of those given, unless ``replace`` says that the new one is the truth.
        It goes when the key is taken, whatever the cause, because whoever looks at the key says anew when it is due.
        """
        if self._closed:
            return
        when = self._clock.monotonic() + delay.total_seconds()
        known = self._schedule.due(key)
        if replace or known is None or when < known:
            self._schedule.set(key, when)

    def retry(self, key: K) -> timedelta:
        """Add the key after its backoff, which doubles each time until ``forget``; returns the delay."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = self._backoff.delay(failures)
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """Start the backoff of a key afresh: it succeeded."""
        self._failures.pop(key, None)

    def discard(self, key: K) -> None:
        """Drop due time and backoff of a key whose object is gone; if it waits or is worked on, that goes on."""
        self._schedule.cancel(key)
        self.forget(key)

    async def get(self) -> K:
        """Take the most urgent key, waiting for one; each is owed a ``done``. Raises ``QueueClosed``."""
        while not self._closed:
            if self._opened and self._ready:
                return self._take()
            await self._turn()
        raise QueueClosed

    def done(self, key: K) -> None:
        """Give a key back; it comes again if it was added in between."""
        self._processing.remove(key)
        rank = self._dirty.pop(key, None)
        if rank is not None and not self._closed:
            self._enqueue(key, rank)

    def open(self) -> None:
        """Begin to hand out keys."""
        self._opened = True
        self._wake(len(self._getters))

    def shut_down(self) -> None:
        """Hand out nothing any more and take nothing in; who waits in ``get`` is told by ``QueueClosed``."""
        self._closed = True
        self._wake(len(self._getters))

    async def run(self) -> None:
        """Serve the due times until cancelled; without this running, delayed keys stay where they are."""
        await self._schedule.run()

    def _take(self) -> K:
        key = self._ready.pop()
        del self._since[key]
        self._schedule.cancel(key)
        self._processing.add(key)
        return key

    def _enqueue(self, key: K, rank: float) -> None:
        known = self._ready.rank(key)
        if known is None:
            self._since[key] = self._clock.monotonic()
            self._ready.set(key, rank)
            self._wake(1)
        elif rank < known:
            self._ready.set(key, rank)

    async def _turn(self) -> None:
        """Wait until something may have changed for one who gets."""
        turn = asyncio.get_running_loop().create_future()
        self._getters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # Whoever is cancelled after having been woken must pass it on, or a key waits beside an idle worker.
            if turn.done() and not turn.cancelled():
                self._wake(1)
            raise

    def _wake(self, count: int) -> None:
        while count and self._getters:
            turn = self._getters.popleft()
            if not turn.done():
                turn.set_result(None)
                count -= 1
