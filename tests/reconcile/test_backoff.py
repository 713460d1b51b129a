"""Delays after rejections grow, stay bounded, and end with what ended them."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.metadata import ANNOTATION_RETRY
from certwright.model.observed import Certificate
from certwright.model.resources import CertificateStatus
from certwright.reconcile.backoff import attempts_so_far, is_longest, rejection_delay, retry_at
from tests.model.builders import NOW, certificate_of, spec_of

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("fields", "delays"),
    [
        pytest.param({}, ["1m", "4m", "16m", "64m", "256m", "1024m", "1440m", "1440m"], id="by default"),
        pytest.param({"initial": "10m", "max": "1h"}, ["10m", "40m", "60m", "60m"], id="as the spec says"),
        pytest.param({"initial": "48h"}, ["2880m", "2880m"], id="the first is longer than the longest"),
        pytest.param({"max": "30s"}, ["1m", "1m"], id="the longest is shorter than the first"),
    ],
)
def test_delays_grow_to_the_longest(fields: dict[str, str], delays: list[str]) -> None:
    spec = spec_of(retry=fields)
    expected = [int(delay[:-1]) * MINUTE for delay in delays]
    assert expected == [rejection_delay(spec, attempt) for attempt in range(1, len(delays) + 1)]


@pytest.mark.parametrize(
    ("initial", "delay"),
    [
        pytest.param("0.001s", timedelta(seconds=1), id="next to nothing is a second"),
        pytest.param("0s", MINUTE, id="nothing is the default"),
    ],
)
def test_a_rejection_is_never_asked_for_again_at_once(initial: str, delay: timedelta) -> None:
    assert delay == rejection_delay(spec_of(retry={"initial": initial}), 1)


durations = st.integers(0, 999_999).map(lambda hours: f"{hours}h")


@given(durations, durations, st.integers(0, 10**9))
def test_every_delay_is_a_length_of_time(initial: str, longest: str, attempts: int) -> None:
    spec = spec_of(retry={"initial": initial, "max": longest})
    delay = rejection_delay(spec, attempts)
    assert timedelta(seconds=1) <= delay
    assert delay <= rejection_delay(spec, attempts + 1)


def test_the_longest_delay_is_known_as_such() -> None:
    assert [is_longest(spec_of(), attempt) for attempt in (1, 6, 7, 8)] == [False, False, True, True]


def after(attempts: int | None, **changes: Any) -> Certificate:
    status = CertificateStatus(
        observed_generation=1, failed_issuance_attempts=attempts, last_failure_time=NOW, last_retry_request="old"
    )
    return certificate_of(None, status.model_copy(update=changes.pop("status", {})), **changes)


@pytest.mark.parametrize(
    ("certificate", "attempts"),
    [
        pytest.param(after(3), 3, id="as counted"),
        pytest.param(after(None), 0, id="none"),
        pytest.param(after(3, generation=2), 0, id="the spec was changed"),
        pytest.param(after(3, annotations={ANNOTATION_RETRY: "new"}), 0, id="a retry is requested"),
        pytest.param(after(3, annotations={ANNOTATION_RETRY: "old"}), 3, id="a retry was done"),
        pytest.param(after(3, status={"last_failure_time": None}), 0, id="nobody knows when"),
        pytest.param(after(3, status={"observed_generation": None}), 0, id="nobody knows of what"),
    ],
)
def test_rejections_in_a_row_are_counted(certificate: Certificate, attempts: int) -> None:
    assert attempts == attempts_so_far(certificate)
    expected = NOW + rejection_delay(certificate.spec, attempts) if attempts else None
    assert expected == retry_at(certificate, NOW)


@pytest.mark.parametrize(
    ("ahead", "waits"),
    [pytest.param(timedelta(minutes=9), True, id="a little"), pytest.param(timedelta(days=99), False, id="far")],
)
def test_nobody_waits_for_a_failure_that_was_noted_while_the_clock_was_ahead(ahead: timedelta, *, waits: bool) -> None:
    assert waits is (retry_at(after(3), NOW - ahead) is not None)
