"""What this version cannot do is named, so that nobody takes silence for success."""

from typing import Any

import pytest

from certwright.model.resources import IssuerSpec
from certwright.model.unsupported import unsupported_fields, unsupported_issuer_fields
from tests.model.builders import SERVER, spec_of

UNSUPPORTED: dict[str, dict[str, Any]] = {
    "spec.issuerRefs with more than one issuer": {"issuerRef": None, "issuerRefs": [{"name": "a"}, {"name": "b"}]},
    "spec.keystores": {"keystores": {"jks": {"create": True, "password": "p"}}},
    "spec.renewal.windows": {"renewal": {"windows": [{"cron": "0 2 * * *", "windowDuration": "1h"}]}},
    "spec.adoption": {"adoption": "Adopt"},
    "spec.rollout": {"rollout": {"targets": [{"kind": "Deployment", "name": "web"}]}},
}


@pytest.mark.parametrize("path", UNSUPPORTED)
def test_a_field_that_nothing_implements_is_named(path: str) -> None:
    assert [path] == unsupported_fields(spec_of(**UNSUPPORTED[path]))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing special"),
        pytest.param({"adoption": "Refuse"}, id="the default written out"),
        pytest.param({"issuerRef": None, "issuerRefs": [{"name": "a"}]}, id="one issuer in a list"),
        pytest.param({"renewal": {"policy": "Disabled"}}, id="renewal without windows"),
        pytest.param({"revocation": {"onDelete": True, "onSupersede": {"after": "24h"}}}, id="revocation"),
        pytest.param({"nameConstraints": {"permitted": {"dnsDomains": ["x"]}}, "isCA": True}, id="name constraints"),
        pytest.param({"csr": {"attributes": [{"oid": "1.2.3", "values": ["BQA="]}]}}, id="raw attributes"),
        pytest.param({"csr": {"extensions": [{"oid": "1.2.3", "value": "BQA="}]}}, id="raw extensions"),
    ],
)
def test_what_is_implemented_is_not_named(fields: dict[str, Any]) -> None:
    assert unsupported_fields(spec_of(**fields)) == []


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({}, [], id="no limits"),
        pytest.param({"limits": {"perMinute": 3}}, [], id="a limit per minute"),
        pytest.param({"limits": {"perDay": 3}}, ["spec.limits.perDay"], id="a limit per day"),
    ],
)
def test_a_budget_that_would_be_lost_in_a_crash_is_named(limits: dict[str, Any], expected: list[str]) -> None:
    acme = {"server": SERVER, "privateKeySecretRef": {"name": "account"}}
    assert expected == unsupported_issuer_fields(IssuerSpec.model_validate({"acme": acme, **limits}))
