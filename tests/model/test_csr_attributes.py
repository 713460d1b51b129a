"""Attributes in a request: whatever was in it before is kept, and the signature holds."""

import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID

from certwright.model.csr import build_csr
from certwright.model.csr_attributes import challenge_password, with_attributes
from certwright.model.enrolment import Prepared
from certwright.model.keys import KeyKind
from tests.model.builders import KINDS, key_of, spec_of

COUNTER = ("1.2.3.4", (core.UTF8String("seven").dump(),))


def parsed(csr: bytes) -> x509.CertificateSigningRequest:
    request = x509.load_der_x509_csr(csr)
    assert request.is_signature_valid
    return request


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_attributes_are_added_and_the_signature_holds(kind: KeyKind) -> None:
    before = parsed(build_csr(spec_of(), key_of(kind)))
    after = parsed(with_attributes(before.public_bytes(Encoding.DER), key_of(kind), [challenge_password("pass-word")]))
    assert after.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value == b"pass-word"
    assert list(after.extensions) == list(before.extensions)
    assert (after.subject, after.public_key()) == (before.subject, before.public_key())
    assert type(after.signature_hash_algorithm) is type(before.signature_hash_algorithm)


def test_an_attribute_takes_the_place_of_the_one_of_its_type() -> None:
    first = build_csr(spec_of(), key_of(), Prepared(challenge_password="one", attributes=(COUNTER,)))
    second = parsed(with_attributes(first, key_of(), [challenge_password("two")]))
    assert second.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value == b"two"
    assert len(second.attributes) == len(parsed(first).attributes)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        pytest.param("AB12+/=", core.PrintableString.tag, id="printable"),
        pytest.param("pass_word", core.UTF8String.tag, id="an underscore"),
        pytest.param("päss", core.UTF8String.tag, id="not ASCII"),
    ],
)
def test_a_challenge_password_is_printable_where_it_can_be(text: str, tag: int) -> None:
    _, (value,) = challenge_password(text)
    assert value[0] == tag


def test_the_same_request_has_the_same_bytes_but_for_its_signature() -> None:
    rsa = key_of(KINDS[0])
    wishes = Prepared(challenge_password="pass", attributes=(COUNTER,))
    assert build_csr(spec_of(), rsa, wishes) == build_csr(spec_of(), rsa, wishes)
