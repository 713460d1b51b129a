"""Waits and timeouts follow the injected clock, and cancellation from outside stays what it is."""

import asyncio
from datetime import UTC, timedelta

import pytest

from certwright.runtime.clock import SystemClock, sleep, timeout, wait
from tests.fakes.clock import FakeClock, settle


async def test_sleep_ends_when_its_time_has_passed() -> None:
    clock = FakeClock()
    sleeper = asyncio.create_task(sleep(clock, timedelta(seconds=10)))
    await clock.advance(9.9)
    assert not sleeper.done()
    await clock.advance(0.1)
    assert sleeper.done()


async def test_wait_tells_whether_the_event_came_in_time() -> None:
    clock, event = FakeClock(), asyncio.Event()
    waiter = asyncio.create_task(wait(clock, event, limit=timedelta(seconds=5)))
    await clock.advance(4)
    event.set()
    assert await waiter
    late = asyncio.create_task(wait(clock, asyncio.Event(), limit=timedelta(seconds=5)))
    await clock.advance(5)
    assert not await late


async def test_timeout_strikes_only_inside_its_block() -> None:
    clock = FakeClock()
    async with timeout(clock, timedelta(seconds=1)):
        pass
    await clock.advance(2)


async def test_cancellation_is_not_taken_for_a_timeout() -> None:
    async def work() -> None:
        async with timeout(FakeClock(), timedelta(seconds=1)):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_system_clock_fires_and_is_in_utc() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await sleep(clock, timedelta(milliseconds=1))
    assert clock.monotonic() > before
    assert clock.now().tzinfo is UTC
