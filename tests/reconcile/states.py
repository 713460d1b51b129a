"""States that a Certificate can be found in, for the tests of what is done next."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from certwright.model.observed import Absent, AsRecorded, Observed
from certwright.model.reasons import Reason
from certwright.reconcile.certificate import next_step
from certwright.reconcile.steps import Begin, Report
from tests.model.builders import (
    DAY,
    HOUR,
    certificate_of,
    issued_status,
    observed_of,
    secret_of,
    spec_of,
    staged_metadata,
    staged_of,
    with_status,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def fresh(**changes: Any) -> Observed:
    """A Certificate that was just made: no Secret, no status."""
    return observed_of(secret=Absent(), **changes)


def edited(fields: dict[str, Any], **changes: Any) -> Observed:
    """An issued Certificate with a spec that was edited afterwards."""
    before = certificate_of()
    secret = secret_of(before)
    certificate = certificate_of(spec_of(**fields), issued_status(before, secret), generation=2)
    return observed_of(certificate, secret=secret, **changes)


def on_record(observed: Observed, **changes: Any) -> Observed:
    """The same with an enrolment staged that is for it."""
    staged = staged_of(observed.certificate.spec)
    return replace(observed, staged=replace(staged, **changes), staged_metadata=staged_metadata())


def as_recorded(observed: Observed) -> Observed:
    return replace(observed, secret=AsRecorded())


def settle(observed: Observed) -> Observed:
    """Carry out the reports that come, as the handlers do."""
    for _ in range(3):
        step = next_step(observed)
        if not isinstance(step, Report):
            return observed
        observed = with_status(observed, step.status)
    raise AssertionError("the status never comes to rest")


RENEWAL = timedelta(days=58, hours=22, minutes=43, seconds=6)
"""From NOW to the renewal of the certificate that the builders make."""
END = 90 * DAY - HOUR


def begins(observed: Observed) -> Reason | None:
    step = next_step(observed)
    return step.why.reason if isinstance(step, Begin) else None
