import pytest

from certwright.protocols import cms
from certwright.protocols.cms import der
from tests.protocols.cms.material import (
    ALL_LEGACY,
    CONTENT,
    certificate,
    ec_key,
    rsa_key,
    self_signed,
    vector,
)
from tests.protocols.cms.messages import (
    attribute,
    content_type_attribute,
    digest_attribute,
    indefinite,
    signed_data,
    signer_info,
)

UNKNOWN_TYPE = "1.2.3.4"


@pytest.mark.parametrize(
    ("name", "signers"),
    [
        ("signed-rsa-sha256", ["rsa"]),
        ("signed-rsa-sha512", ["rsa"]),
        ("signed-rsa-pss", ["rsa"]),
        ("signed-ecdsa-sha256", ["ec"]),
        ("signed-ecdsa-p521", ["ec521"]),
        ("signed-by-key-identifier", ["rsa"]),
        ("signed-without-attributes", ["rsa"]),
        ("signed-by-two", ["rsa", "ec"]),
        ("signed-streamed", ["rsa"]),
        ("signed-with-chain", ["rsa"]),
    ],
)
def test_what_openssl_signed_holds(name: str, signers: list[str]) -> None:
    message = cms.SignedMessage.parse(vector(f"{name}.der"))
    verified = [found for _, found in message.verify()]
    assert (message.content_type, message.content) == (cms.ID_DATA, CONTENT)
    assert sorted(verified, key=str) == sorted((certificate(name) for name in signers), key=str)


def test_a_detached_signature_holds_for_its_content_only() -> None:
    message = cms.SignedMessage.parse(vector("signed-detached.der"))
    assert message.content is None
    message.verify(content=CONTENT)
    with pytest.raises(cms.BadSignature):
        message.verify(content=CONTENT + b" ")
    with pytest.raises(cms.BadSignature):
        message.verify()


def test_a_signer_is_found_among_the_certificates_given() -> None:
    message = cms.SignedMessage.parse(vector("signed-without-certificate.der"))
    assert message.certificates == ()
    assert message.verify(certificates=[certificate("ca"), certificate("rsa")])[0][1] == certificate("rsa")
    with pytest.raises(cms.UnknownSigner):
        message.verify(certificates=[certificate("ca"), certificate("ec")])


def test_a_message_without_signers_is_not_verified() -> None:
    with pytest.raises(cms.UnknownSigner):
        cms.SignedMessage.parse(vector("certs-only.der")).verify()


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [("signed-rsa-sha1", cms.LegacyAlgorithm.SHA1), ("signed-rsa-md5", cms.LegacyAlgorithm.MD5)],
)
def test_a_weak_digest_is_accepted_by_name_only(name: str, algorithm: cms.LegacyAlgorithm) -> None:
    message = cms.SignedMessage.parse(vector(f"{name}.der"))
    message.verify(accept={algorithm})
    with pytest.raises(cms.LegacyAlgorithmRefused) as refusal:
        message.verify(accept=ALL_LEGACY - {algorithm})
    assert refusal.value.algorithm is algorithm


def test_crls_come_along_as_der() -> None:
    (crl,) = cms.SignedMessage.parse(vector("crl-only.der")).crls
    assert der.definite(crl) == crl


def test_another_certificate_does_not_verify() -> None:
    (signer,) = cms.SignedMessage.parse(vector("signed-rsa-sha256.der")).signers
    signer.verify(certificate("rsa"))
    signer.verify(rsa_key().public_key())
    for wrong in (certificate("other"), certificate("ec"), ec_key().public_key()):
        with pytest.raises(cms.BadSignature):
            signer.verify(wrong)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([content_type_attribute()], id="no digest"),
        pytest.param([content_type_attribute(), digest_attribute(b"other")], id="digest of another content"),
        pytest.param([digest_attribute()], id="no content type"),
        pytest.param([content_type_attribute(UNKNOWN_TYPE), digest_attribute()], id="another content type"),
    ],
)
def test_signed_attributes_that_contradict_the_content_are_refused(attributes: list[bytes]) -> None:
    message = cms.SignedMessage.parse(signed_data(signer_info(attributes)))
    with pytest.raises(cms.BadSignature):
        message.verify()


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([content_type_attribute(), digest_attribute(), digest_attribute()], id="attribute twice"),
        pytest.param(
            [attribute(cms.ID_CONTENT_TYPE, der.oid(cms.ID_DATA), der.oid(UNKNOWN_TYPE)), digest_attribute()],
            id="two values",
        ),
        pytest.param([attribute(cms.ID_CONTENT_TYPE), digest_attribute()], id="no value"),
    ],
)
def test_ambiguous_attributes_are_malformed(attributes: list[bytes]) -> None:
    message = cms.SignedMessage.parse(signed_data(signer_info(attributes)))
    with pytest.raises(cms.MalformedCMS):
        message.verify()


