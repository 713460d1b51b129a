import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols import cms
from certwright.protocols.cms import der
from tests.protocols.cms.material import certificate, ec_key, self_signed, vector
from tests.protocols.cms.messages import certificate_set, indefinite

SET_OF_THREE = (certificate("rsa"), certificate("ec"), certificate("ca"))
ENCODED = [each.public_bytes(Encoding.DER) for each in SET_OF_THREE]


@pytest.mark.parametrize("name", ["certs-only.der", "certs-only.pem"])
def test_a_set_keeps_its_order_and_drops_duplicates(name: str) -> None:
    assert cms.certificates(vector(name)) == SET_OF_THREE


def test_a_set_in_ber_is_read() -> None:
    in_ber = indefinite(
        0x30,
        der.oid(cms.ID_SIGNED_DATA),
        indefinite(
            0xA0,
            indefinite(
                0x30,
                der.integer(1),
                indefinite(0x31),
                indefinite(0x30, der.oid(cms.ID_DATA)),
                indefinite(0xA0, *ENCODED),
                indefinite(0x31),
            ),
        ),
    )
    assert cms.certificates(in_ber) == SET_OF_THREE


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(ENCODED[0], id="DER"),
        pytest.param(vector("rsa.crt"), id="PEM"),
        pytest.param(b"subject=/CN=x\r\n" + vector("rsa.crt").replace(b"\n", b"\r\n"), id="PEM after prose"),
    ],
)
def test_a_lone_certificate_is_read(encoded: bytes) -> None:
    assert cms.certificates(encoded) == (certificate("rsa"),)


def test_several_pem_blocks_are_read_and_keys_among_them_left_alone() -> None:
    bundle = vector("rsa.crt") + vector("rsa.key") + vector("ca.crt")
    assert cms.certificates(bundle) == (certificate("rsa"), certificate("ca"))


def test_a_set_of_crls_only_has_no_certificates() -> None:
    assert cms.certificates(vector("crl-only.der")) == ()


def test_an_unreadable_certificate_among_others_is_skipped() -> None:
    other = der.sequence(der.sequence(), der.sequence(), b"\x03\x01\x00")
    attribute_certificate = der.element(0xA2, der.integer(1))
    assert cms.certificates(certificate_set(other, ENCODED[0], attribute_certificate)) == (certificate("rsa"),)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(certificate_set(der.sequence(der.sequence())), id="unreadable certificates only"),
        pytest.param(der.sequence(der.sequence()), id="lone and unreadable"),
        pytest.param(vector("ktri-aes128-cbc.der"), id="another content type"),
        pytest.param(ENCODED[0] + b"\n", id="trailing byte"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\nAAAA", id="PEM without end"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\n\xff\n-----END CERTIFICATE-----", id="PEM that is not base64"),
    ],
)
def test_what_holds_no_certificate_is_malformed(encoded: bytes) -> None:
    with pytest.raises(cms.MalformedCMS):
        cms.certificates(encoded)


def test_a_certificate_that_the_library_only_warns_of_is_read() -> None:
    positive = self_signed(ec_key(), serial=0x55).public_bytes(Encoding.DER)
    negative = positive.replace(b"\x02\x01\x55", b"\x02\x01\xd5", 1)
    assert len(cms.certificates(negative)) == 1


@pytest.mark.parametrize(
    ("found", "replacement"),
    [
        pytest.param(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x3f", id="version"),
        pytest.param(b"\x0c\x03rsa", b"\x0c\x03\xff\xff\xff", id="subject"),
        pytest.param(b"\x03\x55\x1d\x0f\x04", b"\x03\x55\x1d\x11\x04", id="extension"),
        pytest.param(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x7f", id="key"),
    ],
)
def test_a_certificate_that_would_fail_its_reader_later_is_skipped_at_once(found: bytes, replacement: bytes) -> None:
    broken = ENCODED[0].replace(found, replacement)
    assert broken != ENCODED[0]
    assert cms.certificates(certificate_set(broken, ENCODED[1])) == (certificate("ec"),)


def test_a_hundred_certificates_are_read_and_one_more_refused() -> None:
    many = [self_signed(ec_key(), serial=serial).public_bytes(Encoding.DER) for serial in range(1, 102)]
    assert len(cms.certificates(certificate_set(*many[:100]))) == 100
    with pytest.raises(cms.MalformedCMS, match="more than 100"):
        cms.certificates(certificate_set(*many))
