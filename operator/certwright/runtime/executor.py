"""Threads for what would hold up the event loop: anything that computes for longer than a millisecond.

``handlers`` hands one to whoever makes RSA keys, opens keystores or calls a synchronous DNS library. It is separate
from asyncio's default executor, which resolves host names: behind a queue of RSA keys, every connection would wait.
"""

import asyncio
import contextlib
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_NICENESS = 10
"""Where all CPUs are busy, a key is made later rather than the event loop being late."""


class CPUExecutor:
    """A few threads, one by default: more than there are idle cores only makes the loop wait for its turn.

    They give way to the loop where the system lets a thread have a priority of its own, as Linux does.

    As a context manager it is closed at the end of the block.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="cpu", initializer=_give_way)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work``, computed in a thread. What has begun is not interrupted by a cancellation."""
        call = partial(contextvars.copy_context().run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Begin nothing more; does not wait for what has begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None) -> None:
        self.close()


def _give_way() -> None:
    """Linux takes the ID of a thread for that of a process here; other systems know no such process."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
