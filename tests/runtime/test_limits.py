"""Limits hold exactly, nobody waits longer than needed, and no crowd comes back for one place."""

import asyncio
from datetime import timedelta

import pytest

from certwright.runtime.limits import Limiter, Limiters, Permit, Slots, TokenBucket, Window
from tests.fakes.clock import FakeClock, settle

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def permit(answer: Permit | timedelta) -> Permit:
    assert isinstance(answer, Permit)
    return answer


def delay(answer: Permit | timedelta) -> timedelta:
    assert isinstance(answer, timedelta)
    return answer


async def test_bucket_gives_its_burst_and_then_its_rate(clock: FakeClock) -> None:
    bucket = TokenBucket(clock, rate=2, burst=3)
    assert [bucket.try_take() for _ in range(3)] == [None, None, None]
    hint = bucket.try_take()
    assert hint == SECOND / 2
    await clock.advance(hint)
    assert bucket.try_take() is None
    assert bucket.try_take() == SECOND / 2


async def test_bucket_lets_those_who_wait_through_in_order_at_its_rate(clock: FakeClock) -> None:
    bucket = TokenBucket(clock, rate=1, burst=1)
    order: list[int] = []

    async def work(number: int) -> None:
        await bucket.take()
        order.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(4)]
    await settle()
    assert order == [0]
    await clock.advance(2)
    assert order == [0, 1, 2]
    await clock.advance(1)
    assert all(task.done() for task in tasks)


async def test_bucket_takes_back_what_a_cancelled_waiter_had_reserved(clock: FakeClock) -> None:
    bucket = TokenBucket(clock, rate=1, burst=1)
    await bucket.take()
    waiter = asyncio.create_task(bucket.take())
    await settle()
    waiter.cancel()
    await settle()
    assert bucket.try_take() == SECOND


async def test_bucket_obeys_retry_after(clock: FakeClock) -> None:
    bucket = TokenBucket(clock, rate=10, burst=100)
    bucket.pause(5 * SECOND)
    assert bucket.try_take() == 5 * SECOND
    await clock.advance(5)
    assert bucket.try_take() is None
    assert bucket.try_take() is not None


def test_slots_are_as_many_as_they_say_and_come_back_once() -> None:
    slots = Slots(2)
    one, two = slots.try_acquire(), slots.try_acquire()
    assert one is not None
    assert two is not None
    assert slots.try_acquire() is None
    one.release()
    one.release()
    assert slots.free == 1
    with two:
        pass
    assert slots.free == 2


async def test_window_never_allows_more_in_any_minute(clock: FakeClock) -> None:
    window = Window(clock, 3)
    taken: list[float] = []
    for _ in range(400):
        if not window.next_free():
            window.take()
            taken.append(clock.monotonic())
        await clock.advance(0.7)
    assert len(taken) > 10
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(taken, taken[3:], strict=False))


async def test_window_tells_when_the_next_is_free_also_after_its_limit_was_lowered(clock: FakeClock) -> None:
    window = Window(clock, 3)
    for _ in range(3):
        window.take()
        await clock.advance(10)
    assert window.next_free() == 30 * SECOND
    window.limit = 1
    assert window.next_free() == 50 * SECOND


async def test_limiter_refuses_beyond_its_concurrency_and_wakes_the_first_in_line(clock: FakeClock) -> None:
    woken: list[str] = []
    limiter = Limiter[str](clock, wake=woken.append, concurrency=2, per_minute=None)
    first = permit(limiter.try_acquire("a"))
    second = permit(limiter.try_acquire("b"))
    assert delay(limiter.try_acquire("c")) > timedelta()
    assert delay(limiter.try_acquire("d")) > timedelta()
    first.release()
    first.release()
    assert woken == ["c"]
    with permit(limiter.try_acquire("c")):
        second.release()
        assert woken == ["c", "d"]
    assert woken == ["c", "d"]


async def test_limiter_per_minute_spreads_those_it_refuses(clock: FakeClock) -> None:
    limiter = Limiter[str](clock, wake=lambda _key: None, concurrency=None, per_minute=60)
    for number in range(60):
        permit(limiter.try_acquire(str(number)))
        await clock.advance(1)
        permit(limiter.try_acquire("again")) if number == 59 else None
    delays = [delay(limiter.try_acquire(key)).total_seconds() for key in "abc"]
    assert delays == pytest.approx([1, 2, 3])
    await clock.advance(1)
    permit(limiter.try_acquire("a"))


async def test_limiter_wakes_nobody_whom_the_rate_would_refuse(clock: FakeClock) -> None:
    woken: list[str] = []
    limiter = Limiter[str](clock, wake=woken.append, concurrency=1, per_minute=1)
    held = permit(limiter.try_acquire("a"))
    delay(limiter.try_acquire("b"))
    held.release()
    assert woken == []


async def test_those_who_never_come_back_delay_nobody(clock: FakeClock) -> None:
    limiter = Limiter[int](clock, wake=lambda _key: None, concurrency=1, per_minute=None)
    permit(limiter.try_acquire(-1))
    for key in range(1000):
        delay(limiter.try_acquire(key))
    await clock.advance(timedelta(minutes=5))
    assert delay(limiter.try_acquire(2000)) == 5 * SECOND


async def test_changed_limits_hold_at_once_and_keep_what_is_taken(clock: FakeClock) -> None:
    limiters = Limiters[str](clock, wake=lambda _key: None)
    issuer = ("ns", "ca")
    permit(limiters.of(issuer, concurrency=1, per_minute=None).try_acquire("a"))
    delay(limiters.of(issuer, concurrency=1, per_minute=None).try_acquire("b"))
    permit(limiters.of(issuer, concurrency=2, per_minute=None).try_acquire("b"))
    delay(limiters.of(issuer, concurrency=1, per_minute=None).try_acquire("c"))
    permit(limiters.of(("ns", "other"), concurrency=1, per_minute=None).try_acquire("c"))
    limiters.discard(issuer)
    permit(limiters.of(issuer, concurrency=1, per_minute=None).try_acquire("c"))
