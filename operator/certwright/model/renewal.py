"""When a certificate is renewed: a share of its actual lifetime, earlier by a jitter that never changes.

A fleet that was created together must not renew together, and a restart must not move anybody's date: the jitter is
a function of the Certificate's UID.
"""

import hashlib
from datetime import datetime, timedelta

from certwright.model.resources import CertificateSpec, RenewalPolicy

SHORT_LIFETIME = timedelta(days=10)
"""Below it half of the lifetime is left at renewal, above it a third: what Let's Encrypt recommends."""

LARGEST_JITTER = 0.1
"""Share of (notAfter - renewal time) by which a renewal may come earlier; never of more than lies before it."""


def renewal_time(spec: CertificateSpec, uid: str, *, not_before: datetime, not_after: datetime) -> datetime | None:
    """The instant of the next renewal, in whole seconds, or None where renewal is disabled."""
    if spec.renewal is not None and spec.renewal.policy is RenewalPolicy.DISABLED:
        return None
    lifetime = not_after - not_before
    before = _time_left(spec, lifetime)
    # An early renewal leaves little time before it: jitter over its end would renew without end.
    jitter = min(before, lifetime - before) * LARGEST_JITTER * _fraction(uid)
    due = max(not_after - before - jitter, not_before)
    return due.replace(microsecond=0)


def next_renewal(
    spec: CertificateSpec, uid: str, *, not_before: datetime, not_after: datetime, now: datetime
) -> datetime | None:
    """The renewal of a certificate that was issued just now, which is never at once.

    CAs date back: with a renewBefore close to the lifetime the new certificate would be overdue when it comes, and so
    would the next. It then lives half of what is left.
    """
    due = renewal_time(spec, uid, not_before=not_before, not_after=not_after)
    if due is None or due > now:
        return due
    return (now + max(not_after - now, timedelta(0)) / 2).replace(microsecond=0)


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
