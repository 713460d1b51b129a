"""Statuses say what is true now: failures go with their cause, and Ready is about the certificate that is there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certwright.model.chain import fingerprint
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY
from certwright.model.observed import CHECKS, AsRecorded, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, Condition, IssuedBy, NextAction, SecretSeen
from certwright.reconcile.certificate_conditions import ISSUING, READY
from certwright.reconcile.certificate_status import (
    MESSAGE_LIMIT,
    blocked,
    issued,
    settled,
    settled_unread,
    under_way,
)
from certwright.reconcile.conditions import find
from certwright.reconcile.failure_status import describe, failed, internal_error
from tests.model.builders import (
    CA,
    DAY,
    HOUR,
    NOW,
    certificate_of,
    observed_of,
    pair_of,
    secret_of,
    spec_of,
    staged_of,
    with_status,
)
from tests.reconcile.statuses import MINUTE, REJECTION, WHY, condition, failing, fresh, recorded, secret_in


def test_an_issued_certificate_is_described_whole() -> None:
    certificate = certificate_of()
    secret = secret_of(certificate)
    status = issued(certificate, secret, staged_of(), NOW)
    leaf = secret.chain[0]
    assert (status.not_before, status.not_after) == (NOW - HOUR, NOW - HOUR + 90 * DAY)
    assert status.renewal_time is not None
    assert NOW < status.renewal_time < NOW + 90 * DAY
    assert status.revision == 1
    assert status.serial_number == f"{leaf.serial_number:x}"
    assert status.fingerprint_sha256 == fingerprint(leaf)
    assert status.issuer_ref == IssuedBy(name="ca", kind="Issuer", group="certwright.io")
    assert status.protocol == "acme"
    assert status.secret == SecretSeen(name="web-tls", uid="secret-uid", resource_version="20", checks=CHECKS)
    assert status.next_action == NextAction(what="renew the certificate", when=status.renewal_time)
    assert status.conditions == (
        Condition(
            type=READY,
            status="True",
            reason="Ready",
            message="The certificate is up to date and has not expired.",
            last_transition_time=NOW,
            observed_generation=1,
        ),
    )


def test_each_issuance_is_counted() -> None:
    observed = observed_of()
    again = issued(observed.certificate, secret_in(observed), staged_of(), NOW)
    assert again.revision == 2


@pytest.mark.parametrize(
    ("asked", "before", "expected"),
    [
        pytest.param("2", "1", "2", id="the request that it answers"),
        pytest.param(None, "1", "1", id="none, and an earlier one is not forgotten"),
        pytest.param(None, None, None, id="none ever"),
        pytest.param("", "1", "", id="an empty value"),
    ],
)
def test_an_issuance_answers_the_request_that_was_there_when_it_began(
    asked: str | None, before: str | None, expected: str | None
) -> None:
    known = recorded(last_renew_request=before)
    certificate = certificate_of(None, known.certificate.status, annotations={ANNOTATION_RENEW: "later"})
    status = issued(certificate, secret_of(certificate), staged_of(renew_request=asked), NOW)
    assert expected == status.last_renew_request


def test_failures_go_when_a_certificate_comes() -> None:
    certificate = certificate_of(None, failing(), annotations={ANNOTATION_RETRY: "1"})
    status = issued(certificate, secret_of(certificate), staged_of(), NOW)
    assert status.failed_issuance_attempts is None
    assert status.last_failure_time is None
    assert status.last_error is None
    assert status.enrolment is None
    assert find(status.conditions, ISSUING) is None
    assert status.last_retry_request == "1"


def test_a_settled_status_is_the_one_that_was_written_at_issuance() -> None:
    observed = observed_of()
    assert observed.certificate.status == settled(observed, secret_in(observed))
    assert observed.certificate.status == settled_unread(replace(observed, secret=AsRecorded()))
    later = replace(observed, now=NOW + DAY)
    assert observed.certificate.status == settled(later, secret_in(observed))


def test_a_settled_status_survives_the_api_server() -> None:
    observed = observed_of()
    assert observed.certificate.status == CertificateStatus.from_api(observed.certificate.status.to_api())


@pytest.mark.parametrize(
    "field", ["conditions", "not_after", "revision", "issuer_ref", "protocol", "secret", "next_action"]
)
def test_a_lost_field_is_found_again(field: str) -> None:
    observed = observed_of()
    whole = observed.certificate.status
    lost = whole.model_copy(update={field: CertificateStatus.model_fields[field].default})
    assert whole == settled(with_status(observed, lost), secret_in(observed))


def test_the_protocol_is_not_invented_where_the_issuer_is_gone() -> None:
    lost = replace(with_status(observed_of(), CertificateStatus()), issuer=None)
    assert settled(lost, secret_in(lost)).protocol is None


def test_what_stands_in_the_way_is_told() -> None:
    status = blocked(fresh(), WHY, what_next="issue as soon as the issuer is there")
    issuing = condition(status, ISSUING)
    assert (issuing.status, issuing.reason, issuing.message) == ("False", "IssuerNotFound", "Issuer ca does not exist")
    assert status.next_action == NextAction(what="issue as soon as the issuer is there")
    assert status.enrolment is None


def test_an_enrolment_under_way_is_told() -> None:
    status = under_way(fresh(), staged_of(reason=Reason.DOES_NOT_EXIST), "waiting for DNS", NOW + MINUTE)
    issuing = condition(status, ISSUING)
    assert (issuing.status, issuing.reason, issuing.message) == ("True", "DoesNotExist", "waiting for DNS")
    assert status.enrolment is not None
    assert status.enrolment.protocol == "acme"
    assert (status.enrolment.started_at, status.enrolment.poll_after) == (NOW, NOW + MINUTE)
    assert status.enrolment.message == "waiting for DNS"
    assert status.next_action == NextAction(what="ask the CA again", when=NOW + MINUTE)


class OfAKind(TransientError):
    """A driver's own refinement."""


