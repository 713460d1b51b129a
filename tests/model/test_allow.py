"""An issuer's ``allow`` refuses by naming the value and the field, and nothing gets around it."""

from time import perf_counter
from typing import Any

import pytest

from certwright.model.allow import matches, refusal
from certwright.model.resources import Allow, LabelSelector, Protocol
from tests.model.builders import metadata_of, spec_of


def ask(
    allow: dict[str, Any], labels: dict[str, str] | None = None, protocol: Protocol | None = None, **fields: Any
) -> str | None:
    spec, limits = spec_of(**fields), Allow.model_validate(allow)
    return refusal(limits, metadata_of(), spec, protocol=protocol, namespace_labels=labels or {})


def raw(field: str, oid: str) -> dict[str, Any]:
    value = {"value": "BQA="} if field == "extensions" else {"values": ["BQA="]}
    return {"csr": {field: [{"oid": oid, **value}]}}


ALLOWED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing is limited": ({}, {}),
    "the namespace by name": ({"namespaces": ["other", "team"]}, {}),
    "a name": ({"dnsNames": ["a.example.com"]}, {}),
    "a name in other capitals": ({"dnsNames": ["A.Example.com"]}, {}),
    "a name below": ({"dnsNames": ["*.example.com"]}, {"dnsNames": ["x.example.com", "a.b.example.com"]}),
    "a wildcard below": ({"dnsNames": ["*.example.com"]}, {"dnsNames": ["*.example.com", "*.a.example.com"]}),
    "a Unicode name": ({"dnsNames": ["*.bücher.example"]}, {"dnsNames": ["a.xn--bcher-kva.example"]}),
    "an address in a range": (
        {"ipRanges": ["10.0.0.0/8", "2001:db8::/32"]},
        {"ipAddresses": ["10.1.2.3", "2001:db8::7"]},
    ),
    "a URI": ({"uris": ["spiffe://example.com/ns/team/*"]}, {"uris": ["spiffe://example.com/ns/team/sa/x"]}),
    "an e-mail address": ({"emailAddresses": ["*@example.com"]}, {"emailAddresses": ["pki@example.com"]}),
    "a common name": ({"commonNames": ["device *"]}, {"commonName": "device 7"}),
    "no common name": ({"commonNames": ["device *"]}, {}),
    "usages": ({"usages": ["digital signature", "server auth", "client auth"]}, {}),
    "a usage by its other name": ({"usages": ["signing", "server auth"]}, {}),
    "the default algorithm": ({"keyAlgorithms": ["ECDSA"]}, {}),
    "an algorithm": ({"keyAlgorithms": ["RSA", "ECDSA"]}, {"privateKey": {"algorithm": "RSA"}}),
    "a duration": ({"maxDuration": "24h"}, {"duration": "24h"}),
    "no duration": ({"maxDuration": "24h"}, {}),
    "a CA": ({"isCA": True}, {"isCA": True}),
    "a CA whose usage comes with it": (
        {"isCA": True, "usages": ["digital signature", "server auth"]},
        {"isCA": True, "nameConstraints": {"permitted": {"dnsDomains": ["example.com"]}}},
    ),
    "a user principal name": (
        {"otherNames": ["1.3.6.1.4.1.311.20.2.3:*@example.com"]},
        {"otherNames": [{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "a@example.com"}]},
    ),
    "an address in other capitals": ({"emailAddresses": ["*@example.com"]}, {"emailAddresses": ["a@EXAMPLE.com"]}),
    "the key that a signature needs": ({"keyAlgorithms": ["Ed25519"]}, {"signatureAlgorithm": "PureEd25519"}),
    "a raw extension that says neither names nor usages": (
        {"dnsNames": ["*.example.com"], "usages": ["digital signature", "server auth"]},
        raw("extensions", "1.3.6.1.5.5.7.1.24"),
    ),
    "raw names where none are limited": ({"namespaces": ["team"]}, raw("attributes", "1.3.6.1.4.1.311.13.2.1")),
}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "the namespace": ({"namespaces": ["other"]}, {}, "namespace team is in neither allow.namespaces nor"),
    "another name": ({"dnsNames": ["b.example.com"]}, {}, "dnsNames: a.example.com is not in allow.dnsNames"),
    "the apex of a wildcard": ({"dnsNames": ["*.a.example.com"]}, {}, "a.example.com is not in allow.dnsNames"),
    "a name that only ends alike": (
        {"dnsNames": ["*.example.com"]},
        {"dnsNames": ["badexample.com"]},
        "badexample.com is not in",
    ),
    "a wildcard over an allowed name": (
        {"dnsNames": ["example.com"]},
        {"dnsNames": ["*.example.com"]},
        "*.example.com is not in",
    ),
    "one name of several": (
        {"dnsNames": ["*.example.com"]},
        {"dnsNames": ["a.example.com", "evil.example.org"]},
        "evil.example.org is not in",
    ),
    "an address": ({"ipRanges": ["10.0.0.0/8"]}, {"ipAddresses": ["192.0.2.1"]}, "192.0.2.1 is not in allow.ipRanges"),
    "an address of the other family": (
        {"ipRanges": ["0.0.0.0/0"]},
        {"ipAddresses": ["::1"]},
        "::1 is not in allow.ipRanges",
    ),
    "a URI": ({"uris": ["spiffe://example.com/*"]}, {"uris": ["spiffe://example.org/a"]}, "is not in allow.uris"),
    "a URI with the pattern inside": (
        {"uris": ["spiffe://a/*"]},
        {"uris": ["x:spiffe://a/b"]},
        "x:spiffe://a/b is not in allow.uris",
    ),
    "a dot is a dot": ({"uris": ["spiffe://a.b/*"]}, {"uris": ["spiffe://axb/c"]}, "is not in allow.uris"),
    "an e-mail address": (
        {"emailAddresses": ["*@example.com"]},
        {"emailAddresses": ["a@example.org"]},
        "a@example.org is not in allow.emailAddresses",
    ),
    "a common name": ({"commonNames": ["device *"]}, {"commonName": "root"}, "root is not in allow.commonNames"),
    "a common name in a literal subject": (
        {"commonNames": ["device *"]},
        {"literalSubject": "CN=root,O=Example"},
        "root is not in allow.commonNames",
    ),
    "a default usage": ({"usages": ["client auth"]}, {}, "usages: digital signature is not in allow.usages"),
    "a usage": (
        {"usages": ["digital signature", "server auth"]},
        {"usages": ["code signing"]},
        "usages: code signing is not in allow.usages",
    ),
    "the default algorithm": ({"keyAlgorithms": ["RSA"]}, {}, "privateKey.algorithm: ECDSA is not in"),
    "a duration": (
        {"maxDuration": "24h"},
        {"duration": "25h"},
        "duration: 25h0m0s is longer than allow.maxDuration, 24h0m0s",
    ),
    "a CA where nothing is said": ({}, {"isCA": True}, "isCA is true, and allow.isCA is not"),
    "a CA where it is denied": ({"isCA": False}, {"isCA": True}, "isCA is true, and allow.isCA is not"),
    "a user principal name": (
        {"otherNames": ["1.3.6.1.4.1.311.20.2.3:*@example.com"]},
        {"otherNames": [{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "a@example.org"}]},
        "otherNames: 1.3.6.1.4.1.311.20.2.3:a@example.org is not in allow.otherNames",
    ),
    "the same value under another identifier": (
        {"otherNames": ["1.2.3:*"]},
        {"otherNames": [{"oid": "1.2.3.4", "utf8Value": "x"}]},
        "otherNames: 1.2.3.4:x is not in allow.otherNames",
    ),
    "an e-mail address in the subject": (
        {"emailAddresses": ["*@example.com"]},
        {"literalSubject": "CN=a,E=a@example.org"},
        "emailAddresses: a@example.org is not in allow.emailAddresses",
    ),
    "an e-mail address in UTF-8": (
        {"emailAddresses": ["*@example.com"]},
        {"otherNames": [{"oid": "1.3.6.1.5.5.7.8.9", "utf8Value": "ü@example.org"}]},
        "emailAddresses: ü@example.org is not in allow.emailAddresses",
    ),
    "the key that a signature needs": (
        {"keyAlgorithms": ["ECDSA"]},
        {"signatureAlgorithm": "SHA256WithRSA"},
        "privateKey.algorithm: RSA is not in allow.keyAlgorithms",
    ),
    "cert sign where it comes with nothing": (
        {"isCA": True, "usages": ["digital signature"]},
        {"usages": ["cert sign"]},
        "usages: cert sign is not in allow.usages",
    ),
    "names in a raw attribute": (
        {"dnsNames": ["*.example.com"]},
        raw("attributes", "1.3.6.1.4.1.311.13.2.1"),
        "csr.attributes: 1.3.6.1.4.1.311.13.2.1 holds names",
    ),
    "usages in a raw extension": (
        {"usages": ["digital signature", "server auth"]},
        raw("extensions", "1.3.6.1.4.1.311.21.10"),
        "csr.extensions: 1.3.6.1.4.1.311.21.10 holds usages",
    ),
    "a name that some read only to its middle": (
        {"dnsNames": ["*.example.com"]},
        {"dnsNames": ["evil.example.org\0.example.com"]},
        "holds a control character",
    ),
    "a name that is none": ({"dnsNames": ["*.example.com"]}, {"dnsNames": ["a..b"]}, "'a..b' is not a domain name"),
}


