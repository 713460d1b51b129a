"""How late the event loop is: the one number that tells that something blocks it.

``handlers`` runs one under supervision, adds ``check`` to the liveness checks, and ``worst`` and each sample to the
metrics.
"""

from collections import deque
from collections.abc import Callable
from datetime import timedelta

from certwright.runtime.clock import Clock, sleep

_INTERVAL = timedelta(seconds=0.1)
_KEPT = timedelta(seconds=10) // _INTERVAL
_IN_A_ROW = 10


def _ignore(_seconds: float) -> None:
    """Nobody counts the samples."""


class LoopLag:
    """Sleeps a tenth of a second again and again and keeps by how much each time was too long.

    ``observe`` is told each of these, in seconds.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        limit: timedelta = timedelta(seconds=2),
        observe: Callable[[float], None] = _ignore,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._observe = observe
        self._samples: deque[float] = deque(maxlen=_KEPT)

    @property
    def worst(self) -> timedelta:
        """The longest delay in the last ten seconds."""
        return timedelta(seconds=max(self._samples, default=0.0))

    def check(self) -> str | None:
        """A finding when the loop has been late ten times in a row.

        Once is no reason to be restarted: a process that answers again is better than one that begins from nothing.
        """
        if len(self._samples) < _IN_A_ROW:
            return None
        least = min(self._samples[-number] for number in range(1, _IN_A_ROW + 1))
        if least <= self._limit.total_seconds():
            return None
        return f"the event loop is always late, at least by {least:.1f} s: something blocks it"

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            began = self._clock.monotonic()
            await sleep(self._clock, _INTERVAL)
            late = max(0.0, self._clock.monotonic() - began - _INTERVAL.total_seconds())
            self._samples.append(late)
            self._observe(late)
