"""Ctrl-C, a closed terminal and ``kill`` end the demo in order, once.

Only ``__main__`` uses it. A second Ctrl-C during the cleaning up would leave half of it undone.
"""

import signal
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def catch() -> None:
    """From now on each of these signals raises ``KeyboardInterrupt``, the first time."""
    for number in _SIGNALS:
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # started by nohup: it means to outlive its terminal
        signal.signal(number, _interrupt)


def ignore() -> None:
    """From now on nothing interrupts; kubectl, started from here, inherits that."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    ignore()
    raise KeyboardInterrupt
