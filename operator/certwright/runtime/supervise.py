"""The long-lived tasks of the process: if one ends unasked, all end and the process exits; never half of an operator.

``handlers`` lists its services in the order in which they depend on each other and runs ``supervise`` as the last
thing. On a clean stop they are stopped from the last to the first, each with its own time: workers finish while the
Lease is still held, then the Lease is released, then the probes end.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from certwright.runtime.clock import Clock, timeout

logger = logging.getLogger(__name__)

_CANCELLING = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A task with a name: ``run`` gets an event and ends soon after it is set, within ``grace``."""

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]
    grace: timedelta = timedelta(seconds=5)


class ServiceDied(Exception):
    """A service ended although nobody had stopped it; ``__cause__`` says why, unless it just returned."""

    def __init__(self, name: str, cause: BaseException | None) -> None:
        why = "it returned" if cause is None else f"{type(cause).__qualname__}: {cause}"[:1024]
        super().__init__(f"{name} ended unexpectedly ({why}); everything stops.")
        self.name = name


def endless(run: Callable[[], Awaitable[None]]) -> Callable[[asyncio.Event], Awaitable[None]]:
    """For a service that knows no stop event and holds nothing: it is cancelled when asked to stop."""

    async def until_stopped(stop: asyncio.Event) -> None:
        running = asyncio.ensure_future(run())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
        finally:
            await _cancel([running, stopping])

    return until_stopped


async def supervise(services: Sequence[Service], *, stop: asyncio.Event, clock: Clock) -> None:
    """Run all services until ``stop`` is set, then stop them in reverse order.

    Raises ``ServiceDied`` as soon as one of them ends before; the others are then cancelled at once, with the shortest
    of delays, because the one that died may have been what made their work safe.
    """
    running = [_Running(service) for service in services]
    stopping = asyncio.create_task(stop.wait(), name="supervise-stop")
    tasks = [one.task for one in running]
    try:
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        while running:
            _raise_if_any_ended(running)
            await _stop(running.pop(), others=running, clock=clock)
    finally:
        await _cancel([stopping, *tasks])


class _Running:
    """A service and its task."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.stop = asyncio.Event()
        self.task = asyncio.ensure_future(service.run(self.stop))


def _raise_if_any_ended(running: Sequence[_Running]) -> None:
    for one in running:
        if one.task.done():
            cause = asyncio.CancelledError("cancelled") if one.task.cancelled() else one.task.exception()
            raise ServiceDied(one.service.name, cause) from cause


async def _stop(one: _Running, *, others: Sequence[_Running], clock: Clock) -> None:
    """Ask it to end, then insist; returns early when one of the others dies meanwhile, the Lease's elector say."""
    one.stop.set()
    try:
        async with timeout(clock, one.service.grace):
            await asyncio.wait([one.task, *(other.task for other in others)], return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        logger.warning("%s did not stop within %s and is cancelled.", one.service.name, one.service.grace)
        await _cancel([one.task])
    if one.task.done() and not one.task.cancelled() and (error := one.task.exception()) is not None:
        logger.error("%s failed while it stopped.", one.service.name, exc_info=error)


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    # Bounded, because a task that swallows its cancellation must not keep a dead process alive.
    done, _ = await asyncio.wait(tasks, timeout=_CANCELLING.total_seconds())
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.debug("A task failed while it was stopped.", exc_info=error)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` on SIGTERM and SIGINT; a second one kills at once, for the person who presses Ctrl-C twice."""
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        logger.info("%s received: stopping.", number.name)
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def exit_within(limit: timedelta, *, code: int, leave: Callable[[int], object] = os._exit) -> None:
    """Leave the process after ``limit`` whatever still runs: threads, and tasks that refuse to be cancelled.

    For the moment after ``ServiceDied``: ``asyncio.run`` and the interpreter would wait for both without end.
    """
    timer = threading.Timer(limit.total_seconds(), leave, args=(code,))
    timer.daemon = True
    timer.start()
