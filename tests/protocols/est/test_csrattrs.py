"""What a CA wants in a request: the RFCs' own examples, the forms that servers use, and anything at all."""

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.cms import der
from certwright.protocols.est import (
    CSRAttributes,
    GeneralNameKind,
    KeyAlgorithm,
    KeyRequirement,
    MalformedAnswer,
    RequestedExtension,
    RequestedGeneralName,
    RequestedName,
    parse_csrattrs,
    requested_general_names,
)

VECTORS = Path(__file__).parent / "vectors"
EC = "1.2.840.10045.2.1"
RSA = "1.2.840.113549.1.1.1"
SAN = "2.5.29.17"
KEY_USAGE = "2.5.29.15"
EXTENDED_KEY_USAGE = "2.5.29.37"
MAC_ADDRESS = "1.3.6.1.1.1.1.22"
CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
TEMPLATE = "1.2.840.113549.1.9.16.2.61"
EXTENSION_TEMPLATE = "1.2.840.113549.1.9.16.2.62"
P256, P384, P521 = "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"


def parsed(*elements: bytes) -> CSRAttributes:
    found = parse_csrattrs(base64.b64encode(der.sequence(*elements)))
    assert found is not None
    return found


def attribute(oid: str, *values: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(*values))


def ec_key(curve: str) -> KeyRequirement:
    return KeyRequirement(oid=EC, algorithm=KeyAlgorithm.EC, curve=curve)


class TestExamples:
    def test_rfc_7030_a_2(self) -> None:
        assert parse_csrattrs((VECTORS / "csrattrs.b64").read_bytes()) == CSRAttributes(
            key=ec_key("brainpoolP384r1"), hash="sha384", wants_challenge_password=True
        )

    def test_rfc_8951_4(self) -> None:
        assert parse_csrattrs((VECTORS / "csrattrs-8951.b64").read_bytes()) == CSRAttributes(
            key=ec_key("secp384r1"),
            signature_algorithm="1.2.840.10045.4.3.3",
            hash="sha384",
            extensions=(RequestedExtension(MAC_ADDRESS),),
            wants_challenge_password=True,
        )

    def test_rfc_9908_5_1(self) -> None:
        body = b"""MGgwZgYJKoZIhvcNAQkOMVkwVzBVBgNVHREBAf8ESzBJoEcG
            CCsGAQUFBwgKoDsWOXJmYzg5OTQrZmQ3MzlmYzIzYzM0NDAx
            MTIyMzM0NDU1MDAwMDAwMDArQGFjcC5leGFtcGxlLmNvbQ=="""
        found = parse_csrattrs(body)
        assert found is not None
        (extension,) = found.extensions
        assert (extension.oid, extension.is_critical) == (SAN, True)
        (name,) = requested_general_names(extension.value or b"")
        assert name.kind is GeneralNameKind.OTHER
        assert b"@acp.example.com" in (name.value or b"")

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            pytest.param(
                "MDIGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgcrBgEBAQEWBggqhkjOPQQDAw==",
                CSRAttributes(
                    key=ec_key("secp384r1"),
                    signature_algorithm="1.2.840.10045.4.3.3",
                    hash="sha384",
                    wants_challenge_password=True,
                ),
                id="5.2",
            ),
            pytest.param(
                "MEUGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAjBgkqhkiG9w0BCRQGCgmSJomT8ixkAQUGA1UEBQYIKoZIzj0EAwQ=",
                CSRAttributes(
                    key=ec_key("secp521r1"),
                    signature_algorithm="1.2.840.10045.4.3.4",
                    hash="sha512",
                    wants_challenge_password=True,
                ),
                id="5.3-and-5.6",
            ),
            pytest.param(
                "MCkGCSqGSIb3DQEJBzARBgkqhkiG9w0BAQExBAICEAAGCSqGSIb3DQEBCw==",
                CSRAttributes(
                    key=KeyRequirement(oid=RSA, algorithm=KeyAlgorithm.RSA, size=4096),
                    signature_algorithm="1.2.840.113549.1.1.11",
                    hash="sha256",
                    wants_challenge_password=True,
                ),
                id="5.4",
            ),
            pytest.param(
                "MC4GCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgNVBAUGCCqGSM49BAMD",
                CSRAttributes(
                    key=ec_key("secp384r1"),
                    signature_algorithm="1.2.840.10045.4.3.3",
                    hash="sha384",
                    wants_challenge_password=True,
                ),
                id="5.5",
            ),
        ],
    )
    def test_rfc_9908_5(self, body: str, expected: CSRAttributes) -> None:
        assert parse_csrattrs(body.encode()) == expected

    def test_rfc_9908_3_4(self) -> None:
        """The template that it describes: a name to fill in, two to copy, and three extensions."""
        names = der.sequence(der.element(0x82, b"www.myServer.com"), der.element(0x87))
        usage = der.element(0x03, b"\x03\x88")
        extensions = der.sequence(
            der.sequence(der.oid(SAN), der.octet_string(names)),
            der.sequence(der.oid(KEY_USAGE), b"\x01\x01\xff", der.octet_string(usage)),
            der.sequence(der.oid(EXTENDED_KEY_USAGE)),
        )
        found = parsed(
            attribute(
                TEMPLATE,
                der.sequence(
                    der.integer(0),
                    der.sequence(rdn("2.5.4.3"), rdn("2.5.4.11", b"myDept"), rdn("2.5.4.11", b"myGroup")),
                    der.explicit(0, der.sequence(der.oid(EC), der.oid(P256))),
                    der.explicit(1, attribute(EXTENSION_TEMPLATE, extensions)),
                ),
            )
        )
        assert found.template is not None
        assert found.template.subject == (
            (RequestedName("2.5.4.3"),),
            (RequestedName("2.5.4.11", "myDept"),),
            (RequestedName("2.5.4.11", "myGroup"),),
        )
        assert found.key == found.template.key == ec_key("secp256r1")
        assert found.extensions == (
            RequestedExtension(SAN, value=names),
            RequestedExtension(KEY_USAGE, is_critical=True, value=usage),
            RequestedExtension(EXTENDED_KEY_USAGE),
        )
        assert requested_general_names(names) == (
            RequestedGeneralName(GeneralNameKind.DNS, b"www.myServer.com", "www.myServer.com"),
            RequestedGeneralName(GeneralNameKind.IP),
        )


