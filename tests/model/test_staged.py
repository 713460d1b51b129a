"""What was staged is read back as it was; a record of another request, or of no request at all, is told apart."""

import base64
import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.keys import KeyKind, public_der
from certwright.model.metadata import ENROLMENT_SECRET_TYPE
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec
from certwright.model.resources.schema import api_name
from certwright.model.staged import (
    RESUME_LIMIT,
    Destination,
    Staged,
    UnreadableRecordError,
    from_data,
    request_digest,
    staged_secret,
    to_data,
)
from tests.model.builders import KINDS, NOW, UID, key_of, metadata_of, spec_of, staged_of


def fields_of(staged: Staged) -> dict[str, Any]:
    everything = {name: getattr(staged, name) for name in staged.__slots__}
    return {**everything, "key": public_der(staged.key)}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_record_is_the_same_after_writing_and_reading(kind: KeyKind) -> None:
    staged = staged_of(
        key=key_of(kind),
        reason=Reason.DOES_NOT_EXIST,
        renew_request="now",
        resume={"order": "https://ca.example.com/order/1", "proofs": [{"token": "t"}], "ü": None},
    )
    assert fields_of(staged) == fields_of(from_data(to_data(staged)))


def test_an_instant_of_another_zone_stays_the_instant() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    assert from_data(to_data(staged_of(started_at=there))).started_at == NOW


def test_the_same_record_is_the_same_bytes() -> None:
    staged = staged_of()
    assert to_data(staged.going_on({"b": 1, "a": 2})) == to_data(staged.going_on({"a": 2, "b": 1}))


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.none(), st.text(max_size=50), st.integers(), st.booleans())))
def test_whatever_a_driver_must_remember_is_remembered(resume: dict[str, Any]) -> None:
    assert resume == from_data(to_data(staged_of(resume=resume))).resume


def test_resume_data_is_bounded() -> None:
    overhead = len(json.dumps({"x": ""}))
    to_data(staged_of(resume={"x": "a" * (RESUME_LIMIT - overhead)}))
    with pytest.raises(ValueError, match="65537 bytes is larger than 65536"):
        to_data(staged_of(resume={"x": "a" * (RESUME_LIMIT - overhead + 1)}))


def edited(**changes: Any) -> dict[str, bytes]:
    data = to_data(staged_of())
    about = {**json.loads(data["enrolment.json"]), **changes}
    return {**data, "enrolment.json": json.dumps(about).encode()}


def without(name: str) -> dict[str, bytes]:
    return {key: value for key, value in to_data(staged_of()).items() if key != name}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="empty"),
        *(pytest.param(without(name), id=f"without {name}") for name in to_data(staged_of())),
        pytest.param({**to_data(staged_of()), "enrolment.json": b"\xff"}, id="no text"),
        pytest.param({**to_data(staged_of()), "enrolment.json": b"{"}, id="no JSON"),
        pytest.param({**to_data(staged_of()), "enrolment.json": b"[]"}, id="a list"),
        pytest.param({**to_data(staged_of()), "enrolment.json": b"7"}, id="a number"),
        pytest.param({**to_data(staged_of()), "resume.json": b"[" * 100_000}, id="nested without end"),
        pytest.param({**to_data(staged_of()), "resume.json": b"[1]"}, id="resume data that is no object"),
        pytest.param({**to_data(staged_of()), "tls.key": b"junk"}, id="no key"),
        pytest.param(edited(reason="NeverHeardOf"), id="an unknown reason"),
        pytest.param(edited(startedAt="yesterday"), id="no instant"),
        pytest.param(edited(startedAt="2030-01-01T00:00:00"), id="an instant without a zone"),
        pytest.param(edited(renewRequest=7), id="a renewal request that is no text"),
        pytest.param(edited(digest=None), id="a digest that is no text"),
        pytest.param(edited(server=None), id="a server that is no text"),
    ],
)
def test_what_cannot_be_used_is_told_without_being_quoted(data: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableRecordError) as caught:
        from_data(data)
    assert str(caught.value) == "the staged enrolment cannot be read"


@given(st.binary(max_size=50), st.sampled_from(["enrolment.json", "resume.json", "tls.key"]))
def test_any_bytes_are_unreadable(junk: bytes, name: str) -> None:
    try:
        from_data({**to_data(staged_of()), name: junk})
    except UnreadableRecordError:
        return
    assert name == "resume.json"
    assert isinstance(json.loads(junk), dict)


def test_a_record_shows_neither_key_nor_what_may_hold_a_challenge() -> None:
    staged = staged_of(resume={"challenge": "hunter2"}, csr=b"with hunter2 in it")
    assert "hunter2" not in repr(staged)
    assert "PrivateKey" not in repr(staged)


HERE = Destination(issuer_uid="u", server="https://a", protocol="acme")


@pytest.mark.parametrize(
    ("digest", "destination", "is_same"),
    [
        pytest.param("d", HERE, True, id="the same"),
        pytest.param("other", HERE, False, id="another request"),
        pytest.param("d", replace(HERE, issuer_uid="v"), False, id="an issuer made anew"),
        pytest.param("d", replace(HERE, server="https://b"), False, id="another server"),
        pytest.param("d", replace(HERE, protocol="est"), False, id="another protocol"),
    ],
)
def test_a_record_is_for_one_request_to_one_ca(digest: str, destination: Destination, *, is_same: bool) -> None:
    assert is_same is staged_of(digest="d", destination=HERE).is_for(digest, destination)


def test_going_on_changes_nothing_but_what_the_driver_remembers() -> None:
    staged = staged_of(resume={"a": 1})
    assert fields_of(replace(staged, resume={"b": 2})) == fields_of(staged.going_on({"b": 2}))


