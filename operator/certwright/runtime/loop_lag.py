"""How late the event loop is: the one number that tells that something blocks it.

``handlers`` runs one under supervision, adds ``check`` to the liveness checks and ``worst`` to the metrics.
"""

from collections import deque
from datetime import timedelta

from certwright.runtime.clock import Clock, sleep

_SAMPLES = 10


class LoopLag:
    """Sleeps for ``interval`` again and again and keeps by how much each time was too long."""

    def __init__(
        self, clock: Clock, *, limit: timedelta = timedelta(seconds=2), interval: timedelta = timedelta(seconds=1)
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._interval = interval
        self._samples: deque[float] = deque(maxlen=_SAMPLES)

    @property
    def worst(self) -> timedelta:
        """The longest delay among the last ten."""
        return timedelta(seconds=max(self._samples, default=0.0))

    def check(self) -> str | None:
        """A finding when the loop has been late ten times in a row.

        Once is no reason to be restarted: a process that answers again is better than one that begins from nothing.
        """
        if len(self._samples) < _SAMPLES or min(self._samples) <= self._limit.total_seconds():
            return None
        return f"the event loop is always late, at least by {min(self._samples):.1f} s: something blocks it"

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            began = self._clock.monotonic()
            await sleep(self._clock, self._interval)
            late = self._clock.monotonic() - began - self._interval.total_seconds()
            self._samples.append(max(0.0, late))
