"""Many callers, few flushes, and each caller gets its own outcome."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from certwright.runtime.batching import Batcher, BatcherClosed
from tests.fakes.clock import FakeClock, settle


class Desk:
    """A batcher whose flush doubles numbers, refuses when told to, and waits while its gate is closed."""

    def __init__(self, *, largest: int = 500) -> None:
        self.clock = FakeClock()
        self.flushed: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.batcher: Batcher[int, int] = Batcher(self.clock, self._flush, largest=largest)
        self.task = asyncio.create_task(self.batcher.run())

    async def _flush(self, items: Sequence[int]) -> Sequence[int]:
        self.flushed.append(list(items))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [2 * item for item in items]

    def submit(self, *items: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.batcher.submit(item)) for item in items]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    desk.task.cancel()
    with suppress(asyncio.CancelledError):
        await desk.task


async def test_what_comes_within_the_window_is_flushed_together(desk: Desk) -> None:
    callers = desk.submit(1, 2)
    await desk.clock.advance(0.02)
    callers += desk.submit(3)
    await desk.clock.advance(0.02)
    assert [await caller for caller in callers] == [2, 4, 6]
    assert desk.flushed == [[1, 2, 3]]


async def test_what_comes_during_a_flush_makes_the_next_one(desk: Desk) -> None:
    desk.gate.clear()
    first = desk.submit(1)
    await desk.clock.advance(0.1)
    later = desk.submit(2, 3)
    await desk.clock.advance(0.1)
    assert desk.flushed == [[1]]
    desk.gate.set()
    await desk.clock.advance(0.1)
    assert desk.flushed == [[1], [2, 3]]
    assert [await caller for caller in first + later] == [2, 4, 6]


async def test_a_failed_flush_fails_its_callers_and_not_the_next(desk: Desk) -> None:
    desk.error = ConnectionResetError("reset")
    callers = desk.submit(1, 2)
    await desk.clock.advance(0.1)
    for caller in callers:
        with pytest.raises(ConnectionResetError):
            await caller
    desk.error = None
    (caller,) = desk.submit(3)
    await desk.clock.advance(0.1)
    assert await caller == 6


async def test_an_item_whose_caller_gave_up_is_left_out(desk: Desk) -> None:
    first, second = desk.submit(1, 2)
    await settle()
    first.cancel()
    await desk.clock.advance(0.1)
    assert desk.flushed == [[2]]
    assert await second == 4


async def test_a_batch_of_nobody_is_not_flushed(desk: Desk) -> None:
    (caller,) = desk.submit(1)
    await settle()
    caller.cancel()
    await desk.clock.advance(0.1)
    assert desk.flushed == []


async def test_a_flush_that_answers_too_little_fails_its_callers() -> None:
    clock = FakeClock()

    async def flush(_items: Sequence[int]) -> Sequence[int]:
        return []

    batcher = Batcher(clock, flush)
    running = asyncio.create_task(batcher.run())
    caller = asyncio.create_task(batcher.submit(1))
    await clock.advance(1)
    with pytest.raises(ValueError, match="zip"):
        await caller
    assert not running.done()


async def test_batches_are_bounded() -> None:
    desk = Desk(largest=2)
    callers = desk.submit(1, 2, 3, 4, 5)
    await desk.clock.advance(1)
    assert desk.flushed == [[1, 2], [3, 4], [5]]
    assert all(caller.done() for caller in callers)


async def test_stopping_tells_those_who_wait_and_those_who_come(desk: Desk) -> None:
    desk.gate.clear()
    flushing = desk.submit(1)
    await desk.clock.advance(0.1)
    waiting = desk.submit(2)
    await settle()
    desk.task.cancel()
    for caller in flushing + waiting + desk.submit(3):
        with pytest.raises(BatcherClosed):
            await caller
