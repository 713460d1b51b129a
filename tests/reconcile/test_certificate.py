"""The next step, for every state that a Certificate can be found in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certwright.model.chain import fingerprint, to_pem
from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY
from certwright.model.observed import Absent, AsRecorded, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, LastError, NextAction
from certwright.model.staged import Destination, request_digest
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_conditions import ISSUING, READY
from certwright.reconcile.conditions import find
from certwright.reconcile.issuer import NOT_PROBED
from certwright.reconcile.steps import Begin, Drop, GoOn, Reapply, Report, Sleep, Step
from tests.model.builders import (
    CA,
    DAY,
    HOUR,
    NOW,
    SERVER,
    certificate_of,
    issued_status,
    issuer_of,
    key_of,
    observed_of,
    pair_of,
    secret_of,
    spec_of,
    staged_metadata,
    staged_of,
    with_annotations,
    with_data,
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


def test_what_is_settled_sleeps_until_its_renewal() -> None:
    assert Sleep(NOW + RENEWAL) == next_step(observed_of())
    assert Sleep(NOW + RENEWAL) == next_step(as_recorded(observed_of()))


def test_without_a_renewal_it_sleeps_until_its_end() -> None:
    off = certificate_of(spec_of(renewal={"policy": "Disabled"}))
    assert Sleep(NOW + END) == next_step(observed_of(off))


@pytest.mark.parametrize("change", [lambda o: o, as_recorded], ids=["read", "as recorded"])
def test_an_end_without_a_renewal_is_told(change: Callable[[Observed], Observed]) -> None:
    off = certificate_of(spec_of(renewal={"policy": "Disabled"}))
    ended = change(replace(observed_of(off), now=NOW + END))
    step = next_step(ended)
    assert isinstance(step, Report)
    ready = find(step.status.conditions, READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", "Expired")
    assert Sleep(None) == next_step(settle(ended))


def begins(observed: Observed) -> Reason | None:
    step = next_step(observed)
    return step.why.reason if isinstance(step, Begin) else None


BEGUN: dict[str, tuple[Observed, Reason]] = {
    "new": (fresh(), Reason.DOES_NOT_EXIST),
    "its Secret was deleted": (observed_of(observed_of().certificate, secret=Absent()), Reason.DOES_NOT_EXIST),
    "its renewal is due": (replace(as_recorded(observed_of()), now=NOW + RENEWAL), Reason.RENEWING),
    "its spec was changed": (edited({"dnsNames": ["b.example.com"]}), Reason.REQUEST_CHANGED),
    "its issuer was changed": (edited({"issuerRef": {"name": "new"}}), Reason.INCORRECT_ISSUER),
    "its key was tampered with": (
        replace(observed_of(), secret=with_data(secret_of(certificate_of()), tls_key=b"x")),
        Reason.INVALID_KEY_PAIR,
    ),
}


@pytest.mark.parametrize(("observed", "reason"), BEGUN.values(), ids=list(BEGUN))
def test_an_enrolment_begins(observed: Observed, reason: Reason) -> None:
    step = next_step(observed)
    assert isinstance(step, Begin)
    assert reason is step.why.reason
    assert request_digest(observed.certificate.spec) == step.digest
    assert observed.issuer == step.issuer


def test_a_renewal_begins_when_it_is_requested() -> None:
    observed = as_recorded(observed_of())
    certificate = certificate_of(None, observed.certificate.status, annotations={ANNOTATION_RENEW: "now"})
    assert begins(replace(observed, certificate=certificate)) is Reason.MANUAL_RENEWAL


@pytest.mark.parametrize(("observed", "reason"), BEGUN.values(), ids=list(BEGUN))
def test_a_staged_enrolment_goes_on(observed: Observed, reason: Reason) -> None:
    del reason
    staged = on_record(observed)
    step = next_step(staged)
    assert isinstance(step, GoOn)
    assert (step.staged, step.metadata, step.issuer) == (staged.staged, staged.staged_metadata, staged.issuer)


OBSOLETE: dict[str, Observed] = {
    "another request": on_record(fresh(), digest="other"),
    "an issuer made anew": on_record(
        fresh(), destination=Destination(issuer_uid="old", server=SERVER, protocol="acme")
    ),
    "another server": replace(on_record(fresh()), issuer=issuer_of(server="https://new.example.com")),
    "a record that cannot be read": replace(fresh(), staged_metadata=staged_metadata()),
}


@pytest.mark.parametrize("observed", OBSOLETE.values(), ids=list(OBSOLETE))
def test_a_record_of_something_else_is_dropped(observed: Observed) -> None:
    assert observed.staged_metadata is not None
    assert Drop(observed.staged_metadata, observed.staged) == next_step(observed)
    assert begins(replace(observed, staged=None, staged_metadata=None)) is Reason.DOES_NOT_EXIST


def test_a_record_that_nobody_wants_any_more_is_dropped_and_taken_back() -> None:
    observed = on_record(observed_of())
    assert Drop(staged_metadata(), observed.staged) == next_step(observed)
    assert Drop(staged_metadata(), observed.staged) == next_step(as_recorded(observed))


def blocked_by(observed: Observed) -> tuple[str, str]:
    """The reason and the message with which a step tells what stands in the way."""
    step = next_step(observed)
    assert isinstance(step, Report), step
    issuing = find(step.status.conditions, ISSUING)
    assert issuing is not None
    assert issuing.status == "False"
    return issuing.reason, issuing.message


BLOCKED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, timedelta | None]] = {
    "suspended": ({"suspend": True}, {}, "Suspended", "spec.suspend is true", None),
    "a field that nothing implements": (
        {"rollout": {"targets": [{"kind": "Deployment", "name": "web"}]}},
        {},
        "NotImplemented",
        "cannot do spec.rollout yet: remove it from spec",
        None,
    ),
    "no issuer": (
        {},
        {"issuer": None},
        "IssuerNotFound",
        "Issuer ca does not exist in namespace team: create it",
        None,
    ),
    "no cluster issuer": (
        {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}},
        {"issuer": None},
        "IssuerNotFound",
        "ClusterIssuer ca does not exist: create it",
        None,
    ),
    "an issuer that is not ready": (
        {},
        {"issuer": issuer_of(obstacle="the server cannot be reached")},
        "IssuerNotReady",
        "Issuer team/ca is not ready: the server cannot be reached",
        None,
    ),
    "not allowed": (
        {},
        {"refusal": "dnsNames: a.example.com is not in allow.dnsNames"},
        "NotAllowed",
        "Issuer team/ca does not allow this: dnsNames: a.example.com is not in allow.dnsNames",
        30 * SECOND,
    ),
}
blocked_cases = pytest.mark.parametrize(
    ("fields", "changes", "reason", "told", "again"), BLOCKED.values(), ids=list(BLOCKED)
)


@blocked_cases
class TestWhatStandsInTheWay:
    def test_it_is_told_once(
        self, fields: dict[str, Any], changes: dict[str, Any], reason: str, told: str, again: timedelta | None
    ) -> None:
        observed = fresh(certificate=certificate_of(spec_of(**fields)), **changes)
        assert reason == blocked_by(observed)[0]
        assert told in blocked_by(observed)[1]
        step = next_step(observed)
        assert isinstance(step, Report)
        assert again == step.again
        ready = find(step.status.conditions, READY)
        assert ready is not None
        assert (ready.status, ready.reason) == ("False", reason)
        later = replace(settle(observed), now=NOW + HOUR)
        assert Sleep(later.now + again if again else None) == next_step(later)

    def test_a_good_certificate_stays_ready_and_is_not_told_twice(
        self, fields: dict[str, Any], changes: dict[str, Any], reason: str, told: str, again: timedelta | None
    ) -> None:
        del told
        issued = observed_of(certificate_of(spec_of(**fields)))
        observed = replace(as_recorded(issued), now=NOW + RENEWAL, **changes)
        assert reason == blocked_by(observed)[0]
        step = next_step(observed)
        assert isinstance(step, Report)
        ready = find(step.status.conditions, READY)
        assert ready is not None
        assert ready.status == "True"
        later = replace(with_status(observed, step.status), now=observed.now + MINUTE)
        assert Sleep(later.now + again if again else NOW + END) == next_step(later)

    def test_it_is_over_when_it_is_over(
        self, fields: dict[str, Any], changes: dict[str, Any], reason: str, told: str, again: timedelta | None
    ) -> None:
        del reason, told, again
        stuck = settle(fresh(certificate=certificate_of(spec_of(**fields)), **changes))
        freed = replace(
            stuck,
            certificate=certificate_of(spec_of(), stuck.certificate.status, generation=2 if fields else 1),
            issuer=issuer_of(),
            refusal=None,
        )
        assert begins(freed) is Reason.DOES_NOT_EXIST


def test_an_unsupported_field_is_told_of_a_settled_certificate_too() -> None:
    observed = edited({"revocation": {"onDelete": True}})
    assert blocked_by(observed) == (
        "NotImplemented",
        "this version of certwright cannot do spec.revocation yet: remove it from spec",
    )


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"dnsNames": ["b.example.com"]}, id="names"),
        pytest.param({"privateKey": {"algorithm": "RSA"}}, id="key"),
    ],
)
def test_a_changed_spec_is_not_forgotten_while_the_issuer_is_not_ready(fields: dict[str, Any]) -> None:
    """The status has seen the generation by then: the Secret must not count as checked for it."""
    stuck = settle(edited(fields, issuer=issuer_of(obstacle="away")))
    assert stuck.certificate.status.observed_generation == 2
    assert stuck.certificate.status.secret is None, "or the Secret would not be read again"
    assert begins(replace(stuck, issuer=issuer_of())) in {Reason.REQUEST_CHANGED, Reason.SECRET_MISMATCH}


CREATED = "2029-12-31T23:59:57Z"


@pytest.mark.parametrize(
    ("obstacle", "created", "now", "until"),
    [
        pytest.param(NOT_PROBED, CREATED, NOW, NOW + 2 * SECOND, id="just made and not probed yet"),
        pytest.param(NOT_PROBED, CREATED, NOW + 2 * SECOND, None, id="not probed for long"),
        pytest.param(NOT_PROBED, "", NOW, None, id="of unknown age"),
        pytest.param("the server is away", CREATED, NOW, None, id="just made, probed and not ready"),
    ],
)
def test_an_issuer_that_was_just_made_is_waited_for_without_a_word(
    obstacle: str, created: str, now: Any, until: Any
) -> None:
    observed = replace(fresh(issuer=issuer_of(obstacle=obstacle, creation_timestamp=created)), now=now)
    step = next_step(observed)
    assert (Sleep(until) == step) if until else isinstance(step, Report)


def test_a_foreign_secret_is_looked_at_again_and_never_written() -> None:
    secret = with_annotations(secret_of(certificate_of()), certificate_name="other")
    observed = observed_of(certificate_of(), secret=secret)
    observed = with_status(observed, CertificateStatus())
    step = next_step(observed)
    assert isinstance(step, Report)
    assert step.again == 30 * SECOND
    ready = find(step.status.conditions, READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("False", "SecretNotOwned")
    later = replace(settle(observed), now=NOW + MINUTE)
    assert Sleep(NOW + MINUTE + 30 * SECOND) == next_step(later)


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


def test_drift_is_mended_without_the_ca() -> None:
    observed = observed_of()
    assert not isinstance(observed.secret, Absent | AsRecorded)
    step = next_step(replace(observed, secret=with_annotations(observed.secret, alt_names="forged")))
    assert isinstance(step, Reapply)
    assert step.drift == ("annotation certwright.io/alt-names",)
    assert step.body == next_body(observed)
    assert step.secret.resource_version == "20"


def next_body(observed: Observed) -> Any:
    """What an apply would write: told by a step that applies for another reason."""
    metadata = certificate_of(generation=2).metadata
    step = next_step(replace(observed, certificate=replace(observed.certificate, metadata=metadata)))
    assert isinstance(step, Reapply)
    return step.body


@pytest.mark.parametrize(
    ("fields", "drift"),
    [
        pytest.param({"renewBefore": "24h"}, ("spec",), id="nothing that shows"),
        pytest.param({"chain": {"leafOnly": True}}, ("data tls.crt", "spec"), id="the chain"),
        pytest.param({"privateKey": {"encoding": "PKCS8"}}, ("data tls.key", "spec"), id="the encoding"),
        pytest.param({"secretTemplate": {"labels": {"a": "b"}}}, ("label a", "spec"), id="the template"),
    ],
)
def test_an_edit_that_needs_no_certificate_is_applied(fields: dict[str, Any], drift: tuple[str, ...]) -> None:
    step = next_step(edited(fields))
    assert isinstance(step, Reapply)
    assert drift == step.drift


def test_the_annotations_of_another_name_for_the_issuer_stay() -> None:
    """The Secret keeps saying who issued it, even where the Certificate names several."""
    observed = edited({"issuerRef": None, "issuerRefs": [{"name": "ca"}], "renewBefore": "24h"})
    step = next_step(observed)
    assert isinstance(step, Reapply)
    assert step.body["metadata"]["annotations"]["certwright.io/issuer-name"] == "ca"


def test_a_lost_status_is_found_again_without_an_enrolment() -> None:
    observed = observed_of()
    lost = with_status(observed, CertificateStatus())
    annotated = certificate_of(None, annotations={ANNOTATION_RENEW: "old", ANNOTATION_RETRY: "old"})
    step = next_step(replace(lost, certificate=annotated))
    assert isinstance(step, Report)
    before, found = observed.certificate.status, step.status
    assert found.revision == 1
    assert (found.last_renew_request, found.last_retry_request) == ("old", "old")
    requests = {"last_renew_request": None, "last_retry_request": None}
    assert before == found.model_copy(update=requests)
    assert Sleep(NOW + RENEWAL) == next_step(replace(lost, certificate=replace(annotated, status=found)))


def test_failure_fields_go_when_nothing_is_wanted_any_more() -> None:
    """A renewal was requested and rejected, and then the request was withdrawn."""
    observed = as_recorded(observed_of())
    failing = observed.certificate.status.model_copy(
        update={
            "failed_issuance_attempts": 3,
            "last_failure_time": NOW,
            "last_error": LastError(error_class="Rejected", reason="Rejected"),
            "next_action": NextAction(what="try again"),
        }
    )
    step = next_step(with_status(observed, failing))
    assert isinstance(step, Report)
    assert observed.certificate.status == step.status


class TestAfterAKillBetweenTheTwoWrites:
    """The Secret holds the staged key with a good certificate, and the status does not know it."""

    def delivered(self, before: CertificateStatus | None, **changes: Any) -> Observed:
        annotations = {ANNOTATION_RENEW: "now"}
        certificate = certificate_of(None, before, annotations=annotations)
        key = key_of(number=7)
        secret = secret_of(certificate, pair_of(certificate.spec, key))
        staged = staged_of(key=key, renew_request="now", resume={"order": "o"})
        observed = Observed(
            certificate=certificate,
            secret=secret,
            issuer=issuer_of(),
            now=NOW + MINUTE,
            staged=staged,
            staged_metadata=staged_metadata(),
        )
        return replace(observed, **changes)

    @pytest.mark.parametrize(
        ("before", "revision"),
        [
            pytest.param(None, 1, id="a first certificate"),
            pytest.param(observed_of().certificate.status, 2, id="a renewal"),
            pytest.param(
                observed_of().certificate.status.model_copy(update={"fingerprint_sha256": None}),
                2,
                id="a status without a fingerprint",
            ),
        ],
    )
    def test_only_status_and_unstage_remain(self, before: CertificateStatus | None, revision: int) -> None:
        observed = self.delivered(before)
        step = next_step(observed)
        assert isinstance(step, Report)
        assert step.again is None
        assert not isinstance(observed.secret, Absent | AsRecorded)
        assert observed.secret.leaf is not None
        assert fingerprint(observed.secret.leaf) == step.status.fingerprint_sha256
        assert revision == step.status.revision
        assert step.status.last_renew_request == "now"
        told = with_status(observed, step.status)
        assert Drop(staged_metadata(), None) == next_step(told)
        unstaged = replace(told, staged=None, staged_metadata=None)
        assert isinstance(next_step(unstaged), Sleep)
        assert isinstance(next_step(as_recorded(unstaged)), Sleep)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"issuer": None}, id="the issuer is gone"),
            pytest.param({"issuer": issuer_of(obstacle="away")}, id="the issuer is not ready"),
            pytest.param({"refusal": "no"}, id="it is no longer allowed"),
        ],
    )
    def test_nothing_that_only_a_new_request_needs_stands_in_the_way(self, changes: dict[str, Any]) -> None:
        assert isinstance(next_step(self.delivered(None, **changes)), Report)
        observed = self.delivered(None, **changes)
        assert settle(observed).certificate.status.revision == 1

    def test_suspending_does_not_hide_what_was_delivered(self) -> None:
        observed = self.delivered(None)
        suspended = replace(observed.certificate, spec=spec_of(suspend=True))
        assert settle(replace(observed, certificate=suspended)).certificate.status.revision == 1

    def test_a_spec_that_was_changed_meanwhile_is_enrolled_anew(self) -> None:
        observed = self.delivered(observed_of().certificate.status)
        spec = spec_of(dnsNames=["b.example.com"])
        changed = replace(observed, certificate=certificate_of(spec, observed.certificate.status, generation=2))
        assert Drop(staged_metadata(), changed.staged) == next_step(changed)

    def test_a_certificate_that_came_too_late_is_not_called_ready(self) -> None:
        observed = replace(self.delivered(None), now=NOW + 91 * DAY)
        assert not isinstance(next_step(observed), Report)

    def test_a_key_that_is_kept_is_no_proof_of_delivery(self) -> None:
        """rotationPolicy Never: the staged key is the Secret's own before anything is issued."""
        spec = spec_of(privateKey={"rotationPolicy": "Never"})
        due = replace(observed_of(certificate_of(spec)), now=NOW + RENEWAL)
        staged = on_record(due, key=key_of())
        assert isinstance(next_step(staged), GoOn)

    def test_a_kept_key_with_a_new_certificate_is_delivered(self) -> None:
        spec = spec_of(privateKey={"rotationPolicy": "Never"})
        renewed = replace(observed_of(certificate_of(spec)), now=NOW + RENEWAL)
        leaf = CA.issue(spec, not_before=NOW + RENEWAL, not_after=NOW + RENEWAL + 90 * DAY)
        secret = secret_of(renewed.certificate, pair_of(spec, leaf=leaf))
        step = next_step(on_record(replace(renewed, secret=secret), key=key_of()))
        assert isinstance(step, Report)
        assert step.status.revision == 2
        assert step.status.fingerprint_sha256 == fingerprint(leaf)

    def test_another_key_in_the_secret_is_no_delivery(self) -> None:
        observed = self.delivered(None, staged=staged_of(key=key_of(number=8)))
        assert not isinstance(next_step(settle(observed)), GoOn | Begin)
        assert settle(observed).certificate.status.last_renew_request == "now", "an empty status counts it as done"


