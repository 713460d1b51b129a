"""How long a rejected request waits: the one backoff that survives restarts, since it is derived from the status."""

from datetime import datetime, timedelta

from certwright.model.chain import CLOCK_SKEW
from certwright.model.observed import Certificate
from certwright.model.resources import CertificateSpec
from certwright.model.wishes import retry_was_requested

INITIAL = timedelta(minutes=1)
SHORTEST = timedelta(seconds=1)
"""Whatever the spec says: without a delay a rejection would be asked for again without end."""

LONGEST = timedelta(hours=24)
FACTOR = 4
"""1 min, 4 min, 16 min, about an hour, 4 h, 17 h, 24 h: a typing error is mended soon, a hopeless name costs little."""


def rejection_delay(spec: CertificateSpec, attempts: int) -> timedelta:
    """The delay after the ``attempts``-th rejection in a row, 1 being the first."""
    retry = spec.retry
    initial = max((retry.initial if retry else None) or INITIAL, SHORTEST)
    longest = max((retry.max if retry else None) or LONGEST, initial)
    growth: int = FACTOR ** min(max(attempts, 1) - 1, 16)
    # Seconds, because a large delay times a large growth is no timedelta any more.
    return timedelta(seconds=min(initial.total_seconds() * growth, longest.total_seconds()))


def is_longest(spec: CertificateSpec, attempts: int) -> bool:
    """Whether the delay no longer grows."""
    return rejection_delay(spec, attempts) == rejection_delay(spec, attempts + 1)


def attempts_so_far(certificate: Certificate) -> int:
    """Rejections in a row; a changed spec or a retry request begins a new row."""
    status = certificate.status
    if status.observed_generation != certificate.metadata.generation or retry_was_requested(certificate):
        return 0
    return (status.failed_issuance_attempts or 0) if status.last_failure_time is not None else 0


def retry_at(certificate: Certificate, now: datetime) -> datetime | None:
    """When a rejected request may be made again, at the earliest; None: at once.

    A failure that is yet to come was noted while the clock was ahead; nobody waits for it.
    """
    status, attempts = certificate.status, attempts_so_far(certificate)
    if status.last_failure_time is None or not attempts or status.last_failure_time > now + CLOCK_SKEW:
        return None
    due = status.last_failure_time + rejection_delay(certificate.spec, attempts)
    is_told = status.last_error is not None and status.last_error.error_class == "Rejected"
    wish = status.next_action.when if status.next_action is not None and is_told else None
    return max(due, wish) if wish is not None else due
