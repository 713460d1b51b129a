"""How many fetched challenges nobody has answered yet: NDES keeps five, and then hands out none for an hour.

Counted in memory, per driver. The staged records are the truth, but a driver cannot list them: after a restart the
count begins at nothing, and each record that is gone on with joins it again. Until then too many may be fetched, which
the server refuses on a page that says so; nothing else comes of it.
"""

from datetime import datetime, timedelta

from certwright.model.errors import TransientError
from certwright.model.reasons import Reason

FULL_PAUSE = timedelta(seconds=10)
"""An answer to any other enrolment makes room."""


class Outstanding:
    """The unspent challenges of one issuer; ``limit`` None counts nothing."""

    def __init__(self, limit: int | None, *, lifetime: timedelta) -> None:
        self._limit = limit
        self._lifetime = lifetime
        self._held: dict[str, datetime] = {}

    def take(self, transaction: str, *, now: datetime) -> None:
        """Claim a place before a challenge is fetched; `TransientError` where all are taken."""
        self._forget_expired(now)
        if self._limit is not None and len(self._held) >= self._limit:
            raise TransientError(
                f"{len(self._held)} fetched challenges are not used yet, as many as scep.challenge.maxOutstanding"
                " allows; the next one is fetched when an enrolment with one of them was answered.",
                retry_after=FULL_PAUSE,
                reason=Reason.RATE_LIMITED,
            )
        self.note(transaction, fetched_at=now)

    def note(self, transaction: str, *, fetched_at: datetime) -> None:
        """A challenge that was fetched, perhaps by an earlier process."""
        if self._limit is not None:
            self._held[transaction] = fetched_at

    def release(self, transaction: str) -> None:
        """It was answered, or never fetched."""
        self._held.pop(transaction, None)

    def _forget_expired(self, now: datetime) -> None:
        expired = [key for key, fetched_at in self._held.items() if now - fetched_at >= self._lifetime]
        for key in expired:
            del self._held[key]
