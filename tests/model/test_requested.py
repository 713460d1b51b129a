"""The record of what was asked for: short, stable over versions, and the same for what means the same."""

from typing import Any

import pytest

from certwright.model.requested import NONE, requested, still_requested, usual_signature
from certwright.model.resources import SignatureAlgorithm
from tests.model.builders import KINDS, P256, spec_of

STABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "names": ({"dnsNames": ["b.example.com", "A.example.com"]}, "names", "1bf29b2db0109e29"),
    "subject": ({"commonName": "web"}, "subject", "5cc4c16b6afb7fce"),
    "usages": ({"usages": ["server auth", "signing"]}, "usages", "b09f672858866a05"),
    "duration": ({"duration": "1h"}, "duration", "8b34042b7a96b3ba"),
}


@pytest.mark.parametrize(("fields", "name", "expected"), STABLE.values(), ids=list(STABLE))
def test_a_recorded_value_is_the_same_in_every_version(fields: dict[str, Any], name: str, expected: str) -> None:
    """A changed form would enrol every certificate anew after an upgrade."""
    assert expected == requested(spec_of(**fields), P256)[name]


def test_what_is_not_asked_for_is_recorded_as_none() -> None:
    record = requested(spec_of(), P256)
    assert {name for name, value in record.items() if value == NONE} == {
        "subject",
        "nameConstraints",
        "csr.extensions",
        "csr.attributes",
        "duration",
        "acme.profile",
        "acme.preferredChain",
        "cmp.certProfile",
    }


def test_what_the_spec_leaves_open_stays_as_it_was_asked_for() -> None:
    before = requested(spec_of(duration="24h", csr={"attributes": [{"oid": "1.2.3", "values": ["BQA="]}]}), P256)
    after = still_requested(spec_of(), P256, before)
    assert before["duration"] == after["duration"]
    assert after["csr.attributes"] == NONE


@pytest.mark.parametrize("kind", KINDS, ids=[str(kind) for kind in KINDS])
def test_every_key_has_a_usual_signature(kind: Any) -> None:
    assert isinstance(usual_signature(kind), SignatureAlgorithm)
