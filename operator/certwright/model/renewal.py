"""When a certificate is renewed: a share of its actual lifetime, earlier by a jitter that never changes.

A fleet that was created together must not renew together, and a restart must not move anybody's date: the jitter is
a function of the Certificate's UID.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from certwright.model.renewal_windows import Wish, fitted, holds, windows_of
from certwright.model.resources import CertificateSpec, RenewalPolicy

SHORT_LIFETIME = timedelta(days=10)
"""Below it half of the lifetime is left at renewal, above it a third: what Let's Encrypt recommends."""

LARGEST_JITTER = 0.1
"""Share of (notAfter - renewal time) by which a renewal may come earlier; never of more than lies before it."""


def renewal_time(
    spec: CertificateSpec, uid: str, *, not_before: datetime, not_after: datetime, now: datetime
) -> datetime | None:
    """The instant of the next renewal, in whole seconds, or None where renewal is disabled.

    ``now`` counts only where there are windows: one that has passed can no more be met.
    """
    wish = _wish(spec, uid, not_before=not_before, not_after=not_after, now=now, is_new=False)
    return None if is_disabled(spec) else _planned(spec, wish)


def next_renewal(
    spec: CertificateSpec, uid: str, *, not_before: datetime, not_after: datetime, now: datetime
) -> datetime | None:
    """The renewal of a certificate that was issued just now, which is never at once.

    CAs date back: with a renewBefore close to the lifetime the new certificate would be overdue when it comes, and so
    would the next. It then lives half of what is left.
    """
    wish = _wish(spec, uid, not_before=not_before, not_after=not_after, now=now, is_new=True)
    if wish.soonest.replace(microsecond=0) <= now:
        late = now + max(not_after - now, timedelta(0)) / 2
        wish = replace(wish, soonest=late, desired=late)
    return None if is_disabled(spec) else _planned(spec, wish)


def is_disabled(spec: CertificateSpec) -> bool:
    """Whether time alone never renews."""
    return spec.renewal is not None and spec.renewal.policy is RenewalPolicy.DISABLED


def is_out_of_hours(spec: CertificateSpec, due: datetime | None) -> bool:
    """Whether a renewal is planned outside the windows, which happens only where none comes in time."""
    windows = windows_of(spec)
    return due is not None and bool(windows) and not holds(windows, due)


def _planned(spec: CertificateSpec, wish: Wish) -> datetime:
    windows = windows_of(spec)
    due = fitted(windows, wish) if windows else None
    return (due or wish.soonest).replace(microsecond=0)


def _wish(
    spec: CertificateSpec, uid: str, *, not_before: datetime, not_after: datetime, now: datetime, is_new: bool
) -> Wish:
    lifetime = not_after - not_before
    before = _time_left(spec, lifetime)
    # An early renewal leaves little time before it: jitter over its end would renew without end.
    jitter = min(before, lifetime - before) * LARGEST_JITTER * _fraction(uid)
    return Wish(
        soonest=max(not_after - before - jitter, not_before),
        desired=max(not_after - before, not_before),
        not_before=not_before,
        not_after=not_after,
        now=now,
        is_new=is_new,
        spread=_fraction(uid),
    )


def _time_left(spec: CertificateSpec, lifetime: timedelta) -> timedelta:
    if spec.renew_before is not None and timedelta(0) < spec.renew_before < lifetime:
        return spec.renew_before
    if spec.renew_before_percentage is not None:
        return lifetime * spec.renew_before_percentage / 100
    return lifetime / (2 if lifetime < SHORT_LIFETIME else 3)


def _fraction(uid: str) -> float:
    """From 0 to 1, evenly spread over UIDs."""
    digest = hashlib.sha256(uid.encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
