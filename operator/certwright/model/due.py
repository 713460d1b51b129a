"""When the certificate that is there begins, ends and is to be renewed, as far as that is known."""

from datetime import datetime

from certwright.model.chain import fingerprint
from certwright.model.observed import AsRecorded, DeliveredSecret, Observed
from certwright.model.renewal import renewal_time


def due_time(observed: Observed) -> datetime | None:
    """When the certificate that is there is to be renewed; None: never, or there is none.

    The date that was set when it was issued stands until the spec changes; then, and where it was lost, it is derived
    afresh, so that an edited renewBefore counts at once.
    """
    certificate, status = observed.certificate, observed.certificate.status
    match observed.secret:
        case AsRecorded():
            is_issued = True
        case DeliveredSecret(leaf=leaf) if leaf is not None:
            is_issued = status.fingerprint_sha256 == fingerprint(leaf)
        case _:
            return None
    start, end = validity(observed)
    is_current = is_issued and status.observed_generation == certificate.metadata.generation
    if is_current and status.renewal_time is not None:
        return status.renewal_time
    if start is None or end is None:
        return None
    uid, now = certificate.metadata.uid, observed.now
    return renewal_time(certificate.spec, uid, not_before=start, not_after=end, now=now)


def not_after(observed: Observed) -> datetime | None:
    """When the certificate that is there expires."""
    return validity(observed)[1]


def validity(observed: Observed) -> tuple[datetime | None, datetime | None]:
    """From when and until when the certificate that is there is valid, as far as that is known."""
    match observed.secret:
        case DeliveredSecret(leaf=leaf) if leaf is not None:
            return leaf.not_valid_before_utc, leaf.not_valid_after_utc
        case AsRecorded():
            return observed.certificate.status.not_before, observed.certificate.status.not_after
        case _:
            return None, None
