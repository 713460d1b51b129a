"""Extensions that a CA wants are copied or filled in, in place of what the Certificate leaves open."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.model.csr import build_csr
from certwright.model.resources import Usage
from certwright.protocols.est import CSRAttributes, RequestedExtension
from tests.issuers.demands.conftest import contradiction, prepared, wanting
from tests.model.builders import key_of, spec_of

CONSTRAINED = x509.NameConstraints([x509.DNSName("example.com")], None).public_bytes()
NO_CA = x509.BasicConstraints(ca=False, path_length=None).public_bytes()
USAGES, PURPOSES, CONSTRAINTS = "2.5.29.15", "2.5.29.37", "2.5.29.19"


def usages(*set_bits: str) -> bytes:
    bits = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{bit: bit in set_bits for bit in (*bits, *more)}).public_bytes()


SIGNING = usages("digital_signature")
BOTH_PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]).public_bytes()


def test_usages_that_the_certificate_leaves_open_are_those_of_the_ca() -> None:
    wishes = CSRAttributes(
        extensions=(
            RequestedExtension(USAGES, value=SIGNING, is_critical=True),
            RequestedExtension(PURPOSES, value=BOTH_PURPOSES),
        )
    )
    request = x509.load_der_x509_csr(build_csr(spec_of(), key_of(), prepared(wishes)))
    assert request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value.public_bytes() == BOTH_PURPOSES
    assert request.extensions.get_extension_for_class(x509.KeyUsage).critical


def test_the_cas_list_may_hold_more_than_the_certificate_asks_for() -> None:
    wish = prepared(wanting(PURPOSES, BOTH_PURPOSES), usages=[Usage.SERVER_AUTH])
    assert [extension.value.public_bytes() for extension in wish.extensions] == [BOTH_PURPOSES]


@pytest.mark.parametrize(
    ("attributes", "fields", "said"),
    [
        pytest.param(
            wanting(USAGES, SIGNING),
            {"usages": ["key encipherment"]},
            ("key encipherment", "spec.usages"),
            id="usage",
        ),
        pytest.param(
            wanting(PURPOSES, BOTH_PURPOSES),
            {"usages": ["code signing"]},
            ("code signing", "spec.usages"),
            id="purpose",
        ),
        pytest.param(
            wanting(USAGES, SIGNING),
            {"encodeUsagesInRequest": False},
            ("key usages", "spec.encodeUsagesInRequest"),
            id="usages that are to be left out",
        ),
        pytest.param(
            wanting(PURPOSES),
            {"usages": ["digital signature"]},
            ("extended key usages", "spec.usages"),
            id="a purpose to be filled in",
        ),
        pytest.param(
            wanting(CONSTRAINTS, x509.BasicConstraints(ca=True, path_length=None).public_bytes()),
            {},
            ("a CA certificate", "spec.isCA is false"),
            id="a CA",
        ),
        pytest.param(
            wanting("1.2.3.4", b"\x05\x00"),
            {"csr": {"extensions": [{"oid": "1.2.3.4", "value": "BAA="}]}},
            ("1.2.3.4", "spec.csr.extensions"),
            id="a raw extension",
        ),
        pytest.param(
            wanting("2.5.29.30", CONSTRAINED),
            {"isCA": True, "nameConstraints": {"permitted": {"dnsDomains": ["other.test"]}}},
            ("nameConstraints", "spec.nameConstraints"),
            id="name constraints",
        ),
        pytest.param(
            wanting(PURPOSES),
            {"encodeUsagesInRequest": False},
            ("usages", "spec.encodeUsagesInRequest"),
            id="usages to be filled in and left out",
        ),
        pytest.param(wanting(USAGES, b"\x30"), {}, ("2.5.29.15", "cannot be read"), id="nonsense"),
    ],
)
def test_both_sides_are_named_where_they_differ(
    attributes: CSRAttributes, fields: dict[str, Any], said: tuple[str, ...]
) -> None:
    message = contradiction(attributes, **fields)
    assert all(part in message for part in said)


def test_an_extension_that_nobody_here_knows_is_copied() -> None:
    wish = prepared(wanting("1.2.3.4", b"\x05\x00", is_critical=True))
    expected = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert [(expected, True)] == [(extension.value, extension.critical) for extension in wish.extensions]


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(wanting("1.3.6.1.1.1.1.22"), id="an attribute that is no extension"),
        pytest.param(wanting("2.5.29.14"), id="a key identifier"),
        pytest.param(wanting(USAGES), id="usages that are there anyway"),
    ],
)
def test_what_cannot_or_need_not_be_filled_in_is_left_to_the_ca(attributes: CSRAttributes) -> None:
    assert prepared(attributes).extensions == ()


def test_an_end_entity_says_that_it_is_no_ca_if_it_is_asked() -> None:
    assert [extension.value for extension in prepared(wanting(CONSTRAINTS)).extensions] == [
        x509.BasicConstraints(ca=False, path_length=None)
    ]


@pytest.mark.parametrize(
    ("attributes", "fields", "expected"),
    [
        pytest.param(wanting(CONSTRAINTS, NO_CA), {}, [NO_CA], id="no CA"),
        pytest.param(wanting("2.5.29.30", CONSTRAINED), {}, [CONSTRAINED], id="name constraints"),
        pytest.param(
            wanting("1.2.3.4", b"\x05\x00"),
            {"csr": {"extensions": [{"oid": "1.2.3.4", "value": "BQA="}]}},
            [],
            id="what is in spec.csr already",
        ),
        pytest.param(wanting("2.5.29.14", b"\x04\x00"), {}, [], id="the identifier of a key that is not made yet"),
    ],
)
def test_values_that_agree_are_copied_once(
    attributes: CSRAttributes, fields: dict[str, Any], expected: list[bytes]
) -> None:
    assert expected == [extension.value.public_bytes() for extension in prepared(attributes, **fields).extensions]
