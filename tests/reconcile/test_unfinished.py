"""While something is still to be done, every status keeps what is true of the certificate that is there."""

from dataclasses import replace

import pytest

from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, Condition
from certwright.reconcile.certificate_conditions import ISSUING, READY
from certwright.reconcile.certificate_status import blocked, issued, settled
from certwright.reconcile.conditions import find
from tests.model.builders import (
    DAY,
    HOUR,
    NOW,
    certificate_of,
    observed_of,
    secret_of,
    spec_of,
    staged_of,
    with_status,
)
from tests.reconcile.statuses import (
    MINUTE,
    UNFINISHED,
    WHY,
    Builder,
    condition,
    failing,
    fresh,
    recorded,
    secret_in,
    unfinished,
)


def test_what_was_requested_counts_as_done_while_the_whole_status_is_empty() -> None:
    annotations = {ANNOTATION_RENEW: "a", ANNOTATION_RETRY: "b"}
    observed = replace(observed_of(), certificate=certificate_of(annotations=annotations))
    statuses = [settled(observed, secret_in(observed)), *(build(observed) for build in UNFINISHED.values())]
    assert {("a", "b")} == {(status.last_renew_request, status.last_retry_request) for status in statuses}


@unfinished
class TestUnfinished:
    def test_ready_is_false_without_a_certificate(self, build: Builder) -> None:
        status = build(fresh())
        assert condition(status, READY).status == "False"
        assert condition(status, READY).reason == condition(status, ISSUING).reason
        assert condition(status, READY).message == condition(status, ISSUING).message

    def test_ready_stays_true_while_a_good_certificate_is_there(self, build: Builder) -> None:
        for observed in (observed_of(), recorded()):
            status = build(replace(observed, now=NOW + 61 * DAY))
            assert condition(status, READY) == condition(observed.certificate.status, READY)
            assert status.fingerprint_sha256 == observed.certificate.status.fingerprint_sha256
            assert status.renewal_time == observed.certificate.status.renewal_time

    def test_ready_is_false_once_it_has_expired(self, build: Builder) -> None:
        observed = replace(recorded(), now=NOW + 91 * DAY)
        ready = condition(build(observed), READY)
        assert (ready.status, ready.last_transition_time) == ("False", observed.now)

    def test_every_condition_tells_of_which_generation_it_is(self, build: Builder) -> None:
        """`kubectl wait` takes a condition of an older generation for none."""
        observed = observed_of()
        edited = replace(
            observed, certificate=replace(observed.certificate, metadata=certificate_of(generation=7).metadata)
        )
        status = build(edited)
        assert status.observed_generation == 7
        assert {7} == {each.observed_generation for each in status.conditions}

    def test_said_again_it_is_the_same(self, build: Builder) -> None:
        for observed in (fresh(), replace(observed_of(), now=NOW + 61 * DAY), replace(recorded(), now=NOW + 61 * DAY)):
            once = build(observed)
            later = with_status(replace(observed, now=observed.now + MINUTE), once)
            assert once.conditions == build(later).conditions

    def test_a_good_secret_stays_checked(self, build: Builder) -> None:
        assert build(recorded()).secret == recorded().certificate.status.secret
        assert build(observed_of()).secret == observed_of().certificate.status.secret

    def test_a_secret_that_does_not_hold_what_is_wanted_is_read_again(self, build: Builder) -> None:
        observed = observed_of()
        status = observed.certificate.status
        changed = certificate_of(spec_of(dnsNames=["b.example.com"]), status, generation=2)
        seen = build(replace(observed, certificate=changed))
        assert seen.secret is None
        assert build(with_status(replace(observed, certificate=changed), seen)).secret is None

    def test_an_edit_that_was_not_applied_yet_has_the_secret_read_again(self, build: Builder) -> None:
        observed = observed_of()
        changed = certificate_of(spec_of(chain={"leafOnly": True}), observed.certificate.status, generation=2)
        assert build(replace(observed, certificate=changed)).secret is None

    @pytest.mark.parametrize(
        ("generation", "annotations"),
        [
            pytest.param(2, {}, id="the spec was changed"),
            pytest.param(1, {ANNOTATION_RETRY: "now"}, id="a retry was requested"),
        ],
    )
    def test_a_row_of_rejections_ends(self, build: Builder, generation: int, annotations: dict[str, str]) -> None:
        """Else the old delay would hold back the new request as soon as this status is written."""
        certificate = certificate_of(None, failing(), generation=generation, annotations=annotations)
        status = build(replace(fresh(), certificate=certificate))
        expected = (1, NOW) if build is UNFINISHED["rejected"] else (None, None)
        assert expected == (status.failed_issuance_attempts, status.last_failure_time)

    def test_a_row_of_rejections_goes_on(self, build: Builder) -> None:
        status = build(replace(fresh(), certificate=certificate_of(None, failing())))
        expected = (4, NOW) if build is UNFINISHED["rejected"] else (3, NOW - HOUR)
        assert expected == (status.failed_issuance_attempts, status.last_failure_time)

    def test_it_survives_the_api_server(self, build: Builder) -> None:
        status = build(fresh())
        assert status == CertificateStatus.from_api(status.to_api())


def test_the_transition_time_moves_only_with_the_status() -> None:
    first = blocked(fresh(), WHY, what_next="wait")
    later = with_status(replace(fresh(), now=NOW + HOUR), first)
    other = Finding(Reason.ISSUER_NOT_READY, "it is not ready")
    second = blocked(later, other, what_next="wait")
    assert condition(second, READY).reason == "IssuerNotReady"
    assert condition(second, READY).last_transition_time == NOW
    certificate = replace(later.certificate, status=second)
    good = issued(certificate, secret_of(certificate), staged_of(), NOW + HOUR)
    assert condition(good, READY).last_transition_time == NOW + HOUR


def test_conditions_of_others_survive() -> None:
    theirs = Condition(type="Audited", status="True")
    for build in UNFINISHED.values():
        observed = with_status(fresh(), CertificateStatus(conditions=(theirs,)))
        assert find(build(observed).conditions, "Audited") == theirs
    certificate = certificate_of(None, CertificateStatus(conditions=(theirs,)))
    assert find(issued(certificate, secret_of(certificate), staged_of(), NOW).conditions, "Audited") == theirs
