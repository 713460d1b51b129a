"""What every step of the driver works with, and how long it waits between two steps."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from certwright.issuers.acme.choosing import ConfiguredSolver
from certwright.model.resources import ACMEIssuer
from certwright.protocols.acme import ACMEClient

# One look within the same step: what is fast (a test CA, a name server next door) is done then, and what is slow costs
# one request more. A server's Retry-After is obeyed from the next look on.
EARLY_LOOK = 0.05
FIRST_WAIT = timedelta(seconds=0.1)
LONGEST_WAIT = timedelta(seconds=5)
SHORTEST_OBEYED = timedelta(seconds=0.05)
LONGEST_OBEYED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One issuer's settings, connection and solvers; ``server`` is how messages name the CA."""

    server: str
    spec: ACMEIssuer
    client: ACMEClient = field(repr=False)
    solvers: Sequence[ConfiguredSolver]
    clock: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]]


def wait_after(tries: int, *, asked: timedelta | None = None, longest: timedelta = LONGEST_WAIT) -> timedelta:
    """How long to wait after this many tries (from 1): as long as the server asked, else doubling from 0.1 s."""
    if asked is not None:
        return min(max(asked, SHORTEST_OBEYED), LONGEST_OBEYED)
    return min(FIRST_WAIT * (1 << min(tries - 1, 20)), max(longest, FIRST_WAIT))
