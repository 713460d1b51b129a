"""What client-go's workqueue promises, kept on one event loop."""

import asyncio
from datetime import timedelta

import pytest

from certwright.runtime.backoff import Backoff
from certwright.runtime.queue import QueueClosed, WorkQueue
from tests.fakes.clock import FakeClock, settle

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def queue(clock: FakeClock) -> WorkQueue[str]:
    return WorkQueue(clock, backoff=Backoff(initial=timedelta(seconds=1), maximum=MINUTE, random=lambda: 0.0))


@pytest.fixture(autouse=True)
async def _due_times_served(queue: WorkQueue[str]) -> None:
    task = asyncio.create_task(queue.run())
    await settle()
    assert not task.done()


async def test_a_key_added_twice_comes_once(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_while_worked_on_comes_again_after_done_and_not_before(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_what_expires_soon_goes_first_and_equals_in_order(queue: WorkQueue[str]) -> None:
    queue.add("bulk-1")
    queue.add("bulk-2")
    queue.add("next-week", urgency=7)
    queue.add("tomorrow", urgency=1)
    queue.add("bulk-2", urgency=3)
    queue.add("tomorrow", urgency=9)
    assert [await queue.get() for _ in range(4)] == ["tomorrow", "bulk-2", "next-week", "bulk-1"]


async def test_urgency_given_while_worked_on_is_kept(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a", urgency=1)
    queue.add("a")
    queue.add("b", urgency=2)
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_key_that_falls_due_has_the_urgency_of_the_queue(clock: FakeClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock, urgency={"a": 2.0, "b": 1.0}.__getitem__)
    queue.add("a")
    queue.add("b")
    assert await queue.get() == "b"


async def test_the_earliest_due_time_wins(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add_after("a", 2 * MINUTE)
    queue.add_after("a", MINUTE)
    queue.add_after("a", 3 * MINUTE)
    assert queue.delayed == 1
    await clock.advance(MINUTE)
    assert len(queue) == 1
    await queue.get()
    queue.done("a")
    await clock.advance(5 * MINUTE)
    assert len(queue) == 0


async def test_replace_moves_the_due_time_back(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add_after("a", MINUTE)
    queue.add_after("a", 2 * MINUTE, replace=True)
    await clock.advance(MINUTE)
    assert len(queue) == 0
    await clock.advance(MINUTE)
    assert len(queue) == 1


async def test_a_due_time_goes_when_the_key_is_taken_and_stays_when_set_afterwards(
    queue: WorkQueue[str], clock: FakeClock
) -> None:
    queue.add_after("a", MINUTE)
    queue.add("a")
    await queue.get()
    assert queue.delayed == 0
    queue.add_after("a", MINUTE)
    await clock.advance(MINUTE)
    assert len(queue) == 0
    queue.done("a")
    assert len(queue) == 1


async def test_no_delay_is_due_at_once(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add_after("a", timedelta())
    await clock.advance(0)
    assert len(queue) == 1


async def test_backoff_doubles_for_each_key_until_forgotten(queue: WorkQueue[str]) -> None:
    assert [queue.retry("a").total_seconds() for _ in range(4)] == [1, 2, 4, 8]
    assert queue.retry("b").total_seconds() == 1
    queue.forget("a")
    assert queue.failures("a") == 0
    assert queue.retry("a").total_seconds() == 1


async def test_discard_drops_due_time_and_backoff(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.retry("a")
    queue.discard("a")
    await clock.advance(MINUTE)
    assert len(queue) == 0
    assert queue.failures("a") == 0


async def test_get_waits_for_a_key(queue: WorkQueue[str]) -> None:
    getter = asyncio.create_task(queue.get())
    await settle()
    assert not getter.done()
    queue.add("a")
    assert await getter == "a"


async def test_a_getter_cancelled_after_its_wake_passes_it_on(queue: WorkQueue[str]) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await settle()
    queue.add("a")
    first.cancel()
    await settle()
    assert first.cancelled()
    assert await second == "a"


async def test_shut_down_tells_every_getter_and_takes_nothing_in(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    getters = [asyncio.create_task(queue.get()) for _ in range(3)]
    await settle()
    queue.add("a")
    queue.shut_down()
    queue.add("b")
    queue.add_after("c", MINUTE)
    queue.done("a")
    for getter in getters:
        with pytest.raises(QueueClosed):
            await getter
    with pytest.raises(QueueClosed):
        await queue.get()
    assert (len(queue), queue.delayed) == (0, 0)


async def test_a_closed_door_collects_and_an_open_one_hands_out(clock: FakeClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock, opened=False)
    getters = [asyncio.create_task(queue.get()) for _ in range(2)]
    queue.add("a")
    queue.add("b")
    await settle()
    assert not any(getter.done() for getter in getters)
    queue.open()
    assert {await getter for getter in getters} == {"a", "b"}


async def test_depth_and_age_tell_what_waits(queue: WorkQueue[str], clock: FakeClock) -> None:
    assert queue.oldest_age == timedelta()
    queue.add("a")
    await clock.advance(10)
    queue.add("b", urgency=1)
    queue.add("a", urgency=2)
    await clock.advance(5)
    assert await queue.get() == "b"
    assert (len(queue), queue.processing) == (1, 1)
    assert queue.oldest_age == timedelta(seconds=15)
