"""The arithmetic of ``limits.perDay``: which day it is, what is left of it, how much is reserved at once.

Attempts are reserved in blocks in the issuer's status before they are made: a process that is killed takes the rest of
its block with it, and none can make more than were reserved. ``handlers.budgets`` does the writing.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from certwright.model.observed import KnownIssuer

SHARE = 50
"""A block is this part of the budget: a crash loses two per cent of it at most, and fifty writes make a day."""

LARGEST_BLOCK = 100
FURTHEST = date(9000, 1, 1)
"""Whatever stands in a status beyond it was not written by certwright."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of an issuer's budget, as its status tells it."""

    limit: int
    date: date
    reserved: int

    @property
    def end(self) -> datetime:
        """When the next day's budget begins."""
        return datetime.combine(self.date + timedelta(days=1), time(), UTC)

    def block(self) -> int:
        """How many attempts to reserve next; 0: the day is used up. Small budgets serve to the last attempt."""
        size = min(max(self.limit // SHARE, 1), LARGEST_BLOCK)
        return max(min(size, self.limit - self.reserved), 0)

    def usable(self, held: int) -> int:
        """How many of ``held`` reserved attempts may still be made: fewer than all if the limit was lowered."""
        return max(min(held, self.limit - (self.reserved - held)), 0)


def current_day(issuer: KnownIssuer, now: datetime, *, known: Day | None = None) -> Day | None:
    """The day that attempts count for; None where the issuer has no such limit.

    It is never an earlier one than the status or ``known`` tells of: a clock that was set back would else give out the
    same budget again.
    """
    limit = issuer.spec.limits.per_day if issuer.spec.limits else None
    if limit is None:
        return None
    seen = {known.date: known.reserved} if known is not None else {}
    usage = issuer.status.usage
    recorded = _readable(usage.day) if usage is not None else None
    if usage is not None and recorded is not None:
        seen[recorded] = max(usage.reserved, seen.get(recorded, 0))
    today = max((now.astimezone(UTC).date(), *seen))
    return Day(limit, today, seen.get(today, 0))


def _readable(text: str) -> date | None:
    """The day in a status, unless somebody else wrote it there."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < FURTHEST else None
