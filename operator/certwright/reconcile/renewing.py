"""What users are told of when a certificate is renewed: windows that cannot be read or met, a validity of the CA's own.

None of it makes a good certificate bad. `certificate_conditions` and `certificate_status` put it into the status, and
``handlers`` make Events of `window_error` and `other_validity`.
"""

from datetime import datetime, timedelta

from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.renewal import is_out_of_hours
from certwright.model.renewal_windows import faults
from certwright.model.resources import CertificateSpec, CertificateStatus
from certwright.model.resources.fields import format_duration, format_instant

RENEW = "renew the certificate"
RENEW_OUT_OF_HOURS = f"{RENEW} outside spec.renewal.windows, none of which opens in time"

TOLERANCE = 0.05
"""Share by which a validity may differ from ``spec.duration`` without a word: CAs round and date back."""


def unreadable_windows(spec: CertificateSpec) -> Finding | None:
    """Windows that are no windows. A certificate that is there is renewed all the same, without regard to them."""
    found = faults(spec)
    if not found:
        return None
    return Finding(Reason.INVALID_SPEC, f"renewals keep to no window until this is mended: {'; '.join(found)}")


def renewal_in_words(spec: CertificateSpec, due: datetime | None) -> str:
    """The renewal that comes next, for ``status.nextAction``."""
    return RENEW_OUT_OF_HOURS if is_out_of_hours(spec, due) else RENEW


def window_error(before: CertificateStatus, after: CertificateStatus) -> str | None:
    """The text of an Event where it has just turned out that a renewal is overdue for its windows."""
    action, earlier = after.next_action, before.next_action
    if action is None or action.when is None or action.what != RENEW_OUT_OF_HOURS:
        return None
    if earlier is not None and earlier.what == RENEW_OUT_OF_HOURS:
        return None
    until = f", which ends at {format_instant(after.not_after)}" if after.not_after is not None else ""
    return (
        f"none of spec.renewal.windows opens in time for this certificate{until}: it is renewed outside them, at "
        f"{format_instant(action.when)}; widen the windows, or ask for a longer validity"
    )


def other_validity(spec: CertificateSpec, start: datetime | None, end: datetime | None) -> str | None:
    """That the CA gave another validity than ``spec.duration`` asks for, which is its right."""
    if spec.duration is None or start is None or end is None:
        return None
    lifetime = end - start
    if abs(lifetime - spec.duration) <= spec.duration * TOLERANCE:
        return None
    given, asked = format_duration(_rounded(lifetime)), format_duration(spec.duration)
    return f"the CA made the certificate valid for {given}, and spec.duration asks for {asked}"


def _rounded(lifetime: timedelta) -> timedelta:
    """Certificates end a second before their last instant is over, which nobody wants to read."""
    seconds = lifetime.total_seconds()
    return timedelta(seconds=seconds + 1 if (seconds + 1) % 60 == 0 else seconds)