def test_a_missing_content_type_is_tolerated_when_asked_and_a_wrong_one_never() -> None:
    missing = cms.SignedMessage.parse(signed_data(signer_info([digest_attribute()])))
    missing.verify(require_content_type=False)
    wrong = signed_data(signer_info([content_type_attribute(UNKNOWN_TYPE), digest_attribute()]))
    with pytest.raises(cms.BadSignature):
        cms.SignedMessage.parse(wrong).verify(require_content_type=False)


def test_signed_attributes_are_verified_as_received_and_not_in_der_order() -> None:
    attributes = [digest_attribute(), attribute(UNKNOWN_TYPE, der.integer(1)), content_type_attribute()]
    assert attributes != sorted(attributes)
    message = cms.SignedMessage.parse(signed_data(signer_info(attributes)))
    message.verify()
    assert message.signers[0].attribute(UNKNOWN_TYPE) == der.integer(1)
    assert message.signers[0].attribute("1.2.3.5") is None


def test_signed_attributes_whose_length_ends_like_an_indefinite_one_hold() -> None:
    # 128 octets are encoded as 81 80, which a careless parser takes for an indefinite length.
    attributes = [content_type_attribute(), digest_attribute()]
    fill = 128 - len(b"".join(attributes)) - len(attribute(UNKNOWN_TYPE, der.octet_string(b"")))
    attributes.append(attribute(UNKNOWN_TYPE, der.octet_string(b"x" * fill)))
    assert len(b"".join(attributes)) == 128
    cms.SignedMessage.parse(signed_data(signer_info(attributes))).verify()


def test_signed_attributes_given_out_as_a_content_are_refused() -> None:
    # Whoever has a message of the signer's could otherwise present its attributes as something that he signed.
    attributes = [content_type_attribute(), digest_attribute()]
    content = der.element(der.SET, *attributes)
    forged = signed_data(signer_info(None, content=content), encapsulated=der.octet_string(content))
    with pytest.raises(cms.BadSignature):
        cms.SignedMessage.parse(forged).verify()


def test_another_type_than_data_needs_signed_attributes() -> None:
    bare = signed_data(signer_info(None), content_type=cms.ID_ASYMMETRIC_KEY_PACKAGE)
    with pytest.raises(cms.BadSignature):
        cms.SignedMessage.parse(bare).verify()


@pytest.mark.parametrize(
    "encapsulated",
    [
        pytest.param(
            indefinite(0x24, der.octet_string(CONTENT[:3]), der.octet_string(CONTENT[3:])), id="indefinite segments"
        ),
        pytest.param(
            der.element(0x24, der.octet_string(CONTENT[:3]), der.octet_string(b""), der.octet_string(CONTENT[3:])),
            id="definite segments",
        ),
        pytest.param(
            indefinite(0x24, indefinite(0x24, der.octet_string(CONTENT[:3])), der.octet_string(CONTENT[3:])),
            id="segments of segments",
        ),
        pytest.param(der.element(0x13, CONTENT), id="PKCS 7 with another type"),
    ],
)
def test_contents_are_put_together(encapsulated: bytes) -> None:
    info = signer_info([content_type_attribute(), digest_attribute()])
    message = cms.SignedMessage.parse(signed_data(info, encapsulated=encapsulated))
    message.verify()
    assert message.content == CONTENT


def test_a_signer_with_the_issuer_written_otherwise_is_found() -> None:
    key = ec_key()
    known = self_signed(key, common_name="Some CA", serial=77)
    message = cms.SignedMessage.parse(cms.sign(CONTENT, key=key, certificate=known))
    rewritten = message.signers[0].identity
    assert isinstance(rewritten, cms.IssuerAndSerial)
    printable = cms.IssuerAndSerial(rewritten.issuer.replace(b"\x0c\x07Some CA", b"\x13\x07some ca"), 77)
    assert printable != rewritten
    assert printable.names(known)
    assert not cms.IssuerAndSerial(printable.issuer, 78).names(known)


def test_more_than_ten_signers_are_refused() -> None:
    info = signer_info([content_type_attribute(), digest_attribute()])
    cms.SignedMessage.parse(signed_data(*[info] * 10)).verify()
    with pytest.raises(cms.MalformedCMS, match="more than 10 signers"):
        cms.SignedMessage.parse(signed_data(*[info] * 11))


def test_nothing_of_the_content_is_in_the_repr() -> None:
    assert "What was sent" not in repr(cms.SignedMessage.parse(vector("signed-rsa-sha256.der")))
