"""The constraints of a CA certificate are asked for as RFC 5280 has them, and found again in what was issued."""

from typing import Any

import pytest
from cryptography import x509

from certwright.model.csr import build_csr
from certwright.model.errors import RejectedError
from certwright.model.name_constraints import constraint_differences, requested_constraints
from certwright.model.names import InvalidNameError
from certwright.model.reasons import Reason
from tests.model.builders import CA, CA_TRUE, common_name, key_of, spec_of

ALL: dict[str, Any] = {
    "critical": True,
    "permitted": {
        "dnsDomains": ["Example.com", ".bücher.example"],
        "ipRanges": ["10.0.0.0/8", "2001:db8::/32"],
        "emailAddresses": ["pki@Example.com", ".example.com", "example.net"],
        "uriDomains": ["host.example.com", ".example.org"],
    },
    "excluded": {"dnsDomains": ["secret.example.com"]},
}
SUBTREES = [
    "dns .xn--bcher-kva.example",
    "dns example.com",
    "ip 10.0.0.0/8",
    "ip 2001:db8::/32",
    "email .example.com",
    "email example.net",
    "email pki@example.com",
    "uri .example.org",
    "uri host.example.com",
]
KINDS = {x509.DNSName: "dns", x509.IPAddress: "ip", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri"}


def told(names: list[x509.GeneralName] | None) -> list[str]:
    return [f"{KINDS[type(name)]} {name.value}" for name in names or ()]


def constrained(constraints: dict[str, Any] | None) -> Any:
    return spec_of(isCA=True, dnsNames=None, commonName="Team CA", nameConstraints=constraints)


def in_request(constraints: dict[str, Any] | None) -> x509.Extension[x509.NameConstraints]:
    request = x509.load_der_x509_csr(build_csr(constrained(constraints), key_of()))
    return request.extensions.get_extension_for_class(x509.NameConstraints)


def test_every_kind_of_constraint_stands_in_the_request() -> None:
    found = in_request(ALL)
    assert found.critical
    assert told(found.value.permitted_subtrees) == SUBTREES
    assert told(found.value.excluded_subtrees) == ["dns secret.example.com"]


def test_a_range_is_an_address_and_its_mask() -> None:
    """RFC 5280 §4.2.1.10: eight bytes for version 4, thirty-two for version 6."""
    der = build_csr(constrained({"permitted": {"ipRanges": ["10.0.0.0/8", "2001:db8::/32"]}}), key_of())
    assert b"\x87\x08\x0a\x00\x00\x00\xff\x00\x00\x00" in der
    assert b"\x87\x20\x20\x01\x0d\xb8" + bytes(12) + b"\xff\xff\xff\xff" + bytes(12) in der


def test_they_are_critical_only_where_that_is_asked_for() -> None:
    assert not in_request({"permitted": {"dnsDomains": ["example.com"]}}).critical


def test_without_them_the_request_has_none() -> None:
    request = x509.load_der_x509_csr(build_csr(constrained(None), key_of()))
    assert x509.NameConstraints.oid not in {extension.oid for extension in request.extensions}


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        pytest.param({}, "nothing is permitted or excluded", id="nothing"),
        pytest.param({"permitted": {}, "excluded": {"dnsDomains": []}}, "nothing is permitted", id="empty lists"),
        pytest.param(
            {"permitted": {"dnsDomains": ["*.example.com"]}}, "permitted.dnsDomains: '*.example.com' has a w", id="*"
        ),
        pytest.param({"excluded": {"uriDomains": ["a..b"]}}, "excluded.uriDomains: 'a..b' is not a do", id="labels"),
        pytest.param({"excluded": {"dnsDomains": ["."]}}, "is not a domain name", id="a dot alone"),
        pytest.param({"permitted": {"ipRanges": ["10.0.0.0/99"]}}, "permitted.ipRanges: ", id="a range"),
        pytest.param({"permitted": {"emailAddresses": ["ü@example.com"]}}, "local part", id="an address"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_field(constraints: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        requested_constraints(constrained(constraints))
    assert said in str(caught.value)
    with pytest.raises(RejectedError) as refused:
        in_request(constraints)
    assert refused.value.reason is Reason.INVALID_SPEC


def delivered(*, constraints: dict[str, Any] | None, critical: bool = True) -> x509.Extensions:
    made = requested_constraints(constrained(constraints))
    extensions: list[tuple[x509.ExtensionType, bool]] = [(CA_TRUE, True)]
    if made is not None:
        extensions.append((made, critical))
    return CA.sign(common_name("Team CA"), key_of(), extensions).extensions


DNS, OTHER = {"permitted": {"dnsDomains": ["example.com"]}}, {"permitted": {"dnsDomains": ["example.org"]}}
BOTH = {"permitted": {"dnsDomains": ["example.com", "example.org"]}}


@pytest.mark.parametrize(
    ("asked", "issued", "critical", "expected"),
    [
        pytest.param(ALL, ALL, True, [], id="all of them"),
        pytest.param(DNS, {"permitted": {"dnsDomains": ["EXAMPLE.com"]}}, True, [], id="other capitals"),
        pytest.param(None, DNS, True, [], id="the CA's own"),
        pytest.param({"critical": False, **DNS}, DNS, True, [], id="critical though not asked for"),
        pytest.param({"critical": True, **DNS}, DNS, False, ["nameConstraints are not critical"], id="not critical"),
        pytest.param(DNS, None, True, ["nameConstraints are missing"], id="none"),
        pytest.param(
            BOTH, DNS, True, ["nameConstraints.permitted dnsDomains example.org is missing"], id="one is missing"
        ),
        pytest.param(
            DNS, BOTH, True, ["nameConstraints.permitted dnsDomains example.org was not asked for"], id="one more"
        ),
        pytest.param(
            {"excluded": DNS["permitted"]},
            {"excluded": {"uriDomains": ["example.com"]}},
            True,
            [
                "nameConstraints.excluded dnsDomains example.com is missing",
                "nameConstraints.excluded uriDomains example.com was not asked for",
            ],
            id="of another kind",
        ),
    ],
)
def test_what_was_issued_is_held_against_what_was_asked_for(
    asked: dict[str, Any] | None, issued: dict[str, Any] | None, expected: list[str], *, critical: bool
) -> None:
    extensions = delivered(constraints=issued, critical=critical)
    assert expected == constraint_differences(constrained(asked), extensions)
