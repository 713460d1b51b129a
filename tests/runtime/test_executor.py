"""Work runs beside the loop, and so many at once as there are threads."""

import asyncio
import contextvars
import os
import sys
import threading

import pytest

from certwright.runtime.executor import CPUExecutor

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO")


async def test_runs_in_another_thread_with_arguments_and_context() -> None:
    WHO.set("caller")

    def work(number: int, *, factor: int) -> tuple[int, str, bool]:
        return number * factor, WHO.get(), threading.current_thread() is threading.main_thread()

    with CPUExecutor() as executor:
        assert await executor.run(work, 3, factor=2) == (6, "caller", False)


async def test_what_the_work_raises_reaches_the_caller() -> None:
    def work() -> None:
        raise ValueError("no such curve")

    with CPUExecutor() as executor, pytest.raises(ValueError, match="no such curve"):
        await executor.run(work)


async def test_one_thread_does_one_thing_at_a_time() -> None:
    inside = threading.Lock()

    def work() -> bool:
        if not inside.acquire(blocking=False):
            return False
        inside.release()
        return True

    with CPUExecutor(threads=1) as executor:
        assert all(await asyncio.gather(*(executor.run(work) for _ in range(50))))


async def test_closing_drops_what_has_not_begun() -> None:
    began, gate = threading.Event(), threading.Event()

    def block() -> None:
        began.set()
        gate.wait()

    executor = CPUExecutor()
    first = asyncio.create_task(executor.run(block))
    await asyncio.to_thread(began.wait)
    second = asyncio.create_task(executor.run(block))
    await asyncio.sleep(0)
    executor.close()
    gate.set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
async def test_its_threads_give_way_to_the_loop() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    with CPUExecutor() as executor:
        assert await executor.run(niceness) > niceness()
