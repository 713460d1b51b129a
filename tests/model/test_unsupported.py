"""What this version cannot do is named, so that nobody takes silence for success."""

from typing import Any

import pytest

from certwright.model.unsupported import unsupported_fields
from tests.model.builders import spec_of

UNSUPPORTED: dict[str, dict[str, Any]] = {
    "spec.rollout": {"rollout": {"targets": [{"kind": "Deployment", "name": "web"}]}},
}


@pytest.mark.parametrize("path", UNSUPPORTED)
def test_a_field_that_nothing_implements_is_named(path: str) -> None:
    assert [path] == unsupported_fields(spec_of(**UNSUPPORTED[path]))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing special"),
        pytest.param({"adoption": "Adopt"}, id="adoption"),
        pytest.param({"issuerRef": None, "issuerRefs": [{"name": "a"}, {"name": "b"}]}, id="several issuers"),
        pytest.param({"renewal": {"windows": [{"cron": "0 2 * * *", "windowDuration": "1h"}]}}, id="renewal windows"),
        pytest.param({"renewal": {"policy": "Disabled"}}, id="renewal without windows"),
        pytest.param({"keystores": {"jks": {"create": True, "password": "p"}}}, id="keystores"),
        pytest.param({"revocation": {"onDelete": True, "onSupersede": {"after": "24h"}}}, id="revocation"),
        pytest.param({"nameConstraints": {"permitted": {"dnsDomains": ["x"]}}, "isCA": True}, id="name constraints"),
        pytest.param({"csr": {"attributes": [{"oid": "1.2.3", "values": ["BQA="]}]}}, id="raw attributes"),
        pytest.param({"csr": {"extensions": [{"oid": "1.2.3", "value": "BQA="}]}}, id="raw extensions"),
    ],
)
def test_what_is_implemented_is_not_named(fields: dict[str, Any]) -> None:
    assert unsupported_fields(spec_of(**fields)) == []
