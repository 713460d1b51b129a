"""A wall clock that is set is noticed within seconds, whichever way it goes, and one that only runs is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from certwright.runtime.clock_steps import ClockSteps
from tests.fakes.clock import FakeClock

DAY = timedelta(days=1)


@asynccontextmanager
async def watched(clock: FakeClock) -> AsyncIterator[list[str]]:
    noticed: list[str] = []
    task = asyncio.create_task(ClockSteps(clock, on_step=lambda: noticed.append("step")).run())
    await clock.advance(0)
    yield noticed
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("step", [DAY, -DAY, timedelta(seconds=3)], ids=["forwards", "backwards", "a little"])
async def test_a_step_is_noticed_once(step: timedelta) -> None:
    clock = FakeClock()
    async with watched(clock) as noticed:
        await clock.advance(DAY / 100)
        assert noticed == []
        clock.skew = step
        await clock.advance(10)
        assert noticed == ["step"]
        await clock.advance(DAY / 100)
        assert noticed == ["step"]
        clock.skew = timedelta()
        await clock.advance(10)
        assert noticed == ["step", "step"]


async def test_a_slow_drift_adds_up() -> None:
    clock = FakeClock()
    async with watched(clock) as noticed:
        for _ in range(10):
            clock.skew += timedelta(seconds=0.5)
            await clock.advance(10)
        assert len(noticed) == 2


async def test_a_frozen_process_is_no_step() -> None:
    clock = FakeClock()
    async with watched(clock) as noticed:
        clock.jump(3600)
        await clock.advance(20)
        assert noticed == []
