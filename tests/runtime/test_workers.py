"""Workers outlive their handlers, keep keys coming back, and stop in time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from certwright.runtime.backoff import Backoff
from certwright.runtime.queue import WorkQueue
from certwright.runtime.workers import Done, Result, Retry, run_workers
from tests.fakes.clock import FakeClock, settle

Handler = Callable[[str], Awaitable[Result]]


class Workshop:
    """Clock, queue and workers with one handler; ``handled`` is what was handed to it, in order."""

    def __init__(self, handler: Handler, *, count: int = 2) -> None:
        self.clock = FakeClock()
        self.queue: WorkQueue[str] = WorkQueue(self.clock, backoff=Backoff(random=lambda: 0.0))
        self.stop = asyncio.Event()
        self.handled: list[str] = []
        self._handler = handler
        self._schedule = asyncio.create_task(self.queue.run())
        self.workers = asyncio.create_task(
            run_workers(
                self.queue,
                self._handle,
                count=count,
                stop=self.stop,
                grace=timedelta(seconds=20),
                clock=self.clock,
            )
        )

    async def _handle(self, key: str) -> Result:
        self.handled.append(key)
        return await self._handler(key)


async def test_a_handled_key_comes_again_when_it_said_so() -> None:
    async def handler(key: str) -> Result:
        return Done(timedelta(minutes=1)) if key == "again" else Done()

    shop = Workshop(handler)
    shop.queue.add("once")
    shop.queue.add("again")
    await shop.clock.advance(59)
    assert shop.handled == ["once", "again"]
    await shop.clock.advance(1)
    assert shop.handled == ["once", "again", "again"]


async def test_an_earlier_due_time_set_meanwhile_is_kept() -> None:
    shop: Workshop

    async def handler(key: str) -> Result:
        shop.queue.add_after(key, timedelta(seconds=5))
        return Done(timedelta(days=60))

    shop = Workshop(handler)
    shop.queue.add("a")
    await shop.clock.advance(5)
    assert shop.handled == ["a", "a"]


async def test_a_failing_key_is_retried_with_backoff_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(key: str) -> Result:
        raise ValueError(f"no luck with {key}")

    shop = Workshop(handler, count=1)
    with caplog.at_level(logging.INFO):
        shop.queue.add("a")
        await shop.clock.advance(1 + 2 + 4)
    assert shop.handled == ["a"] * 4
    assert [record.getMessage() for record in caplog.records] == [
        "Working on a failed and is retried: ValueError: no luck with a"
    ]
    assert caplog.records[0].exc_info
    assert not shop.workers.done()


async def test_success_makes_the_next_failure_news_and_the_backoff_short(caplog: pytest.LogCaptureFixture) -> None:
    outcomes: Iterator[ValueError | Result] = iter([ValueError("x"), ValueError("x"), Done(), ValueError("x"), Done()])

    async def handler(_key: str) -> Result:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    shop = Workshop(handler)
    with caplog.at_level(logging.INFO):
        shop.queue.add("a")
        await shop.clock.advance(1 + 2)
        shop.queue.add("a")
        await shop.clock.advance(1)
    assert len(shop.handled) == 5
    assert len(caplog.records) == 2


async def test_texts_that_always_differ_do_not_pile_up(caplog: pytest.LogCaptureFixture) -> None:
    count = iter(range(1000))

    async def handler(_key: str) -> Result:
        raise ValueError(str(next(count)) + "x" * 5000)

    shop = Workshop(handler)
    with caplog.at_level(logging.ERROR):
        shop.queue.add("a")
        await shop.clock.advance(timedelta(hours=3))
    assert len(caplog.records) > 30
    assert max(len(record.getMessage()) for record in caplog.records) < 1200


async def test_retry_uses_the_backoff_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_key: str) -> Result:
        return Retry()

    shop = Workshop(handler)
    with caplog.at_level(logging.INFO):
        shop.queue.add("a")
        await shop.clock.advance(1 + 2)
    assert shop.handled == ["a"] * 3
    assert caplog.records == []


async def test_a_handler_that_waited_for_something_cancelled_fails_and_its_worker_lives() -> None:
    async def handler(_key: str) -> Result:
        raise asyncio.CancelledError

    shop = Workshop(handler, count=1)
    shop.queue.add("a")
    await shop.clock.advance(1)
    assert shop.handled == ["a", "a"]
    assert not shop.workers.done()


async def test_one_key_is_never_with_two_workers() -> None:
    gate = asyncio.Event()

    async def handler(_key: str) -> Result:
        await gate.wait()
        return Done()

    shop = Workshop(handler, count=5)
    for _ in range(3):
        shop.queue.add("a")
        await settle()
    assert shop.handled == ["a"]
    gate.set()
    await settle()
    assert shop.handled == ["a", "a"]


async def test_stopping_lets_running_handlers_finish_and_begins_nothing() -> None:
    finished: list[str] = []
    gate = asyncio.Event()

    async def handler(key: str) -> Result:
        await gate.wait()
        finished.append(key)
        return Done()

    shop = Workshop(handler, count=1)
    shop.queue.add("running")
    shop.queue.add("waiting")
    await settle()
    shop.stop.set()
    await shop.clock.advance(19)
    assert not shop.workers.done()
    gate.set()
    await shop.workers
    assert finished == ["running"]


async def test_stopping_cancels_what_is_not_finished_in_time(caplog: pytest.LogCaptureFixture) -> None:
    cancelled: list[str] = []

    async def handler(key: str) -> Result:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(key)
            raise
        return Done()

    shop = Workshop(handler)
    shop.queue.add("a")
    await settle()
    shop.stop.set()
    await shop.clock.advance(20)
    await shop.workers
    assert cancelled == ["a"]
    assert "1 handlers were not finished within 0:00:20" in caplog.text


async def test_idle_workers_stop_at_once() -> None:
    async def handler(_key: str) -> Result:
        return Done()

    shop = Workshop(handler)
    await settle()
    shop.stop.set()
    await shop.workers


async def test_cancelling_the_whole_cancels_each() -> None:
    async def handler(_key: str) -> Result:
        await asyncio.Event().wait()
        return Done()

    shop = Workshop(handler)
    shop.queue.add("a")
    await settle()
    shop.workers.cancel()
    with suppress(asyncio.CancelledError):
        await shop.workers
    assert shop.workers.cancelled()
    assert shop.queue.processing == 0


async def test_a_fault_of_the_machinery_ends_the_workers_with_it() -> None:
    async def handler(_key: str) -> Result:
        shop.queue.done("a")
        return Done()

    shop = Workshop(handler)
    shop.queue.add("a")
    with pytest.raises(KeyError):
        await shop.workers
