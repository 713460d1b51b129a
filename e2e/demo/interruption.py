"""Ctrl-C, a closed terminal and ``kill`` end the demo in order, once.

``__main__`` and ``launching`` use it. A second Ctrl-C during the cleaning up would leave half of it undone.
"""

import contextlib
import signal
from collections.abc import Iterator
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def catch() -> None:
    """From now on each of these signals raises ``KeyboardInterrupt``, the first time."""
    for number in _SIGNALS:
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # started by nohup: it means to outlive its terminal
        signal.signal(number, _interrupt)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """What comes within the block interrupts at its end: a thread that is half started could not be waited for."""
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda which, _frame: came.append(which)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def ignore() -> None:
    """From now on nothing interrupts; kubectl, started from here, inherits that."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    ignore()
    raise KeyboardInterrupt