REACHES_THE_REQUEST: dict[str, Any] = {
    "commonName": "web",
    "subject": {"organizations": ["Example"]},
    "literalSubject": "CN=web",
    "dnsNames": ["other.example.com"],
    "ipAddresses": ["10.0.0.1"],
    "uris": ["spiffe://example.com/a"],
    "emailAddresses": ["pki@example.com"],
    "otherNames": [{"oid": "1.2.3", "utf8Value": "x"}],
    "duration": "24h",
    "privateKey": {"algorithm": "RSA"},
    "signatureAlgorithm": "ECDSAWithSHA512",
    "usages": ["client auth"],
    "encodeUsagesInRequest": False,
    "isCA": True,
    "nameConstraints": {"permitted": {"dnsDomains": ["example.com"]}},
    "acme": {"profile": "short"},
    "est": {"serverKeyGeneration": True},
    "cmp": {"certProfile": "device"},
    "scep": {"challengeSecretRef": {"name": "challenge"}},
    "csr": {"extensions": [{"oid": "1.2.3", "value": "BQA="}]},
}
STAYS_HERE: dict[str, Any] = {
    "secretName": "other",
    "issuerRef": {"name": "other"},
    "issuerRefs": [{"name": "other"}],
    "renewBefore": "1h",
    "renewBeforePercentage": 10,
    "renewal": {"policy": "Disabled"},
    "secretTemplate": {"labels": {"a": "b"}},
    "keystores": {"jks": {"create": True, "password": "p"}},
    "additionalOutputFormats": [{"type": "DER"}],
    "revisionHistoryLimit": 3,
    "chain": {"leafOnly": True},
    "acceptChanges": ["Names"],
    "adoption": "Adopt",
    "revocation": {"onDelete": True},
    "deletion": "DeleteSecret",
    "rollout": {"targets": [{"kind": "Deployment", "name": "web"}]},
    "retry": {"initial": "5m"},
    "suspend": True,
}


def test_every_field_of_the_spec_is_on_one_side() -> None:
    fields = {api_name(name) for name in CertificateSpec.model_fields}
    assert fields == REACHES_THE_REQUEST.keys() | STAYS_HERE.keys()
    assert not REACHES_THE_REQUEST.keys() & STAYS_HERE.keys()


@pytest.mark.parametrize("field", REACHES_THE_REQUEST)
def test_an_edit_that_reaches_the_request_makes_it_another(field: str) -> None:
    assert request_digest(spec_of()) != request_digest(spec_of(**{field: REACHES_THE_REQUEST[field]}))


@pytest.mark.parametrize("field", STAYS_HERE)
def test_an_edit_that_stays_here_leaves_the_request_what_it_is(field: str) -> None:
    assert request_digest(spec_of()) == request_digest(spec_of(**{field: STAYS_HERE[field]}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"privateKey": {"encoding": "PKCS8"}}, id="an encoding where there was no block"),
        pytest.param(
            {"privateKey": {"algorithm": "RSA"}},
            {"privateKey": {"algorithm": "RSA", "encoding": "PKCS8"}},
            id="encoding",
        ),
        pytest.param({}, {"privateKey": {}, "csr": {}, "acme": {}}, id="empty blocks"),
        pytest.param({}, {"isCA": False, "uris": []}, id="defaults written out"),
        pytest.param({"dnsNames": ["a", "b"]}, {"dnsNames": ["b", "a"]}, id="names in another order"),
        pytest.param({"usages": ["any", "signing"]}, {"usages": ["signing", "any"]}, id="usages in another order"),
        pytest.param({"duration": "24h"}, {"duration": "1440m"}, id="the same duration in other units"),
    ],
)
def test_what_means_the_same_is_the_same_request(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert request_digest(spec_of(**before)) == request_digest(spec_of(**after))


@given(st.permutations(list(REACHES_THE_REQUEST.items())), st.sets(st.sampled_from(sorted(REACHES_THE_REQUEST))))
def test_the_order_of_fields_says_nothing(fields: list[tuple[str, Any]], left_out: set[str]) -> None:
    chosen = {name: value for name, value in fields if name not in left_out}
    in_order = {name: chosen[name] for name in sorted(chosen)}
    assert request_digest(spec_of(**in_order)) == request_digest(spec_of(**chosen))


def test_the_digest_survives_the_api_server() -> None:
    spec = spec_of(**REACHES_THE_REQUEST)
    assert request_digest(spec) == request_digest(CertificateSpec.model_validate(spec.to_api()))


def test_the_digest_of_a_spec_never_changes() -> None:
    """A changed number would drop every enrolment under way at an upgrade."""
    assert request_digest(spec_of()) == "27e0795226e9c1544b0a6f59adf0d187b13b8881bed6e41e36991026c0c18de2"


def test_the_secret_belongs_to_its_certificate_and_replaces_only_what_was_seen() -> None:
    data = {"tls.key": base64.b64encode(b"x").decode()}
    body = staged_secret(metadata_of(), data, resource_version="7")
    assert body["type"] == ENROLMENT_SECRET_TYPE
    assert body["data"] == data
    assert body["metadata"] == {
        "name": f"certwright-{UID}",
        "namespace": "team",
        "labels": {
            "certwright.io/managed": "true",
            "certwright.io/role": "enrolment",
            "certwright.io/certificate-uid": UID,
        },
        "annotations": {"certwright.io/certificate-name": "web"},
        "ownerReferences": [{"apiVersion": "certwright.io/v1alpha1", "kind": "Certificate", "name": "web", "uid": UID}],
        "resourceVersion": "7",
    }
    assert "resourceVersion" not in staged_secret(metadata_of(), data)["metadata"]
