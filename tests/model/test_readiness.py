"""Whether workloads can rely on what is there, whose it is, when it is due and what was requested."""

from dataclasses import replace
from typing import Any

import pytest

from certwright.model import adoption, policy
from certwright.model.due import due_time
from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY
from certwright.model.observed import Absent, AsRecorded, DeliveredSecret, Observed
from certwright.model.reasons import Reason
from certwright.model.wishes import retry_was_requested
from tests.model.builders import (
    DAY,
    HOUR,
    NOW,
    certificate_of,
    common_name,
    key_of,
    observed_of,
    pair_of,
    secret_of,
    signed,
    spec_of,
    with_annotations,
    with_status,
)
from tests.model.worlds import RECORDED, SECOND, Change, asked, emptied, world


@pytest.mark.parametrize(
    ("value", "done", "is_wanted"),
    [
        pytest.param(None, None, False, id="nothing was ever requested"),
        pytest.param("1", None, True, id="a first request"),
        pytest.param("1", "1", False, id="a request that was done"),
        pytest.param("2", "1", True, id="another request"),
        pytest.param(None, "1", False, id="the request was removed"),
        pytest.param("", None, True, id="an empty value is a value"),
        pytest.param("", "", False, id="an empty value that was done"),
        pytest.param("x" * 5000, "x" * 1024, False, id="a long value that was done"),
        pytest.param("x" * 5000, "x" * 1023, True, id="a long value that is new"),
    ],
)
def test_a_request_is_done_once_for_each_value(value: str | None, done: str | None, *, is_wanted: bool) -> None:
    renewed = asked(value, RECORDED.model_copy(update={"last_renew_request": done}))
    found = policy.first(policy.TRIGGERS, renewed)
    assert is_wanted is (found is not None and found.reason is Reason.MANUAL_RENEWAL)
    retried = asked(value, RECORDED.model_copy(update={"last_retry_request": done}), ANNOTATION_RETRY)
    assert is_wanted is retry_was_requested(retried.certificate)


def test_a_request_counts_as_done_while_the_whole_status_is_empty() -> None:
    secret = secret_of(certificate_of())
    certificate = certificate_of(annotations={ANNOTATION_RENEW: "1", ANNOTATION_RETRY: "1"})
    observed = emptied(observed_of(certificate, secret=secret))
    assert policy.first(policy.TRIGGERS, observed) is None
    assert not retry_was_requested(observed.certificate)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param(NOW, None, id="before the renewal"),
        pytest.param(NOW + 61 * DAY, Reason.RENEWING, id="after it"),
    ],
)
def test_a_secret_that_was_not_read_again_is_judged_by_the_status(now: Any, reason: Reason | None) -> None:
    observed = replace(observed_of(), secret=AsRecorded(), now=now)
    found = policy.first(policy.TRIGGERS, observed)
    assert reason == (found.reason if found else None)


@pytest.mark.parametrize("lost", [["renewal_time"], ["renewal_time", "not_before"], ["renewal_time", "not_after"]])
def test_a_lost_renewal_time_is_derived_again_as_far_as_that_can_be_done(lost: list[str]) -> None:
    observed = replace(observed_of(), secret=AsRecorded())
    status = observed.certificate.status.model_copy(update=dict.fromkeys(lost))
    expected = observed.certificate.status.renewal_time if len(lost) == 1 else None
    assert expected == due_time(with_status(observed, status))


def test_the_date_set_at_issuance_stands_until_the_spec_changes() -> None:
    """A certificate that came overdue would else be renewed as soon as its Secret is read for any reason."""
    certificate = certificate_of(spec_of(renewBefore="2159h30m"))
    observed = observed_of(certificate)
    assert policy.first(policy.TRIGGERS, observed) is None
    assert observed.certificate.status.renewal_time == due_time(observed)
    edited = replace(
        observed.certificate, spec=spec_of(renewBefore="1h"), metadata=certificate_of(generation=2).metadata
    )
    later = due_time(replace(observed, certificate=edited))
    assert later is not None
    assert later > NOW + 89 * DAY


READINESS: dict[str, tuple[Observed, Reason | None]] = {
    "all is well": (world(), None),
    "a renewal is due": (replace(world(), now=NOW + 61 * DAY), None),
    "a renewal was requested": (asked("1", RECORDED), None),
    "it has expired": (replace(world(), now=NOW + 91 * DAY), Reason.EXPIRED),
    "it has expired, unread": (replace(world(), secret=AsRecorded(), now=NOW + 91 * DAY), Reason.EXPIRED),
    "it expired while renewal was off": (
        replace(world(renewal={"policy": "Disabled"}), now=NOW + 91 * DAY),
        Reason.EXPIRED,
    ),
    "the spec changed": (world(dnsNames=["b.example.com"]), Reason.REQUEST_CHANGED),
    "the Secret is another Certificate's": (
        world(lambda s: with_annotations(s, certificate_name="other")),
        Reason.SECRET_NOT_OWNED,
    ),
    "the Secret is immutable": (world(lambda s: replace(s, is_immutable=True)), None),
}


@pytest.mark.parametrize(("observed", "reason"), READINESS.values(), ids=list(READINESS))
def test_this_is_whether_a_workload_can_rely_on_it(observed: Observed, reason: Reason | None) -> None:
    found = policy.first(policy.READINESS, observed)
    assert reason == (found.reason if found else None)


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_certificate_expires_at_its_last_instant(seconds: int) -> None:
    end = NOW - HOUR + 90 * DAY
    observed = replace(world(), now=end + seconds * SECOND)
    assert (seconds < 0) is (policy.certificate_has_expired(observed) is None)


def unlabelled(secret: DeliveredSecret) -> DeliveredSecret:
    return replace(secret, metadata=replace(secret.metadata, labels={}))


def put_in_its_place(secret: DeliveredSecret) -> DeliveredSecret:
    return replace(secret, metadata=replace(secret.metadata, labels={}, uid="another"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda s: s, None, id="ours"),
        pytest.param(unlabelled, None, id="ours, with its labels taken away"),
        pytest.param(put_in_its_place, "exists and was not written by certwright", id="nobody's"),
        pytest.param(
            lambda s: with_annotations(s, certificate_name="other"), "was written for Certificate other", id="another's"
        ),
        pytest.param(
            lambda s: replace(s, is_immutable=True), "is immutable and cannot be written: delete it", id="immutable"
        ),
    ],
)
def test_what_was_not_written_for_this_certificate_is_not_touched(change: Change, told: str | None) -> None:
    found = adoption.conflict(world(change))
    assert (found is None) is (told is None)
    if found is not None:
        assert found.reason is Reason.SECRET_NOT_OWNED
        assert str(told) in found.message
        assert "delete" in found.message


@pytest.mark.parametrize("secret", [Absent(), AsRecorded()], ids=["absent", "as recorded"])
def test_no_secret_is_nobodys_conflict(secret: Absent | AsRecorded) -> None:
    assert adoption.conflict(replace(world(), secret=secret)) is None


def test_a_self_signed_certificate_is_as_good_as_any_when_it_is_what_was_asked_for() -> None:
    spec = spec_of(dnsNames=None, commonName="me")
    leaf = signed(common_name("me"), key_of(), by=(common_name("me"), key_of()), valid=(NOW - HOUR, NOW + 90 * DAY))
    observed = observed_of(certificate_of(spec), secret=secret_of(certificate_of(spec), pair_of(spec, leaf=leaf)))
    assert policy.first(policy.READINESS, observed) is None
