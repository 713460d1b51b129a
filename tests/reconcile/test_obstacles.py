"""What stands in the way of an enrolment is told once, and is over when it is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certwright.model.metadata import ANNOTATION_RENEW
from certwright.model.observed import Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_conditions import ISSUING, READY
from certwright.reconcile.conditions import find
from certwright.reconcile.issuer import NOT_PROBED
from certwright.reconcile.steps import Reapply, Report, Sleep
from tests.model.builders import (
    HOUR,
    NOW,
    certificate_of,
    issued_status,
    issuer_of,
    observed_of,
    secret_of,
    spec_of,
    with_annotations,
    with_status,
)
from tests.reconcile.states import END, MINUTE, RENEWAL, SECOND, as_recorded, begins, edited, fresh, settle


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
    "a label that no Secret can have": (
        {"secretTemplate": {"labels": {"team": "web shop"}}},
        {},
        "InvalidSpec",
        "spec.secretTemplate.labels has the value 'web shop' for team, which no label can have",
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
    "a keystore that cannot be written": (
        {"keystores": {"pkcs12": {"create": True, "password": "p", "profile": "LegacyRC2"}}},
        {},
        "NotImplemented",
        "LegacyRC2 cannot be written",
        None,
    ),
    "no password for a keystore": (
        {},
        {"keystore_obstacle": "spec.keystores.jks.passwordSecretRef: Secret team/p does not exist: create it"},
        "MissingReference",
        "spec.keystores.jks.passwordSecretRef: Secret team/p does not exist",
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
            keystore_obstacle=None,
        )
        assert begins(freed) is Reason.DOES_NOT_EXIST


def test_an_unsupported_field_is_told_of_a_settled_certificate_too() -> None:
    observed = edited({"rollout": {"targets": [{"kind": "Deployment", "name": "web"}]}})
    assert blocked_by(observed) == (
        "NotImplemented",
        "this version of certwright cannot do spec.rollout yet: remove it from spec",
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


def test_an_edit_that_shows_nowhere_is_applied_when_the_obstacle_is_gone() -> None:
    """A label was removed from the template while a requested renewal was blocked; then the request was withdrawn."""
    labelled = certificate_of(spec_of(secretTemplate={"labels": {"a": "b"}}))
    secret = secret_of(labelled)
    asked = certificate_of(None, issued_status(labelled, secret), generation=2, annotations={ANNOTATION_RENEW: "1"})
    stuck = settle(observed_of(asked, secret=secret, issuer=None))
    assert stuck.certificate.status.observed_generation == 2
    withdrawn = certificate_of(None, stuck.certificate.status, generation=2)
    step = next_step(replace(stuck, certificate=withdrawn))
    assert isinstance(step, Reapply)
    assert step.drift == ("spec",)
    assert "a" not in step.body["metadata"]["labels"]


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


def test_every_state_comes_to_rest() -> None:
    """No state is told anew each time that it is looked at."""
    states: list[Observed] = [observed_of(), fresh(issuer=None), edited({"suspend": True, "isCA": True})]
    states += [
        fresh(certificate=certificate_of(spec_of(**fields)), **changes) for fields, changes, *_ in BLOCKED.values()
    ]
    for state in states:
        rested = replace(settle(state), now=NOW + HOUR)
        assert not isinstance(next_step(rested), Report)
