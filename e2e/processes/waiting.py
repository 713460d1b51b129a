"""Waiting for a real server: the one place of the end-to-end suite that sleeps."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

_PAUSE_SECONDS = 0.05
T = TypeVar("T")


class NotInTimeError(TimeoutError):
    """What was waited for did not happen; the message says what and for how long."""


def wait_until(condition: Callable[[], T], what: str, *, within: timedelta = timedelta(seconds=30)) -> T:
    """Call ``condition`` until its answer is true, and give that answer.

    Connection errors belong into ``condition``: what counts as "not yet" differs from server to server.
    """
    deadline = time.monotonic() + within.total_seconds()
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NotInTimeError(f"{what}: not within {within.total_seconds():g} s")
        time.sleep(_PAUSE_SECONDS)
