"""The workers: they take keys from the queue, have them handled, and say when each comes again.

``handlers`` supplies the function that handles a key and runs ``run_workers`` under supervision. A handler never waits
for long: what must wait comes back through the queue, so that few workers serve many keys.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, assert_never

from certwright.runtime.clock import Clock, timeout
from certwright.runtime.failures import FailureLog
from certwright.runtime.queue import QueueClosed, WorkQueue

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """Handled; comes again after the given time, or when it is added."""

    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not handled for an ordinary cause (a conflict): comes again after the queue's backoff, without a log line."""


Result = Done | Retry


async def run_workers(
    queue: WorkQueue[K],
    handle: Callable[[K], Awaitable[Result]],
    *,
    count: int,
    stop: asyncio.Event,
    grace: timedelta,
    clock: Clock,
) -> None:
    """Work until ``stop`` is set; then take no further key, and cancel what is not finished within ``grace``.

    What a handler raises is logged, and its key retried with backoff. Only a fault of the machinery itself ends this
    function with an exception.
    """
    failures: FailureLog[K] = FailureLog()
    workers = [asyncio.create_task(_work(queue, handle, failures), name=f"worker-{n}") for n in range(count)]
    stopping = asyncio.create_task(stop.wait(), name="workers-stop")
    try:
        await asyncio.wait([stopping, *workers], return_when=asyncio.FIRST_COMPLETED)
        queue.shut_down()
        await _finish(workers, grace, clock)
    finally:
        await _cancel([stopping, *workers])
    _raise_fault(workers)


async def _work(queue: WorkQueue[K], handle: Callable[[K], Awaitable[Result]], failures: FailureLog[K]) -> None:
    while True:
        try:
            key = await queue.get()
        except QueueClosed:
            return
        try:
            await _handle_one(queue, key, handle, failures)
        finally:
            queue.done(key)


async def _handle_one(
    queue: WorkQueue[K], key: K, handle: Callable[[K], Awaitable[Result]], failures: FailureLog[K]
) -> None:
    try:
        result = await handle(key)
    except (Exception, asyncio.CancelledError) as error:
        if _is_cancelled(error):
            raise
        failures.record(key, error)
        queue.retry(key)
        return
    failures.forget(key)
    _settle(queue, key, result)


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is this worker that was cancelled, rather than something that its handler waited for."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _settle(queue: WorkQueue[K], key: K, result: Result) -> None:
    match result:
        case Done(after=after):
            queue.forget(key)
            if after is not None:
                queue.add_after(key, after)
        case Retry():
            queue.retry(key)
        case _:
            assert_never(result)


async def _finish(workers: Sequence[asyncio.Task[None]], grace: timedelta, clock: Clock) -> None:
    try:
        async with timeout(clock, grace):
            await asyncio.wait(workers)
    except TimeoutError:
        busy = sum(not worker.done() for worker in workers)
        logger.warning("%d handlers were not finished within %s and are cancelled.", busy, grace)


async def _cancel(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _raise_fault(workers: Sequence[asyncio.Task[None]]) -> None:
    for worker in workers:
        if not worker.cancelled():
            worker.result()
