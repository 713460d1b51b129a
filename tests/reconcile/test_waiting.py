"""After a rejection it is waited, and what happens meanwhile is told all the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certwright.model.metadata import ANNOTATION_RETRY
from certwright.model.observed import Absent, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, LastError, NextAction
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_conditions import READY
from certwright.reconcile.conditions import find
from certwright.reconcile.steps import Report, Sleep
from tests.model.builders import (
    DAY,
    HOUR,
    NOW,
    certificate_of,
    observed_of,
    spec_of,
    with_status,
)
from tests.reconcile.states import END, MINUTE, SECOND, as_recorded, begins, fresh, settle


def rejected(attempts: int = 1, *, wish: timedelta | None = None, **fields: Any) -> Observed:
    """A new Certificate whose last request was rejected at NOW."""
    status = CertificateStatus(
        observed_generation=1,
        failed_issuance_attempts=attempts,
        last_failure_time=NOW,
        last_error=LastError(error_class="Rejected", reason="Rejected", message="no"),
        next_action=NextAction(what="try again", when=NOW + wish) if wish else None,
    )
    return fresh(certificate=certificate_of(spec_of(**fields), status))


@pytest.mark.parametrize(
    ("observed", "delay"),
    [
        pytest.param(rejected(), MINUTE, id="once"),
        pytest.param(rejected(3), 16 * MINUTE, id="three times"),
        pytest.param(rejected(99), DAY, id="very often"),
        pytest.param(rejected(retry={"initial": "10m"}), 10 * MINUTE, id="a delay of its own"),
        pytest.param(rejected(wish=HOUR), HOUR, id="the CA wishes for more"),
        pytest.param(rejected(3, wish=MINUTE), 16 * MINUTE, id="the CA wishes for less"),
    ],
)
def test_a_rejected_request_waits(observed: Observed, delay: timedelta) -> None:
    assert Sleep(NOW + delay) == next_step(observed)
    assert Sleep(NOW + delay) == next_step(replace(observed, now=NOW + delay - SECOND))
    assert begins(replace(observed, now=NOW + delay)) is Reason.DOES_NOT_EXIST


def test_a_changed_spec_ends_the_waiting() -> None:
    observed = rejected(9)
    certificate = certificate_of(None, observed.certificate.status, generation=2)
    assert begins(replace(observed, certificate=certificate)) is Reason.DOES_NOT_EXIST


def test_a_retry_request_ends_the_waiting_once() -> None:
    observed = rejected(9)
    status, annotations = observed.certificate.status, {ANNOTATION_RETRY: "1"}
    asked = certificate_of(None, status, annotations=annotations)
    assert begins(replace(observed, certificate=asked)) is Reason.DOES_NOT_EXIST
    done = certificate_of(None, status.model_copy(update={"last_retry_request": "1"}), annotations=annotations)
    assert Sleep(NOW + DAY) == next_step(replace(observed, certificate=done))


def rejected_renewal() -> Observed:
    """A renewal that was rejected so often that the certificate ends before it may be tried again."""
    observed = as_recorded(observed_of())
    status = observed.certificate.status.model_copy(
        update={"failed_issuance_attempts": 20, "last_failure_time": NOW + END - HOUR}
    )
    return replace(with_status(observed, status), now=NOW + END - HOUR)


def test_an_end_during_the_waiting_is_told_in_time() -> None:
    observed = rejected_renewal()
    assert Sleep(NOW + END) == next_step(observed)
    ended = replace(observed, now=NOW + END)
    step = next_step(ended)
    assert isinstance(step, Report)
    ready = find(step.status.conditions, READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", "Expired")
    assert Sleep(NOW + END - HOUR + DAY) == next_step(settle(ended))


def test_a_secret_deleted_during_the_waiting_is_told() -> None:
    observed = replace(rejected_renewal(), secret=Absent())
    step = next_step(observed)
    assert isinstance(step, Report)
    ready = find(step.status.conditions, READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", "DoesNotExist")