def rdn(oid: str, value: bytes | None = None) -> bytes:
    text = () if value is None else (der.element(0x0C, value),)
    return der.set_of(der.sequence(der.oid(oid), *text))


def template(*parts: bytes) -> CSRAttributes:
    return parsed(attribute(TEMPLATE, der.sequence(der.integer(0), *parts)))


class TestLists:
    @pytest.mark.parametrize(
        ("elements", "expected"),
        [
            pytest.param([], CSRAttributes(), id="empty"),
            pytest.param([der.oid("2.999.1"), attribute("2.999.2", der.integer(1))], CSRAttributes(), id="unknown"),
            pytest.param([der.oid(P384)], CSRAttributes(key=ec_key("secp384r1")), id="bare-curve"),
            pytest.param([der.oid(EC), der.oid(P521)], CSRAttributes(key=ec_key("secp521r1")), id="type-and-curve"),
            pytest.param(
                [attribute(RSA)],
                CSRAttributes(key=KeyRequirement(oid=RSA, algorithm=KeyAlgorithm.RSA)),
                id="rsa-of-any-size",
            ),
            pytest.param([attribute(EC, der.oid("2.999.7"))], CSRAttributes(key=ec_key("2.999.7")), id="unknown-curve"),
            pytest.param(
                [der.oid("1.3.101.112")],
                CSRAttributes(key=KeyRequirement(oid="1.3.101.112", algorithm=KeyAlgorithm.ED25519)),
                id="ed25519",
            ),
            pytest.param(
                [der.oid("1.2.840.113549.1.1.10"), der.oid("2.16.840.1.101.3.4.2.3")],
                CSRAttributes(signature_algorithm="1.2.840.113549.1.1.10", hash="sha512"),
                id="pss-and-its-hash",
            ),
            pytest.param([der.oid(SAN)], CSRAttributes(extensions=(RequestedExtension(SAN),)), id="bare-extension"),
            pytest.param(
                [attribute(EXTENSION_REQUEST, der.oid(SAN), der.oid(KEY_USAGE))],
                CSRAttributes(extensions=(RequestedExtension(KEY_USAGE), RequestedExtension(SAN))),
                id="extensions-by-name",
            ),
            pytest.param([der.oid(EXTENSION_REQUEST)], CSRAttributes(), id="extensions-of-no-kind"),
            pytest.param(
                [der.oid("1.2.840.113549.1.9.16.2.37"), attribute("1.2.840.113549.1.9.16.2.54")],
                CSRAttributes(wants_decrypt_key=True, wants_asymmetric_decrypt_key=True),
                id="encrypted-keys",
            ),
            pytest.param([der.oid(TEMPLATE)], CSRAttributes(), id="template-in-name-only"),
        ],
    )
    def test_is_understood(self, elements: list[bytes], expected: CSRAttributes) -> None:
        assert parsed(*elements) == expected

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"MAA=", id="plain"),
            pytest.param(b"MAA=\r\n\x00", id="with-nul"),
            pytest.param(b" M A\r\n\tA = ", id="blanks"),
            pytest.param(b"\x30\x00", id="der"),
            pytest.param(b"\x30\x80\x00\x00", id="ber"),
            pytest.param(b"-----BEGIN CSRATTRS-----\nMAA=\n-----END CSRATTRS-----\n", id="armour"),
        ],
    )
    def test_however_it_is_sent(self, body: bytes) -> None:
        assert parse_csrattrs(body) == CSRAttributes()

    @pytest.mark.parametrize("body", [b"", b"\r\n"], ids=["nothing", "blank"])
    def test_an_empty_body_wants_nothing(self, body: bytes) -> None:
        assert parse_csrattrs(body) is None

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"not base64!", id="text"),
            pytest.param(b"AAAA", id="no-sequence"),
            pytest.param(base64.b64encode(der.sequence(der.integer(1))), id="a-number"),
            pytest.param(base64.b64encode(der.sequence(der.sequence(der.oid(SAN)))), id="no-values"),
            pytest.param(base64.b64encode(der.sequence() + b"\x00"), id="trailing"),
            pytest.param(base64.b64encode(der.sequence(*[der.oid(SAN)] * 129)), id="too-many"),
            pytest.param(
                base64.b64encode(der.sequence(attribute(EXTENSION_REQUEST, der.sequence(*[der.sequence()] * 65)))),
                id="too-many-extensions",
            ),
            pytest.param(b"<html>", id="page"),
        ],
    )
    def test_what_makes_no_sense_is_malformed(self, body: bytes) -> None:
        with pytest.raises(MalformedAnswer):
            parse_csrattrs(body)


