"""Lag is seen, and only lasting lag is a finding."""

import asyncio
from datetime import timedelta

import pytest

from certwright.runtime.loop_lag import LoopLag
from tests.fakes.clock import FakeClock


async def late_by(clock: FakeClock, seconds: float) -> None:
    """Let one interval pass, with the loop blocked for so long after its end."""
    clock.jump(0.1 + seconds)
    await clock.advance(0)


async def test_a_loop_in_time_has_no_lag() -> None:
    clock = FakeClock()
    lag = LoopLag(clock)
    task = asyncio.create_task(lag.run())
    await clock.advance(30)
    assert lag.worst < timedelta(milliseconds=1)
    assert lag.check() is None
    task.cancel()


async def test_one_long_block_is_measured_and_forgiven_and_many_are_not() -> None:
    clock = FakeClock()
    told: list[float] = []
    lag = LoopLag(clock, limit=timedelta(seconds=2), observe=told.append)
    task = asyncio.create_task(lag.run())
    await clock.advance(0)
    await late_by(clock, 7)
    assert lag.worst.total_seconds() == pytest.approx(7)
    assert lag.check() is None
    for _ in range(9):
        await late_by(clock, 3)
    assert lag.check() == "the event loop is always late, at least by 3.0 s: something blocks it"
    assert told == pytest.approx([7, *[3] * 9])
    await clock.advance(1)
    assert lag.check() is None
    task.cancel()
