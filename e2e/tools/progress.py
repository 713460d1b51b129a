"""What the person who waits gets to see, on standard error."""

import sys
import time
from dataclasses import dataclass, field

_INTERVAL_SECONDS = 5.0


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Progress:
    """Repeats what is being done with the time it has taken, every few seconds; ``tick`` it from a polling loop."""

    what: str
    started: float = field(default_factory=time.monotonic)
    shown: float = 0.0

    def __post_init__(self) -> None:
        say(self.what)

    def tick(self) -> None:
        elapsed = time.monotonic() - self.started
        if elapsed - self.shown >= _INTERVAL_SECONDS:
            self.shown = elapsed
            say(f"{self.what}: {elapsed:.0f} s")

    def done(self) -> None:
        say(f"{self.what}: done in {time.monotonic() - self.started:.0f} s")
