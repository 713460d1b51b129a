"""How long a driver waits before it asks a CA again, and for how long altogether; CMP and SCEP share it."""

from datetime import timedelta

from certwright.model.resources import Polling

MIN_INTERVAL = timedelta(seconds=10)
MAX_INTERVAL = timedelta(hours=1)
MAX_DURATION = timedelta(hours=168)


def poll_interval(waited: timedelta, polling: Polling | None, *, asked: timedelta | None = None) -> timedelta:
    """How long to wait before the next poll: as long as has been waited, so that it doubles, or as the server asks.

    It follows from when the CA said *pending* first, and so needs no storing.
    """
    shortest = (polling.min_interval if polling else None) or MIN_INTERVAL
    longest = (polling.max_interval if polling else None) or MAX_INTERVAL
    return max(shortest, min(asked if asked is not None else waited, longest))


def max_duration(polling: Polling | None) -> timedelta:
    """How long a CA may take."""
    return (polling.max_duration if polling else None) or MAX_DURATION
