from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa

from certwright.protocols import cms
from certwright.protocols.cms import der
from certwright.protocols.cms.structures import ContentInfo, SignedData, load, raw, sole
from tests.protocols.cms.material import CONTENT, certificate, ec_key, rsa_key, self_signed

# As SCEP has them: PrintableString values.
ATTRIBUTES = [
    ("2.16.840.1.113733.1.9.7", der.element(0x13, b"transaction")),
    ("2.16.840.1.113733.1.9.2", der.element(0x13, b"19")),
]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        pytest.param(rsa_key, "1.2.840.113549.1.1.1", id="RSA"),
        pytest.param(ec_key, "1.2.840.10045.4.3.2", id="P-256"),
        pytest.param(lambda: ec_key("ec521"), "1.2.840.10045.4.3.2", id="P-521"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, "1.3.101.112", id="Ed25519"),
        pytest.param(ed448.Ed448PrivateKey.generate, "1.3.101.113", id="Ed448"),
        pytest.param(mldsa.MLDSA44PrivateKey.generate, "2.16.840.1.101.3.4.3.17", id="ML-DSA-44"),
        pytest.param(mldsa.MLDSA65PrivateKey.generate, "2.16.840.1.101.3.4.3.18", id="ML-DSA-65"),
        pytest.param(mldsa.MLDSA87PrivateKey.generate, "2.16.840.1.101.3.4.3.19", id="ML-DSA-87"),
    ],
)
def test_what_is_signed_is_verified(key: Callable[[], cms.SigningKey], algorithm: str) -> None:
    private = key()
    signer_certificate = self_signed(private)
    message = cms.SignedMessage.parse(
        cms.sign(CONTENT, key=private, certificate=signer_certificate, attributes=ATTRIBUTES)
    )
    ((signer, found),) = message.verify()
    assert (message.content, found) == (CONTENT, signer_certificate)
    assert signer.signature_algorithm.oid == algorithm
    with pytest.raises(cms.BadSignature):
        signer.verify(signer_certificate, content=b"other")


@pytest.mark.parametrize("digest", [d for d in cms.DigestAlgorithm if not d.startswith(("MD5", "SHA-1", "SHAKE"))])
@pytest.mark.parametrize("key", [rsa_key, ec_key], ids=["RSA", "EC"])
def test_every_digest_serves(key: Callable[[], cms.SigningKey], digest: cms.DigestAlgorithm) -> None:
    private = key()
    encoded = cms.sign(CONTENT, key=private, certificate=self_signed(private), digest=digest)
    ((signer, _),) = cms.SignedMessage.parse(encoded).verify()
    assert signer.digest == digest.oid


def test_sha1_is_signed_where_it_is_asked_for() -> None:
    encoded = cms.sign(CONTENT, key=rsa_key(), certificate=certificate("rsa"), digest=cms.DigestAlgorithm.SHA1)
    message = cms.SignedMessage.parse(encoded)
    message.verify(accept={cms.LegacyAlgorithm.SHA1})
    with pytest.raises(cms.LegacyAlgorithmRefused):
        message.verify()


def test_exactly_the_attributes_asked_for_are_signed_in_der_order() -> None:
    encoded = cms.sign(CONTENT, key=rsa_key(), certificate=certificate("rsa"), attributes=ATTRIBUTES)
    (signer,) = cms.SignedMessage.parse(encoded).signers
    assert set(signer.attributes) == {cms.ID_CONTENT_TYPE, cms.ID_MESSAGE_DIGEST, *dict(ATTRIBUTES)}
    assert {oid: signer.attribute(oid) for oid, _ in ATTRIBUTES} == dict(ATTRIBUTES)
    bare = load(SignedData, sole(load(ContentInfo, encoded)["content"]))
    received = [raw(each) for each in bare["signer_infos"][0]["signed_attributes"]]
    assert received == sorted(received)


def test_another_content_type_is_written_and_signed() -> None:
    encoded = cms.sign(
        CONTENT, key=rsa_key(), certificate=certificate("rsa"), content_type=cms.ID_ASYMMETRIC_KEY_PACKAGE
    )
    message = cms.SignedMessage.parse(encoded)
    message.verify()
    assert message.content_type == cms.ID_ASYMMETRIC_KEY_PACKAGE


def test_the_chain_goes_along_once() -> None:
    chain = [certificate("rsa"), certificate("ca")]
    message = cms.SignedMessage.parse(
        cms.sign(CONTENT, key=rsa_key(), certificate=certificate("rsa"), certificates=chain)
    )
    assert set(message.certificates) == set(chain)
    assert len(message.certificates) == 2


def test_a_signature_names_its_whole_algorithm_outside_cms() -> None:
    signature = cms.sign_message(rsa_key(), CONTENT, digest=cms.DigestAlgorithm.SHA256)
    assert signature.algorithm == cms.Algorithm("1.2.840.113549.1.1.11", der.NULL)
    cms.verify_signature(rsa_key().public_key(), signature.value, CONTENT, algorithm=signature.algorithm)


def test_an_unknown_signature_algorithm_is_named() -> None:
    with pytest.raises(cms.UnsupportedAlgorithm) as refusal:
        cms.verify_signature(rsa_key().public_key(), b"", CONTENT, algorithm=cms.Algorithm("1.2.3.4"))
    assert refusal.value.oid == "1.2.3.4"


def test_the_key_of_a_signature_must_be_of_its_kind() -> None:
    signature = cms.sign_message(rsa_key(), CONTENT, digest=cms.DigestAlgorithm.SHA256)
    for key in (ec_key().public_key(), ed25519.Ed25519PrivateKey.generate().public_key()):
        with pytest.raises(cms.BadSignature):
            cms.verify_signature(key, signature.value, CONTENT, algorithm=signature.algorithm)


def test_a_curve_of_another_size_is_no_trouble() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    cms.SignedMessage.parse(cms.sign(b"", key=key, certificate=self_signed(key))).verify()