@pytest.mark.parametrize(("allow", "fields"), ALLOWED.values(), ids=list(ALLOWED))
def test_what_is_allowed_is_not_refused(allow: dict[str, Any], fields: dict[str, Any]) -> None:
    assert ask(allow, **fields) is None


@pytest.mark.parametrize(("allow", "fields", "told"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_not_allowed_is_named(allow: dict[str, Any], fields: dict[str, Any], told: str) -> None:
    assert told in str(ask(allow, **fields))


@pytest.mark.parametrize(
    ("protocol", "is_allowed"),
    [
        pytest.param(Protocol.SCEP, True, id="SCEP makes RSA keys"),
        pytest.param(Protocol.ACME, False, id="ACME makes others"),
        pytest.param(Protocol.EST, False, id="EST makes others"),
        pytest.param(Protocol.CMP, False, id="CMP makes others"),
    ],
)
def test_the_default_key_is_that_of_the_protocol(protocol: Protocol, *, is_allowed: bool) -> None:
    told = ask({"keyAlgorithms": ["RSA"]}, protocol=protocol)
    assert told is None if is_allowed else told == "privateKey.algorithm: ECDSA is not in allow.keyAlgorithms"
    usages = ask({"usages": ["digital signature", "server auth"]}, protocol=protocol)
    assert usages == ("usages: key encipherment is not in allow.usages" if is_allowed else None)


def test_a_namespace_may_be_served_by_name_or_by_label() -> None:
    allow = {"namespaces": ["other"], "namespaceSelector": {"matchLabels": {"tier": "web"}}}
    assert ask(allow, {"tier": "web"}) is None
    assert ask(allow, {"tier": "db"}) is not None


def selector(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("wanted", "does_match"),
    [
        pytest.param({}, True, id="everything"),
        pytest.param({"matchLabels": {"a": "1"}}, True, id="a label"),
        pytest.param({"matchLabels": {"a": "1", "b": "1"}}, False, id="one label of two"),
        pytest.param(selector("a", "In", "1", "2"), True, id="In"),
        pytest.param(selector("b", "In", "1"), False, id="In without the label"),
        pytest.param(selector("a", "NotIn", "1"), False, id="NotIn"),
        pytest.param(selector("b", "NotIn", "1"), True, id="NotIn without the label"),
        pytest.param(selector("a", "Exists"), True, id="Exists"),
        pytest.param(selector("b", "Exists"), False, id="Exists without the label"),
        pytest.param(selector("a", "DoesNotExist"), False, id="DoesNotExist"),
        pytest.param(selector("b", "DoesNotExist"), True, id="DoesNotExist without the label"),
        pytest.param(selector("a", "NeverHeardOf"), False, id="an operator of a newer version"),
        pytest.param({"matchLabels": {"a": "1"}, **selector("a", "NotIn", "1")}, False, id="both must hold"),
    ],
)
def test_labels_match_as_kubernetes_has_it(wanted: dict[str, Any], *, does_match: bool) -> None:
    assert does_match is matches(LabelSelector.model_validate(wanted), {"a": "1"})


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        pytest.param("*", "x:", True, id="anything"),
        pytest.param("x:a*a", "x:a", False, id="both ends need their own characters"),
        pytest.param("x:*b*c", "x:bcb", False, id="the end must be the end"),
        pytest.param("x:*b*b*", "x:abcb", True, id="twice the same"),
        pytest.param("x:**a", "x:a", True, id="two stars are one"),
        pytest.param("x:a b*", "x:a bc", True, id="a space is a character"),
        pytest.param("x:a", "x:a", True, id="no star"),
        pytest.param("x:a", "x:ab", False, id="no star, longer"),
        pytest.param("x:*[ab]", "x:a", False, id="brackets mean nothing"),
    ],
)
def test_a_star_stands_for_any_run_of_characters(pattern: str, value: str, *, fits: bool) -> None:
    assert fits is (ask({"uris": [pattern]}, uris=[value]) is None)


def test_a_pattern_of_a_tenant_cannot_hold_up_everybody() -> None:
    started = perf_counter()
    assert ask({"uris": ["*a" * 120 + "b"]}, uris=["x:" + "a" * 2000]) is not None
    assert perf_counter() - started < 1
