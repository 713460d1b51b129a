"""What waits for its revocation is read back as it was, beside any enrolment and without one."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.keys import KeyKind, public_der
from certwright.model.metadata import Key, Kind
from certwright.model.staged import from_data as staged_from
from certwright.model.staged import holds_enrolment, staged_secret
from certwright.model.staged import to_data as staged_data
from certwright.model.superseded import RESUME_LIMIT, Superseded, as_stored, from_data, in_order, to_data
from tests.model.builders import CA, DAY, HOUR, KINDS, NOW, key_of, metadata_of, spec_of, staged_of

ISSUER = Key(Kind.ISSUER, "team", "ca")


def superseded(**changes: Any) -> Superseded:
    key = key_of()
    one = Superseded(certificate=CA.issue(spec_of(), key), key=key, issuer=ISSUER, due=NOW)
    return replace(one, **changes)


def fields_of(one: Superseded) -> dict[str, Any]:
    return {
        "certificate": one.certificate,
        "key": public_der(one.key) if one.key else None,
        "issuer": one.issuer,
        "due": one.due,
        "resume": one.resume,
    }


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_entry_is_the_same_after_writing_and_reading(kind: KeyKind) -> None:
    key = key_of(kind)
    one = superseded(certificate=CA.issue(spec_of(), key), key=key, resume={"transaction": "ü"})
    (read,) = from_data(to_data([one]))
    assert fields_of(read) == fields_of(one)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"key": None}, id="a key that is not kept"),
        pytest.param({"due": None}, id="a successor that is not delivered"),
        pytest.param({"issuer": Key(Kind.CLUSTER_ISSUER, "", "ca")}, id="a ClusterIssuer"),
    ],
)
def test_what_is_absent_stays_absent(changes: dict[str, Any]) -> None:
    one = superseded(**changes)
    (read,) = from_data(to_data([one]))
    assert fields_of(read) == fields_of(one)


def test_the_first_due_comes_first_and_the_candidate_last() -> None:
    later, first, candidate = superseded(due=NOW + HOUR), superseded(), superseded(due=None)
    assert in_order([candidate, later, first]) == (first, later, candidate)
    read = from_data(to_data([candidate, later, first]))
    assert [one.fingerprint for one in read] == [first.fingerprint, later.fingerprint, candidate.fingerprint]


def changed(**about: Any) -> bytes:
    (raw,) = to_data([superseded()]).values()
    return json.dumps({**json.loads(raw), **about}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(changed(certificate="junk"), id="no certificate"),
        pytest.param(changed(certificate=None), id="nothing for a certificate"),
        pytest.param(changed(key="junk"), id="no key"),
        pytest.param(changed(issuer="ca"), id="no issuer"),
        pytest.param(changed(due="2030-01-01T00:00:00"), id="an instant without a zone"),
        pytest.param(changed(resume="[1]"), id="resume data that is no object"),
    ],
)
def test_what_cannot_be_read_hides_no_other_entry(raw: bytes) -> None:
    good = superseded()
    (read,) = from_data({"superseded-x.json": raw, **to_data([good])})
    assert read.fingerprint == good.fingerprint


@given(st.binary(max_size=50))
def test_any_bytes_are_no_entry(junk: bytes) -> None:
    assert from_data({"superseded-x.json": junk}) == ()


def test_nothing_of_a_key_or_of_what_a_driver_remembers_is_shown() -> None:
    shown = repr(superseded(resume={"secret": "hunter2"}))
    assert "PrivateKey" not in shown
    assert "hunter2" not in shown


def test_it_has_expired_at_the_end_of_its_validity() -> None:
    one = superseded()
    end = one.certificate.not_valid_after_utc
    assert not one.has_expired(end - HOUR)
    assert one.has_expired(end)


def test_resume_data_is_bounded() -> None:
    overhead = len(json.dumps({"x": ""}))
    assert as_stored({"x": "a" * (RESUME_LIMIT - overhead)}) is not None
    assert as_stored({"x": "a" * (RESUME_LIMIT - overhead + 1)}) is None


def test_resume_data_is_compared_as_it_is_read_again() -> None:
    assert as_stored({"x": (1, 2)}) == {"x": [1, 2]}


class TestBesideAnEnrolment:
    def test_both_are_read_back(self) -> None:
        one = superseded(due=NOW + DAY)
        read = staged_from(staged_data(staged_of(superseded=(one,))))
        assert [fields_of(each) for each in read.superseded] == [fields_of(one)]

    @pytest.mark.parametrize(
        ("data", "is_enrolment"),
        [
            pytest.param(staged_data(staged_of()), True, id="an enrolment"),
            pytest.param(staged_data(staged_of(superseded=(superseded(),))), True, id="both"),
            pytest.param(to_data([superseded()]), False, id="what outlived it"),
            pytest.param({"enrolment.json": b"junk", **to_data([superseded()])}, True, id="an unreadable one and more"),
            pytest.param({}, True, id="nothing at all"),
            pytest.param({"superseded-x.json": b"junk"}, True, id="nothing that can be read"),
        ],
    )
    def test_whether_an_enrolment_is_there(self, data: dict[str, bytes], *, is_enrolment: bool) -> None:
        assert holds_enrolment(data) is is_enrolment

    @pytest.mark.parametrize(
        ("data", "role"),
        [
            pytest.param(staged_data(staged_of(superseded=(superseded(),))), "enrolment", id="both"),
            pytest.param(to_data([superseded()]), "revocation", id="what outlived it"),
        ],
    )
    def test_the_role_tells_which(self, data: dict[str, bytes], role: str) -> None:
        body = staged_secret(metadata_of(), dict.fromkeys(data, ""))
        assert body["metadata"]["labels"]["certwright.io/role"] == role
