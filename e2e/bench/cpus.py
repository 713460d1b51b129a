"""One CPU for the operator and the others for everything else, where the lateness of its event loop is measured.

On two CPUs that an API server, etcd and a CA want too, a loop is late because it waits for its turn: that would measure
the machine. Only Linux lets a process choose; elsewhere, or with one CPU, nothing is changed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IS_POSSIBLE = sys.platform == "linux" and (os.cpu_count() or 1) > 1


@contextmanager
def all_but_one() -> Iterator[None]:
    """What is started from now on leaves the last CPU alone."""
    if not IS_POSSIBLE:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {max(before)} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def give_the_one(pid: int) -> None:
    """Let a process have the CPU that the others leave alone, and no other; its later threads inherit that."""
    if not IS_POSSIBLE:
        return
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {max(range(os.cpu_count() or 1))})
