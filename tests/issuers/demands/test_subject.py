"""A template for the subject is copied and filled in, in the CA's order."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.model.csr import build_csr
from certwright.protocols.est import CSRAttributes, RequestedName, Template
from tests.issuers.demands.conftest import RSA, contradiction, key, prepared, template
from tests.model.builders import KINDS, key_of, spec_of

CN = NameOID.COMMON_NAME.dotted_string
ORG, OU = NameOID.ORGANIZATION_NAME.dotted_string, NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string


@pytest.mark.parametrize(
    ("wanted", "fields", "expected"),
    [
        pytest.param(((CN, None),), {"commonName": "web"}, "CN=web", id="filled in"),
        pytest.param(((ORG, "Example"), (CN, None)), {"commonName": "web"}, "CN=web,O=Example", id="copied"),
        pytest.param(
            ((CN, "web"), (ORG, "Example")),
            {"commonName": "web", "subject": {"organizations": ["Example"]}},
            "O=Example,CN=web",
            id="in the CA's order",
        ),
        pytest.param(
            ((OU, None), (OU, "a"), (OU, None)),
            {"subject": {"organizationalUnits": ["a", "b", "c"]}},
            "OU=c,OU=a,OU=b",
            id="several of a kind",
        ),
        pytest.param((), {}, "", id="empty"),
    ],
)
def test_the_subject_is_the_templates(
    wanted: tuple[tuple[str, str | None], ...], fields: dict[str, Any], expected: str
) -> None:
    subject = prepared(template(*wanted), **fields).subject
    assert subject is not None
    assert expected == subject.rfc4514_string()


@pytest.mark.parametrize(
    ("wanted", "fields", "said"),
    [
        pytest.param(((CN, None),), {}, ("commonName",), id="a blank that nothing fills"),
        pytest.param(((CN, "other"),), {"commonName": "web"}, ("CN=web", "spec.commonName"), id="another common name"),
        pytest.param(
            ((CN, None),),
            {"commonName": "web", "subject": {"organizations": ["Example"]}},
            ("O=Example", "spec.subject.organizations"),
            id="an attribute without a place",
        ),
        pytest.param(((CN, None),), {"literalSubject": "O=Example"}, ("literalSubject",), id="a literal subject"),
        pytest.param((("2.5.4.6", "Austria"),), {}, ("2.5.4.6", "cannot be encoded"), id="an impossible value"),
    ],
)
def test_a_subject_that_does_not_fit_is_named(
    wanted: tuple[tuple[str, str | None], ...], fields: dict[str, Any], said: tuple[str, ...]
) -> None:
    message = contradiction(template(*wanted), **fields)
    assert all(part in message for part in said)


def test_a_template_without_a_subject_leaves_it_to_the_certificate() -> None:
    assert prepared(CSRAttributes(template=Template()), commonName="web").subject is None


def test_a_name_of_several_parts_stays_one() -> None:
    parts = (RequestedName(CN, "web"), RequestedName(ORG, "Example"))
    subject = prepared(CSRAttributes(template=Template(subject=(parts,)))).subject
    assert subject is not None
    assert [len(name) for name in [list(part) for part in subject.rdns]] == [2]


def test_a_request_is_made_of_all_wishes_for_every_kind_of_key() -> None:
    wishes = CSRAttributes(key=key(RSA, size=2048), hash="sha512", template=template((ORG, "Example")).template)
    found = prepared(wishes)
    request = x509.load_der_x509_csr(build_csr(spec_of(), key_of(KINDS[0]), found))
    assert request.subject.rfc4514_string() == "O=Example"
    assert request.signature_hash_algorithm is not None
    assert request.signature_hash_algorithm.name == "sha512"