def test_a_whole_life_comes_to_rest_in_every_state() -> None:
    """No state is told anew each time that it is looked at."""
    states: list[Observed] = [observed_of(), fresh(issuer=None), edited({"suspend": True, "isCA": True})]
    states += [
        fresh(certificate=certificate_of(spec_of(**fields)), **changes) for fields, changes, *_ in BLOCKED.values()
    ]
    for state in states:
        rested = replace(settle(state), now=NOW + HOUR)
        assert not isinstance(next_step(rested), Report)


def annotations_say(step: Step) -> dict[str, str]:
    assert isinstance(step, Reapply)
    said: dict[str, str] = step.body["metadata"]["annotations"]
    return said


def test_a_secret_without_annotations_of_its_issuer_gets_them_from_the_spec() -> None:
    bare = with_annotations(secret_of(certificate_of()), issuer_name=None, issuer_kind=None, issuer_group=None)
    said = annotations_say(next_step(observed_of(certificate_of(), secret=bare)))
    assert said["certwright.io/issuer-name"] == "ca"
    assert said["certwright.io/issuer-kind"] == "Issuer"
    assert said["certwright.io/issuer-group"] == "certwright.io"


def test_the_chain_in_the_secret_is_what_is_written_again() -> None:
    observed = edited({"renewBefore": "24h"})
    step = next_step(observed)
    assert isinstance(step, Reapply)
    assert not isinstance(observed.secret, Absent | AsRecorded)
    assert to_pem(observed.secret.chain) == observed.secret.data["tls.crt"]
    assert step.body["data"].keys() == {"tls.crt", "tls.key", "ca.crt"}
