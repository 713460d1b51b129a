"""All services run, or none does."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from certwright.runtime.supervise import Service, ServiceDied, endless, exit_within, stop_on_signals, supervise
from tests.fakes.clock import FakeClock, settle

Run = Callable[[asyncio.Event], Awaitable[None]]


class Stage:
    """Services that note when they end."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stop = asyncio.Event()
        self.ended: list[str] = []

    def polite(self, name: str) -> Service:
        async def run(stop: asyncio.Event) -> None:
            try:
                await stop.wait()
            finally:
                self.ended.append(name)

        return Service(name=name, run=run)

    def start(self, *services: Service) -> asyncio.Task[None]:
        return asyncio.create_task(supervise(services, stop=self.stop, clock=self.clock))


async def test_a_clean_stop_goes_from_the_last_to_the_first() -> None:
    stage = Stage()
    running = stage.start(stage.polite("probes"), stage.polite("leader"), stage.polite("workers"))
    await settle()
    assert stage.ended == []
    stage.stop.set()
    await running
    assert stage.ended == ["workers", "leader", "probes"]


async def test_one_that_fails_stops_all_and_is_named() -> None:
    async def fail(_stop: asyncio.Event) -> None:
        raise ValueError("no heap")

    stage = Stage()
    running = stage.start(stage.polite("probes"), Service(name="schedule", run=fail), stage.polite("workers"))
    with pytest.raises(ServiceDied, match=r"^schedule ended unexpectedly \(ValueError: no heap\); everything stops.$"):
        await running
    assert sorted(stage.ended) == ["probes", "workers"]


async def test_one_that_returns_unasked_stops_all() -> None:
    async def give_up(_stop: asyncio.Event) -> None:
        return

    stage = Stage()
    running = stage.start(stage.polite("workers"), Service(name="watch", run=give_up))
    with pytest.raises(ServiceDied, match=r"watch ended unexpectedly \(it returned\)"):
        await running
    assert stage.ended == ["workers"]


async def test_one_that_is_cancelled_by_somebody_stops_all() -> None:
    async def cancelled(_stop: asyncio.Event) -> None:
        raise asyncio.CancelledError

    stage = Stage()
    with pytest.raises(ServiceDied, match="CancelledError"):
        await stage.start(stage.polite("workers"), Service(name="watch", run=cancelled))
    assert stage.ended == ["workers"]


async def test_one_that_does_not_stop_in_time_is_cancelled_and_the_rest_stop(caplog: pytest.LogCaptureFixture) -> None:
    async def deaf(_stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    stage = Stage()
    running = stage.start(stage.polite("probes"), Service(name="workers", run=deaf, grace=timedelta(seconds=20)))
    await settle()
    stage.stop.set()
    await stage.clock.advance(19)
    assert stage.ended == []
    await stage.clock.advance(1)
    await running
    assert stage.ended == ["probes"]
    assert "workers did not stop within 0:00:20 and is cancelled." in caplog.text


async def test_one_that_dies_while_another_stops_ends_the_waiting() -> None:
    lose = asyncio.Event()

    async def leader(_stop: asyncio.Event) -> None:
        await lose.wait()
        raise ValueError("lost")

    async def busy(_stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    stage = Stage()
    running = stage.start(Service(name="leader", run=leader), Service(name="workers", run=busy))
    await settle()
    stage.stop.set()
    await settle()
    lose.set()
    with pytest.raises(ServiceDied, match="leader"):
        await running


async def test_one_that_fails_while_it_stops_is_logged_and_the_rest_stop(caplog: pytest.LogCaptureFixture) -> None:
    async def clumsy(stop: asyncio.Event) -> None:
        await stop.wait()
        raise ValueError("dropped it")

    stage = Stage()
    running = stage.start(stage.polite("probes"), Service(name="workers", run=clumsy))
    await settle()
    stage.stop.set()
    with caplog.at_level(logging.ERROR):
        await running
    assert stage.ended == ["probes"]
    assert "workers failed while it stopped." in caplog.text


async def test_an_endless_service_is_cancelled_when_asked_to_stop() -> None:
    cleaned: list[bool] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    stage = Stage()
    running = stage.start(Service(name="sweeper", run=endless(forever)))
    await settle()
    stage.stop.set()
    await running
    assert cleaned == [True]


async def test_an_endless_service_that_fails_is_named() -> None:
    async def fail() -> None:
        raise ValueError("no heap")

    with pytest.raises(ServiceDied, match=r"sweeper.*no heap"):
        await Stage().start(Service(name="sweeper", run=endless(fail)))


async def test_cancelling_the_supervisor_cancels_all() -> None:
    stage = Stage()
    running = stage.start(stage.polite("a"), stage.polite("b"))
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(stage.ended) == ["a", "b"]


async def test_a_signal_sets_the_stop_event_once_and_then_means_what_it_always_means() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = asyncio.Event()
    stop_on_signals(stop)
    os.kill(os.getpid(), signal.SIGTERM)
    await stop.wait()
    assert signal.getsignal(signal.SIGTERM) == before
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


def test_a_process_that_does_not_end_is_left_with_its_code() -> None:
    left, codes = threading.Event(), list[int]()

    def leave(code: int) -> None:
        codes.append(code)
        left.set()

    exit_within(timedelta(milliseconds=1), code=3, leave=leave)
    assert left.wait(5)
    assert codes == [3]
