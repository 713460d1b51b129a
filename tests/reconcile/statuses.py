"""Builders of statuses and of the states that they are built in, for the tests of both."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certwright.model.errors import RejectedError, TransientError
from certwright.model.observed import Absent, AsRecorded, DeliveredSecret, Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, Condition, LastError
from certwright.reconcile.certificate_conditions import ISSUING
from certwright.reconcile.certificate_status import blocked, under_way
from certwright.reconcile.conditions import find
from certwright.reconcile.failure_status import failed
from tests.model.builders import (
    HOUR,
    NOW,
    observed_of,
    staged_of,
    with_status,
)

MINUTE = timedelta(minutes=1)
WHY = Finding(Reason.ISSUER_NOT_FOUND, "Issuer ca does not exist")
REJECTION = RejectedError("The CA said no.", code="rejectedIdentifier")
Builder = Callable[[Observed], CertificateStatus]

UNFINISHED: dict[str, Builder] = {
    "blocked": lambda observed: blocked(observed, WHY, what_next="wait"),
    "under way": lambda observed: under_way(observed, staged_of(), "waiting for the CA", observed.now + MINUTE),
    "rejected": lambda observed: failed(observed, REJECTION, delay=MINUTE, is_longest=False),
    "transient": lambda observed: failed(observed, TransientError("No answer."), delay=MINUTE, is_longest=False),
}
unfinished = pytest.mark.parametrize("build", UNFINISHED.values(), ids=list(UNFINISHED))


def fresh() -> Observed:
    return observed_of(secret=Absent())


def recorded(**status: Any) -> Observed:
    """An issued Certificate whose Secret was not read again."""
    observed = replace(observed_of(), secret=AsRecorded())
    return with_status(observed, observed.certificate.status.model_copy(update=status))


def condition(status: CertificateStatus, kind: str) -> Condition:
    found = find(status.conditions, kind)
    assert found is not None
    return found


def secret_in(observed: Observed) -> DeliveredSecret:
    assert isinstance(observed.secret, DeliveredSecret)
    return observed.secret


def failing(**more: Any) -> CertificateStatus:
    return CertificateStatus(
        observed_generation=1,
        failed_issuance_attempts=3,
        last_failure_time=NOW - HOUR,
        last_error=LastError(error_class="Rejected", reason="Rejected", message="no"),
        conditions=(Condition(type=ISSUING, status="False", reason="Rejected"),),
        **more,
    )