class TestTemplates:
    def test_nothing_but_the_template_counts(self) -> None:
        found = parsed(der.oid(CHALLENGE_PASSWORD), der.oid(P384), attribute(TEMPLATE, der.sequence(der.integer(0))))
        assert (found.wants_challenge_password, found.key) == (False, None)

    def test_absent_is_free_and_empty_is_empty(self) -> None:
        free, empty = template().template, template(der.sequence()).template
        assert free is not None
        assert empty is not None
        assert (free.subject, empty.subject) == (None, ())

    @pytest.mark.parametrize(
        ("modulus", "bits"),
        [
            pytest.param(b"\x00\xff" + bytes(255), 2048, id="real"),
            pytest.param(b"\x00" + bytes(384), 3072, id="zeros-after-a-sign"),
            pytest.param(bytes(512), 4096, id="zeros"),
        ],
    )
    def test_an_rsa_key_of_a_size(self, modulus: bytes, bits: int) -> None:
        dummy = der.sequence(der.element(0x02, modulus), der.integer(65537))
        algorithm = der.sequence(der.oid(RSA), b"\x05\x00")
        info = der.explicit(0, algorithm, der.element(0x03, b"\x00" + dummy))
        assert template(info).key == KeyRequirement(oid=RSA, algorithm=KeyAlgorithm.RSA, size=bits)

    def test_a_key_that_nobody_can_make(self) -> None:
        assert template(der.explicit(0, der.sequence(der.oid("2.999.1")))).key == KeyRequirement(oid="2.999.1")

    def test_its_attributes(self) -> None:
        found = template(
            der.explicit(
                1, attribute(CHALLENGE_PASSWORD), attribute("1.2.840.113549.1.9.16.2.37"), attribute("2.999.1")
            )
        )
        assert found.wants_challenge_password
        assert found.wants_decrypt_key
        assert found.template is not None
        assert "2.999.1" in found.template.attributes

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param([der.integer(1)], id="version"),
            pytest.param([der.integer(0), der.sequence(der.set_of(der.integer(1)))], id="rdn"),
            pytest.param([der.integer(0), der.sequence(*[rdn("2.5.4.3")] * 65)], id="too-many-names"),
            pytest.param([der.integer(0), der.sequence(rdn("2.5.4.3", b"x" * 1025))], id="long-name"),
            pytest.param([der.integer(0), der.sequence(rdn("2.5.4.3", b"\xff\xfe"))], id="no-text"),
            pytest.param([der.integer(0), der.explicit(1, *[attribute("2.999.1")] * 65)], id="too-many-attributes"),
            pytest.param(
                [der.integer(0), der.explicit(0, der.sequence(der.oid(RSA)), der.element(0x03, b"\x00\x30\x00"))],
                id="no-key",
            ),
        ],
    )
    def test_what_makes_no_sense_is_malformed(self, parts: list[bytes]) -> None:
        with pytest.raises(MalformedAnswer):
            parsed(attribute(TEMPLATE, der.sequence(*parts)))


