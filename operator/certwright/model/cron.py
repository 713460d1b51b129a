"""When a cron expression fires: the last time before an instant, or the next one after it.

``model.renewal_windows`` asks. Tenants write these expressions, so every search is bounded and steps by months, and
what can never fire is refused when it is read. docs/decisions/0018 tells why no library is used.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HORIZON = timedelta(days=8 * 366)
"""No search goes further. 29 February may be eight years away; what is rarer is no time for a renewal."""

_NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_RANGES = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 7),
}
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class InvalidCronError(ValueError):
    """The text is no cron expression, or one that never fires; it says which field is wrong."""


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression, taken apart. ``days_are_or`` is cron's oldest rule: two restricted kinds of day are alternatives.

    It fires at wall-clock times of a zone. A time that the clocks skip becomes the moment to which they jump; one that
    they show twice counts the first time.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    days_are_or: bool

    def latest(self, at: datetime, *, zone: ZoneInfo, not_before: datetime) -> datetime | None:
        """The last instant, ``at`` included, but none before ``not_before``."""
        if at >= _LAST:
            return None
        bound = max(not_before, at - HORIZON, _FIRST)
        local = at.astimezone(zone)
        # In the hour that the clocks show twice, the first pass counts: all of it may lie before.
        wall = local.replace(tzinfo=None) + (timedelta(hours=2) if local.fold else timedelta(0))
        for day in self._days_backwards(wall.date(), bound.date() - _DAY):
            for each in self._times_backwards(wall.time() if day == wall.date() else time.max):
                instant = _instant(datetime.combine(day, each), zone)
                if instant <= at:
                    return instant if instant >= bound else None
        return None

    def following(self, after: datetime, *, zone: ZoneInfo, until: datetime) -> datetime | None:
        """The next instant after ``after``, but none after ``until``."""
        if after >= _LAST:
            return None
        bound = min(until, after + HORIZON)
        wall = after.astimezone(zone).replace(tzinfo=None)
        for day in self._days_forwards(wall.date(), bound.date() + _DAY):
            for each in self._times_forwards(wall.time() if day == wall.date() else time.min):
                instant = _instant(datetime.combine(day, each), zone)
                if instant > after:
                    return instant if instant <= bound else None
        return None

    def _times_backwards(self, end: time) -> Iterator[time]:
        for hour in reversed(self.hours):
            if hour <= end.hour:
                yield from (
                    time(hour, each) for each in reversed(self.minutes) if (hour, each) <= (end.hour, end.minute)
                )

    def _times_forwards(self, start: time) -> Iterator[time]:
        for hour in self.hours:
            if hour >= start.hour:
                yield from (time(hour, each) for each in self.minutes if (hour, each) >= (start.hour, start.minute))

    def _days_backwards(self, start: date, end: date) -> Iterator[date]:
        year, month, last = start.year, start.month, start.day
        while (year, month) >= (end.year, end.month):
            if month in self.months:
                first, length = monthrange(year, month)
                yield from self._days_of(year, month, first, range(min(length, last), 0, -1))
            year, month, last = (year, month - 1, 31) if month > 1 else (year - 1, 12, 31)

    def _days_forwards(self, start: date, end: date) -> Iterator[date]:
        year, month, begin = start.year, start.month, start.day
        while (year, month) <= (end.year, end.month):
            if month in self.months:
                first, length = monthrange(year, month)
                yield from self._days_of(year, month, first, range(begin, length + 1))
            year, month, begin = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)  # noqa: PLR2004 - December

    def _days_of(self, year: int, month: int, first: int, days: range) -> Iterator[date]:
        """Those days of a month that fit; ``first`` is the weekday of its first day, on which Monday is 0."""
        for day in days:
            is_day, is_weekday = day in self.days, (first + day) % 7 in self.weekdays
            if (is_day or is_weekday) if self.days_are_or else (is_day and is_weekday):
                yield date(year, month, day)


_DAY = timedelta(days=1)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9990, 1, 1, tzinfo=UTC)
"""Calendars end in 9999, which certificates without an end use."""


@lru_cache(maxsize=1024)
def parse(text: str) -> Cron:
    """Read minute, hour, day of month, month and day of week. Raises `InvalidCronError`."""
    fields = text.lower().split()
    if len(fields) != len(_RANGES):
        raise InvalidCronError("it must have five fields: minute, hour, day of month, month, day of week")
    minutes, hours, days, months, weekdays = (_field(field, name) for name, field in zip(_RANGES, fields, strict=True))
    days_are_or = not fields[2].startswith(("*", "?")) and not fields[4].startswith(("*", "?"))
    if not days_are_or and min(days) > max(_LONGEST_MONTH[month - 1] for month in months):
        raise InvalidCronError(f"it never fires: none of these months has a day {min(days)}")
    return Cron(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        days_are_or=days_are_or,
    )


def _field(text: str, name: str) -> frozenset[int]:
    return frozenset(value for item in text.split(",") for value in _item(item, name))


def _item(text: str, name: str) -> range:
    """``*``, ``5``, ``1-5``, each with ``/2`` or without; a number with a step goes on to the end."""
    lowest, highest = _RANGES[name]
    span, has_step, step = text.partition("/")
    first, is_range, last = span.partition("-")
    if span in {"*", "?"}:
        start, end = lowest, highest
    else:
        start = _number(first, name)
        end = _number(last, name) if is_range else highest if has_step else start
        end = highest if is_range and last == "sun" else end  # A week may be written as mon-sun.
    size = _integer(step, name) if has_step else 1
    if not lowest <= start <= end <= highest or size < 1:
        raise InvalidCronError(f"{name}: {text} is not within {lowest}-{highest}")
    return range(start, end + 1, size)


def _number(text: str, name: str) -> int:
    names = _NAMES.get(name, ())
    return names.index(text) + _RANGES[name][0] if text in names else _integer(text, name)


def _integer(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):  # noqa: PLR2004 - as many digits as any sense needs
        raise InvalidCronError(f"{name}: {text[:20]!r} is not a number")
    return int(text)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a wall clock shows this for the first time, or jumps over it."""
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # The clocks skip it: between these two lies the jump, and there it becomes the time after the jump.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
