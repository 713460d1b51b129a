"""Many small writes to one object as few large ones.

The HTTP-01 solver of ``handlers`` puts the tokens of all pending authorizations into one ConfigMap through it: one
PATCH for what came within a few milliseconds, instead of one for each name. Each caller still learns its own outcome.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from certwright.runtime.clock import Clock, sleep

T = TypeVar("T")
R = TypeVar("R")


class BatcherClosed(Exception):
    """The batcher was stopped before, or while, the item was flushed: its outcome is unknown."""


class Batcher(Generic[T, R]):
    """Collects items for a moment and hands them to one ``flush``, one flush at a time and in the order of arrival.

    ``flush`` returns one outcome for each item, in their order; what it raises, all callers of the batch get. What
    arrives during a flush makes the next batch, so a slow server makes batches larger rather than more.
    """

    def __init__(
        self,
        clock: Clock,
        flush: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        window: timedelta = timedelta(milliseconds=30),
        largest: int = 500,
    ) -> None:
        self._clock = clock
        self._flush = flush
        self._window = window
        self._largest = largest
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._arrived = asyncio.Event()
        self._closed = False

    async def submit(self, item: T) -> R:
        """Have the item flushed; returns its outcome. An item whose caller gave up before the flush is left out."""
        if self._closed:
            raise BatcherClosed
        outcome: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, outcome))
        self._arrived.set()
        return await outcome

    async def run(self) -> None:
        """Flush until cancelled."""
        try:
            while True:
                await self._arrived.wait()
                await sleep(self._clock, self._window)
                await self._flush_batch(self._take_batch())
        finally:
            self._closed = True
            _fail(self._take_all(), BatcherClosed())

    async def _flush_batch(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        if not batch:
            return
        try:
            outcomes = await self._flush([item for item, _ in batch])
            pairs = list(zip(batch, outcomes, strict=True))
        except asyncio.CancelledError:
            _fail(batch, BatcherClosed())
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, and must not end the batcher
            _fail(batch, error)
            return
        for (_, future), outcome in pairs:
            if not future.done():
                future.set_result(outcome)

    def _take_batch(self) -> Sequence[tuple[T, asyncio.Future[R]]]:
        wanted = [entry for entry in self._waiting if not entry[1].done()]
        batch, self._waiting = wanted[: self._largest], wanted[self._largest :]
        if not self._waiting:
            self._arrived.clear()
        return batch

    def _take_all(self) -> Sequence[tuple[T, asyncio.Future[R]]]:
        entries, self._waiting = self._waiting, []
        return entries


def _fail(batch: Sequence[tuple[T, asyncio.Future[R]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