class TestNames:
    @pytest.mark.parametrize(
        ("encoded", "expected"),
        [
            pytest.param(der.element(0x82), RequestedGeneralName(GeneralNameKind.DNS), id="dns-to-fill-in"),
            pytest.param(
                der.explicit(4, der.sequence()), RequestedGeneralName(GeneralNameKind.DIRECTORY), id="null-dn"
            ),
            pytest.param(
                der.element(0x87, b"\xc0\x00\x02\x01"),
                RequestedGeneralName(GeneralNameKind.IP, b"\xc0\x00\x02\x01", "192.0.2.1"),
                id="address",
            ),
            pytest.param(
                der.element(0x86, b"spiffe://a"),
                RequestedGeneralName(GeneralNameKind.URI, b"spiffe://a", "spiffe://a"),
                id="uri",
            ),
        ],
    )
    def test_is_understood(self, encoded: bytes, expected: RequestedGeneralName) -> None:
        assert requested_general_names(der.sequence(encoded)) == (expected,)

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(der.sequence(der.integer(1)), id="number"),
            pytest.param(der.sequence(der.element(0x89, b"x")), id="unknown-kind"),
            pytest.param(der.sequence(der.element(0x87, b"xyz")), id="no-address"),
            pytest.param(der.sequence(der.element(0x82, b"\xff")), id="no-ascii"),
            pytest.param(der.sequence(*[der.element(0x82)] * 257), id="too-many"),
        ],
    )
    def test_what_is_no_name_is_malformed(self, value: bytes) -> None:
        with pytest.raises(MalformedAnswer):
            requested_general_names(value)


@given(body=st.binary(max_size=200))
def test_any_body_is_understood_or_malformed(body: bytes) -> None:
    for form in (body, base64.b64encode(body), base64.b64encode(der.sequence(body))):
        with suppress(MalformedAnswer):
            parse_csrattrs(form)
    with suppress(MalformedAnswer):
        requested_general_names(body)


@given(
    number=st.integers(0, 1 << 16),
    value=st.integers(0, 255),
    oid=st.sampled_from([TEMPLATE, EXTENSION_REQUEST, RSA, EC, EXTENSION_TEMPLATE]),
)
def test_any_damage_is_understood_or_malformed(number: int, value: int, oid: str) -> None:
    inner = der.sequence(
        der.integer(0),
        der.sequence(rdn("2.5.4.3", b"a")),
        der.explicit(0, der.sequence(der.oid(RSA)), der.element(0x03, b"\x00" + der.sequence(der.integer(1 << 70)))),
        der.explicit(1, attribute(EXTENSION_TEMPLATE, der.sequence(der.sequence(der.oid(SAN), b"\x01\x01\xff")))),
    )
    raw = bytearray(der.sequence(attribute(oid, inner)))
    raw[number % len(raw)] = value
    with suppress(MalformedAnswer):
        parse_csrattrs(base64.b64encode(bytes(raw)))
