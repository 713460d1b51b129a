"""Notices when somebody sets the wall clock: then every wait that was measured by it is wrong.

Waits run on the monotonic clock, which never jumps but knows nothing of dates, and on Linux stands still while the
machine is suspended. A machine that starts with a wrong date and learns the right one minutes later would otherwise
find its renewals years too late. ``handlers`` runs one under supervision, and has everything looked at again.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from certwright.runtime.clock import Clock, sleep

_log = logging.getLogger(__name__)

INTERVAL = timedelta(seconds=10)
STEP = timedelta(seconds=2)
"""Less is a leap second, or what a time server does in one go without harm."""


class ClockSteps:
    """Compares the two clocks every ten seconds. ``on_step`` is called when they have parted."""

    def __init__(self, clock: Clock, *, on_step: Callable[[], object]) -> None:
        self._clock = clock
        self._on_step = on_step

    async def run(self) -> None:
        """Compare until cancelled."""
        known = self._difference()
        while True:
            await sleep(self._clock, INTERVAL)
            found = self._difference()
            if abs(found - known) >= STEP.total_seconds():
                _log.warning("the clock was set by %+.0f s: everything is looked at again", found - known)
                known = found
                self._on_step()

    def _difference(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()
