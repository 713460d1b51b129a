"""What is done next with a Certificate: begin, go on, drop, write again, tell, sleep."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from certwright.model.chain import to_pem
from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY
from certwright.model.observed import Absent, AsRecorded, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, LastError, NextAction
from certwright.model.staged import Destination, request_digest
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_conditions import READY
from certwright.reconcile.conditions import find
from certwright.reconcile.steps import Begin, Drop, GoOn, Reapply, Report, Sleep, Step
from tests.model.builders import (
    NOW,
    SERVER,
    certificate_of,
    issuer_of,
    observed_of,
    secret_of,
    spec_of,
    staged_metadata,
    with_annotations,
    with_data,
    with_status,
)
from tests.reconcile.states import END, RENEWAL, as_recorded, begins, edited, fresh, on_record, settle


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
