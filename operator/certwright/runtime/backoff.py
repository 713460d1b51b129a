"""How long to wait after the n-th failure in a row; used by ``WorkQueue.retry``."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

# 2**64 times any delay is beyond every maximum, and a larger exponent would overflow a float in the end.
_LARGEST_EXPONENT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential delays between two bounds, each shortened by a random part so that failures spread out.

    ``jitter`` is the largest part of a delay that may be taken away (0.2: the delay is between 80 % and 100 %).
    """

    initial: timedelta = timedelta(seconds=1)
    maximum: timedelta = timedelta(minutes=5)
    jitter: float = 0.2
    random: Callable[[], float] = random.random

    def delay(self, failures: int) -> timedelta:
        """The delay after the given number of failures, 1 being the first."""
        exponent = min(failures - 1, _LARGEST_EXPONENT)
        seconds = min(self.initial.total_seconds() * 2.0**exponent, self.maximum.total_seconds())
        return timedelta(seconds=seconds * (1 - self.jitter * self.random()))
