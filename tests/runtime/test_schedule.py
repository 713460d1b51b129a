"""Due times fire once, in order, and the latest word counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from certwright.runtime.schedule import Schedule
from tests.fakes.clock import FakeClock


@asynccontextmanager
async def running(clock: FakeClock, fired: list[str]) -> AsyncIterator[Schedule[str]]:
    schedule: Schedule[str] = Schedule(clock, fired.append)
    task = asyncio.create_task(schedule.run())
    await clock.advance(0)
    yield schedule
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_fires_each_key_once_at_its_time() -> None:
    clock, fired = FakeClock(), list[str]()
    async with running(clock, fired) as schedule:
        schedule.set("late", clock.monotonic() + 20)
        schedule.set("early", clock.monotonic() + 10)
        await clock.advance(9.9)
        assert fired == []
        await clock.advance(0.1)
        assert fired == ["early"]
        await clock.advance(100)
        assert fired == ["early", "late"]


async def test_a_key_that_is_moved_or_cancelled_does_not_fire_at_its_old_time() -> None:
    clock, fired = FakeClock(), list[str]()
    async with running(clock, fired) as schedule:
        schedule.set("moved", clock.monotonic() + 10)
        schedule.set("cancelled", clock.monotonic() + 10)
        schedule.set("moved", clock.monotonic() + 30)
        schedule.cancel("cancelled")
        await clock.advance(29)
        assert fired == []
        await clock.advance(1)
        assert fired == ["moved"]
        assert len(schedule) == 0


async def test_months_ahead_are_slept_through() -> None:
    clock, fired = FakeClock(), list[str]()
    async with running(clock, fired) as schedule:
        schedule.set("renewal", clock.monotonic() + 60 * 86400)
        await clock.advance(60 * 86400 - 1)
        assert fired == []
        await clock.advance(1)
        assert fired == ["renewal"]


async def test_thousands_due_at_once_all_fire() -> None:
    clock, fired = FakeClock(), list[str]()
    async with running(clock, fired) as schedule:
        for number in range(2345):
            schedule.set(str(number), clock.monotonic() + 1)
        await clock.advance(1)
        assert fired == [str(number) for number in range(2345)]
