"""Waiting for a real server: the one place of the end-to-end suite that sleeps."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
_PAUSE_OF_WAITED = 0.05
"""Of the time that was waited so far: a kubectl costs a tenth of a second of CPU, which the servers need, too."""

T = TypeVar("T")


class NotInTimeError(TimeoutError):
    """What was waited for did not happen; the message says what and for how long."""


def wait_until(condition: Callable[[], T], what: str, *, within: timedelta = timedelta(seconds=30)) -> T:
    """Call ``condition`` until its answer is true, and give that answer.

    Connection errors belong into ``condition``: what counts as "not yet" differs from server to server.
    """
    started = time.monotonic()
    while True:
        answer = condition()
        if answer:
            return answer
        waited = time.monotonic() - started
        if waited > within.total_seconds():
            raise NotInTimeError(f"{what}: not within {within.total_seconds():g} s")
        time.sleep(min(max(_SHORTEST_PAUSE, _PAUSE_OF_WAITED * waited), _LONGEST_PAUSE))