@pytest.mark.parametrize(
    ("error", "word", "reason"),
    [
        pytest.param(TransientError("x"), "Transient", "Unreachable", id="transient"),
        pytest.param(TransientError("x", reason=Reason.RATE_LIMITED), "Transient", "RateLimited", id="rate limit"),
        pytest.param(RejectedError("x"), "Rejected", "Rejected", id="rejected"),
        pytest.param(IssuerError("x"), "Issuer", "IssuerNotReady", id="issuer"),
        pytest.param(OfAKind("x"), "Transient", "Unreachable", id="a subclass"),
        pytest.param(EnrolmentError("x"), "Internal", "Unreachable", id="none of them"),
    ],
)
def test_a_failure_is_told_by_who_must_act(error: EnrolmentError, word: str, reason: str) -> None:
    status = failed(fresh(), error, delay=MINUTE, is_longest=False)
    assert status.last_error is not None
    assert (status.last_error.error_class, status.last_error.reason) == (word, reason)
    assert status.last_error.time == NOW
    assert condition(status, ISSUING).reason == reason


@pytest.mark.parametrize("error", [TransientError("x"), IssuerError("x")], ids=["transient", "issuer"])
def test_only_rejections_are_counted(error: EnrolmentError) -> None:
    status = failed(fresh(), error, delay=MINUTE, is_longest=False)
    assert status.failed_issuance_attempts is None
    assert status.last_failure_time is None


@pytest.mark.parametrize(
    ("is_longest", "expected"),
    [
        pytest.param(False, NextAction(what="try again", when=NOW + 5 * MINUTE), id="a delay that will grow"),
        pytest.param(True, NextAction(what="try again every 5m"), id="the longest delay, said once for all"),
    ],
)
def test_the_next_attempt_is_told(expected: NextAction, *, is_longest: bool) -> None:
    status = failed(fresh(), REJECTION, delay=5 * MINUTE, is_longest=is_longest)
    assert expected == status.next_action


def test_a_long_message_is_cut() -> None:
    status = failed(fresh(), RejectedError("x" * 5000, code="y" * 5000), delay=MINUTE, is_longest=False)
    assert status.last_error is not None
    assert len(status.last_error.message) == MESSAGE_LIMIT
    assert len(status.last_error.code or "") == 253
    assert len(condition(status, ISSUING).message) == MESSAGE_LIMIT


def test_a_retry_request_is_done_with_the_attempt() -> None:
    asked = certificate_of(None, failing(last_retry_request="1"), annotations={ANNOTATION_RETRY: "2"})
    assert (
        failed(replace(fresh(), certificate=asked), REJECTION, delay=MINUTE, is_longest=False).last_retry_request == "2"
    )
    removed = certificate_of(None, failing(last_retry_request="1"))
    status = failed(replace(fresh(), certificate=removed), REJECTION, delay=MINUTE, is_longest=False)
    assert status.last_retry_request == "1"


@pytest.mark.parametrize("observed", [fresh(), observed_of(), recorded()], ids=["new", "read", "recorded"])
def test_a_failure_of_our_own_says_nothing_of_the_certificate(observed: Observed) -> None:
    before, status = observed.certificate.status, internal_error(observed, delay=MINUTE)
    assert before.conditions == status.conditions
    assert before.observed_generation == status.observed_generation
    assert status.last_error is not None
    assert (status.last_error.error_class, status.last_error.reason) == ("Internal", "InternalError")
    assert status.next_action == NextAction(what="try again", when=NOW + MINUTE)
    assert before == status.model_copy(update={"last_error": None, "next_action": before.next_action})


def test_a_certificate_that_comes_overdue_is_given_time() -> None:
    spec = spec_of(renewBefore="2159h30m")
    certificate = certificate_of(spec)
    status = issued(certificate, secret_of(certificate, pair_of(spec, leaf=CA.issue(spec))), staged_of(spec), NOW)
    assert status.renewal_time == NOW + (90 * DAY - HOUR) / 2


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        pytest.param(timedelta(seconds=90), "90s", id="seconds"),
        pytest.param(5 * MINUTE, "5m", id="minutes"),
        pytest.param(24 * HOUR, "24h", id="hours"),
        pytest.param(timedelta(0), "0s", id="none"),
        pytest.param(timedelta(minutes=61), "61m", id="no whole hour"),
    ],
)
def test_a_delay_is_told_in_short_words(delay: timedelta, words: str) -> None:
    assert words == describe(delay)
