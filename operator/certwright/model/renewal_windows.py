"""Which moment of ``spec.renewal.windows`` a renewal is put into, if any comes in time.

``model.renewal`` asks for it, ``reconcile`` tells users where the windows cannot be read or met. What is decided here
is only when a renewal is *planned*: one that could not be begun or has failed goes on outside, since a certificate that
expires is worse than a renewal out of hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from certwright.model.cron import HORIZON, Cron, InvalidCronError, parse
from certwright.model.resources import CertificateSpec, RenewalWindow

SHORTEST = timedelta(minutes=1)
"""Cron has no finer moments; a window of no length could never be met."""

LAST_SHARE = 0.1
"""Of the time between the desired renewal and expiry so much is never spent on waiting: attempts fail."""

MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Window:
    """A recurring time in which renewals may start."""

    cron: Cron
    zone: ZoneInfo
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A renewal as it would be without windows.

    ``soonest`` is ``desired`` less the jitter. A certificate that ``is_new`` was issued at ``now``: the window that is
    open just then has had its renewal. ``spread``, from 0 to 1, is the Certificate's place among those that share a
    window.
    """

    soonest: datetime
    desired: datetime
    not_before: datetime
    not_after: datetime
    now: datetime
    is_new: bool
    spread: float


def faults(spec: CertificateSpec) -> list[str]:
    """What cannot be read, with its path; such windows are not kept to."""
    found = []
    for number, window in enumerate(spec.renewal.windows if spec.renewal else ()):
        try:
            parse(window.cron)
        except InvalidCronError as error:
            found.append(f"spec.renewal.windows[{number}].cron: {error}")
        if window.timezone is not None and _zone(window.timezone) is None:
            zone = window.timezone[:50]
            found.append(f"spec.renewal.windows[{number}].timezone: {zone!r} is not in the IANA time zone database")
    return found[:MOST_TOLD]


def windows_of(spec: CertificateSpec) -> tuple[Window, ...]:
    """The windows to keep to; none where one of them cannot be read, for half of a plan is another plan."""
    given = spec.renewal.windows if spec.renewal else ()
    return () if not given or faults(spec) else tuple(_window(window) for window in given)


def fitted(windows: Sequence[Window], wish: Wish) -> datetime | None:
    """When the renewal is to be, in a window and before the certificate expires; None where no window comes in time.

    The window that holds the desired time, else the latest one before it that leaves the certificate at least half of
    the time until then, else the next one after it, else any earlier one.
    """
    aim = max(wish.desired, wish.now)
    latest = wish.not_after - (wish.not_after - wish.desired) * LAST_SHARE
    if aim > latest:
        return None
    halfway = wish.not_before + (aim - wish.not_before) / 2
    before = _before(windows, wish, aim, halfway)
    if before is not None and before >= halfway:
        return before
    return _after(windows, wish, aim, latest) or before


def holds(windows: Sequence[Window], instant: datetime) -> bool:
    """Whether one of them is open."""
    return any(
        window.cron.latest(instant, zone=window.zone, not_before=instant - window.length + timedelta(microseconds=1))
        for window in windows
    )


def _before(windows: Sequence[Window], wish: Wish, aim: datetime, halfway: datetime) -> datetime | None:
    """The last moment, in the plan of this Certificate, that a window offers up to ``aim``.

    One that is open already and ends before serves only a certificate that is past half of its time: else each edit of
    a new one would renew it.
    """
    found = []
    for window in windows:
        start = window.cron.latest(aim, zone=window.zone, not_before=wish.not_before - window.length)
        if start is None:
            continue
        end = start + window.length
        if end > aim:
            found.append(max(start, min(wish.soonest, aim), wish.now))
        elif start > wish.now or (not wish.is_new and start >= halfway and end > wish.now):
            found.append(max(start + window.length / 2 * wish.spread, wish.not_before, wish.now))
    return max(found, default=None)


def _after(windows: Sequence[Window], wish: Wish, aim: datetime, latest: datetime) -> datetime | None:
    """The first moment that a window offers after ``aim`` and early enough before expiry."""
    found = []
    for window in windows:
        start = window.cron.following(aim, zone=window.zone, until=latest)
        if start is not None:
            found.append(start + min(window.length / 2, latest - start) * wish.spread)
    return min(found, default=None)


def _window(given: RenewalWindow) -> Window:
    zone = _zone(given.timezone or "UTC")
    assert zone is not None  # noqa: S101 - windows with faults are not asked for
    length = min(max(given.window_duration, SHORTEST), HORIZON)
    return Window(cron=parse(given.cron), zone=zone, length=length)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    """The zone, or None where there is none of that name. Remembered: each miss would search the disk."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
