"""The identity of a request: the same inputs give the same one, and others another."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.scep import requester_certificate, transaction_id
from tests.fakes.ca import common_name
from tests.fakes.scep.authority import rsa_key

NOW = datetime(2030, 1, 1, 12, 30, 15, 987654, tzinfo=UTC)
SUBJECT = common_name("device.test")
ID = "ab" * 32


def certificate(key: str = "device", subject: x509.Name = SUBJECT, name: str = ID, now: datetime = NOW) -> bytes:
    made = requester_certificate(rsa_key(key), subject=subject, transaction_id=name, not_before=now)
    return made.public_bytes(Encoding.DER)


def test_the_certificate_need_not_be_stored() -> None:
    assert certificate() == certificate() == certificate(now=NOW.replace(microsecond=0))


def test_every_input_makes_a_difference() -> None:
    others = [
        certificate(key="other"),
        certificate(subject=common_name("other.test")),
        certificate(name="cd" * 32),
        certificate(now=NOW + timedelta(seconds=1)),
    ]
    assert len({certificate(), *others}) == 5


def test_the_certificate_is_what_the_rfc_wants() -> None:
    made = x509.load_der_x509_certificate(certificate())
    made.verify_directly_issued_by(made)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    assert SUBJECT == made.subject == made.issuer
    assert 0 < made.serial_number < 1 << 159
    assert timedelta(days=365) == made.not_valid_after_utc - made.not_valid_before_utc


def test_a_request_without_a_subject_is_signed_in_its_own_name() -> None:
    made = x509.load_der_x509_certificate(certificate(subject=x509.Name([])))
    assert common_name(ID) == made.issuer


@pytest.mark.parametrize(
    ("key", "serial"),
    [
        pytest.param(b"key", 1, id="renewed"),
        pytest.param(b"key", 2, id="renewed-again"),
        pytest.param(b"other", None, id="other-key"),
    ],
)
def test_a_key_that_is_kept_has_a_new_transaction_for_each_renewal(key: bytes, serial: int | None) -> None:
    first = transaction_id(b"key")
    assert first == transaction_id(b"key")
    assert first != transaction_id(key, serial)
    assert (len(first), first.isalnum()) == (64, True)
