"""When an issuer can be asked, when it is probed again, and what its status says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certwright.model.chain import fingerprint
from certwright.model.enrolment import IssuerReport
from certwright.model.metadata import ANNOTATION_NEW_ACCOUNT, Key
from certwright.model.observed import KnownIssuer
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEAccount, ClusterIssuerSpec, Condition, IssuerSpec, IssuerStatus
from certwright.model.staged import Destination
from certwright.reconcile.conditions import find
from certwright.reconcile.issuer import (
    NOT_PROBED,
    PROBE_INTERVAL,
    is_new_account_wanted,
    is_probe_due,
    known_issuer,
    probed,
    unready,
)
from tests.model.builders import NOW, ROOT, SERVER

SECOND = timedelta(seconds=1)
READY = {"type": "Ready", "status": "True", "observedGeneration": 2}
PROBED: dict[str, Any] = {"conditions": [READY], "lastProbe": "2030-01-01T00:00:00Z"}
ACME = {"acme": {"server": SERVER, "privateKeySecretRef": {"name": "account"}}}
EST = {"est": {"url": "https://est.example.com"}}


def body(kind: str = "Issuer", spec: dict[str, Any] | None = None, status: Any = None, **meta: Any) -> dict[str, Any]:
    namespace = {"namespace": "team"} if kind == "Issuer" else {}
    metadata = {"name": "ca", "uid": "u", "resourceVersion": "5", "generation": 2, **namespace, **meta}
    return {"kind": kind, "metadata": metadata, "spec": spec or ACME, "status": status}


def known(status: Any = None, spec: dict[str, Any] | None = None, **meta: Any) -> KnownIssuer:
    return known_issuer(body(status=status, spec=spec, **meta))


def asking(value: str) -> dict[str, Any]:
    return {"annotations": {ANNOTATION_NEW_ACCOUNT: value}}


@pytest.mark.parametrize(
    ("kind", "key", "model"),
    [
        pytest.param("Issuer", Key("Issuer", "team", "ca"), IssuerSpec, id="Issuer"),
        pytest.param("ClusterIssuer", Key("ClusterIssuer", "", "ca"), ClusterIssuerSpec, id="ClusterIssuer"),
    ],
)
def test_an_issuer_is_read_from_its_body(kind: str, key: Key, model: type[IssuerSpec]) -> None:
    issuer = known_issuer(body(kind, creationTimestamp="2030-01-01T00:00:00Z", labels={"a": "b"}))
    assert key == issuer.key
    assert isinstance(issuer.spec, model)
    assert issuer.destination == Destination(issuer_uid="u", server=SERVER, protocol="acme")
    assert issuer.metadata.creation_timestamp == "2030-01-01T00:00:00Z"
    assert issuer.metadata.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("spec", "server", "protocol"),
    [
        pytest.param(ACME, SERVER, "acme", id="ACME"),
        pytest.param(EST, "https://est.example.com", "est", id="EST"),
        pytest.param({"cmp": {"url": "http://cmp.example.com"}}, "http://cmp.example.com", "cmp", id="CMP"),
        pytest.param({"scep": {"url": "https://scep.example.com"}}, "https://scep.example.com", "scep", id="SCEP"),
    ],
)
def test_requests_go_to_the_protocols_own_server(spec: dict[str, Any], server: str, protocol: str) -> None:
    destination = known(spec=spec).destination
    assert (server, protocol) == (destination.server, destination.protocol)


@pytest.mark.parametrize(
    ("issuer", "obstacle"),
    [
        pytest.param(known(PROBED), None, id="ready"),
        pytest.param(known(), NOT_PROBED, id="new"),
        pytest.param(known({"conditions": [{**READY, "observedGeneration": 1}]}), NOT_PROBED, id="edited since"),
        pytest.param(known({"conditions": [{"type": "Ready", "status": "True"}]}), NOT_PROBED, id="of no generation"),
        pytest.param(
            known({"conditions": [{**READY, "status": "False", "message": "it is away"}]}), "it is away", id="unready"
        ),
        pytest.param(
            known({"conditions": [{**READY, "status": "False", "reason": "Unreachable"}]}),
            "Unreachable",
            id="unready without a message",
        ),
        pytest.param(
            known(PROBED, deletionTimestamp="2030-01-01T00:00:00Z"), "it is being deleted", id="being deleted"
        ),
    ],
)
def test_this_is_why_an_issuer_cannot_be_asked(issuer: KnownIssuer, obstacle: str | None) -> None:
    assert obstacle == issuer.obstacle


ACCOUNT: dict[str, Any] = {**PROBED, "acme": {"uri": "https://ca.example.com/acct/1", "lastNewAccountRequest": "1"}}


@pytest.mark.parametrize(
    ("issuer", "after", "is_due"),
    [
        pytest.param(known(PROBED), timedelta(0), False, id="just probed"),
        pytest.param(known(PROBED), PROBE_INTERVAL - SECOND, False, id="before the interval is over"),
        pytest.param(known(PROBED), PROBE_INTERVAL, True, id="after the interval"),
        pytest.param(known(), timedelta(0), True, id="never probed"),
        pytest.param(known({"conditions": [READY]}), timedelta(0), True, id="ready, but nobody knows since when"),
        pytest.param(known({**PROBED, "conditions": [{**READY, "status": "False"}]}), timedelta(0), True, id="unready"),
        pytest.param(known(PROBED, generation=3), timedelta(0), True, id="edited since"),
        pytest.param(known(ACCOUNT, **asking("2")), timedelta(0), True, id="a new account is wanted"),
        pytest.param(known(ACCOUNT, **asking("1")), timedelta(0), False, id="a new account was made"),
        pytest.param(known(PROBED, EST, **asking("1")), timedelta(0), False, id="an account where there are none"),
    ],
)
def test_a_probe_is_due(issuer: KnownIssuer, after: timedelta, *, is_due: bool) -> None:
    assert is_due is is_probe_due(issuer, NOW + after)


@pytest.mark.parametrize(
    ("issuer", "is_wanted"),
    [
        pytest.param(known(ACCOUNT), False, id="nothing is asked"),
        pytest.param(known(ACCOUNT, **asking("1")), False, id="it was done"),
        pytest.param(known(ACCOUNT, **asking("2")), True, id="another"),
        pytest.param(known(**asking("1")), True, id="the first"),
        pytest.param(known(spec=EST, **asking("1")), False, id="no ACME"),
    ],
)
def test_a_new_account_is_made_once_for_each_value(issuer: KnownIssuer, *, is_wanted: bool) -> None:
    assert is_wanted is is_new_account_wanted(issuer)


REPORT = IssuerReport(
    message="The directory was read.",
    capabilities=("profiles",),
    ca_certificates=(ROOT.certificate,),
    account_uri="https://ca.example.com/acct/2",
)


def test_a_probe_that_succeeded_is_told_whole() -> None:
    status = probed(known(**asking("1")), REPORT, (), NOW.replace(microsecond=5))
    ready = find(status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason, ready.message) == ("True", "Ready", "The directory was read.")
    assert ready.observed_generation == 2
    assert (status.protocol, status.url, status.observed_generation) == ("acme", SERVER, 2)
    assert status.capabilities == ("profiles",)
    [ca] = status.ca_certificates
    assert ca.fingerprint_sha256 == fingerprint(ROOT.certificate)
    assert ca.subject == "CN=Root"
    assert ca.not_after == ROOT.certificate.not_valid_after_utc
    assert status.last_probe == NOW
    assert status.acme == ACMEAccount(uri=REPORT.account_uri, server=SERVER, last_new_account_request="1")


def test_a_probed_issuer_can_be_asked_and_needs_no_probe() -> None:
    issuer = known(**asking("1"))
    again = known(probed(issuer, REPORT, (), NOW).to_api(), **asking("1"))
    assert again.obstacle is None
    assert not is_probe_due(again, NOW)
    assert probed(again, REPORT, (), NOW) == again.status


def test_what_only_another_version_knows_of_the_account_survives() -> None:
    before = known({**ACCOUNT, "acme": {**ACCOUNT["acme"], "keyThumbprint": "t"}})
    account = probed(before, REPORT, (), NOW).acme
    assert account is not None
    assert (account.key_thumbprint, account.last_new_account_request) == ("t", "1")


def test_a_protocol_without_accounts_has_none() -> None:
    assert probed(known(spec=EST), replace(REPORT, account_uri=""), (), NOW).acme is None


def test_an_unready_issuer_keeps_what_was_known_of_it() -> None:
    before = known(probed(known(), REPORT, (), NOW).to_api())
    status = unready(before, Finding(Reason.UNREACHABLE, "No answer."), NOW + PROBE_INTERVAL)
    ready = find(status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason, ready.message) == ("False", "Unreachable", "No answer.")
    assert ready.last_transition_time == NOW + PROBE_INTERVAL
    assert status.acme == before.status.acme
    assert status.capabilities == before.status.capabilities
    assert status.last_probe == NOW


def test_conditions_of_others_survive() -> None:
    theirs = Condition(type="Audited", status="True")
    issuer = replace(known(), status=IssuerStatus(conditions=(theirs,)))
    assert find(probed(issuer, REPORT, (), NOW).conditions, "Audited") == theirs
