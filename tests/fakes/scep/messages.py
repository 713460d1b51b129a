"""SCEP messages from the server's side: requests read strictly, answers written with every liberty a test asks for."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from tests.fakes.scep.envelopes import issuer_and_serial

ARC = "2.16.840.1.113733.1.9"
MESSAGE_TYPE, PKI_STATUS, FAIL_INFO, SENDER_NONCE, RECIPIENT_NONCE, TRANSACTION_ID = (f"{ARC}.{n}" for n in range(2, 8))
FAIL_INFO_TEXT = "1.3.6.1.5.5.7.24.1"
REQUIRED = {MESSAGE_TYPE, TRANSACTION_ID, SENDER_NONCE, "content_type", "message_digest"}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - what old servers answer with
    "sha1": hashes.SHA1(),  # noqa: S303 - what old servers answer with
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class Request:
    """A request whose signature holds, with the attributes of RFC 8894 §3.2.1. ``envelope`` is still closed."""

    message_type: str
    transaction_id: str
    nonce: bytes
    digest: str
    signer: x509.Certificate
    attributes: frozenset[str]
    envelope: bytes = field(repr=False)


def read_request(raw: bytes) -> Request:
    info = cms.ContentInfo.load(raw, strict=True)
    assert info["content_type"].native == "signed_data"
    signed = info["content"]
    (signer_info,) = signed["signer_infos"]
    (certificate,) = signed["certificates"]
    signer = x509.load_der_x509_certificate(certificate.dump())
    values = {entry["type"].native: entry["values"] for entry in signer_info["signed_attrs"]}
    assert set(values) >= REQUIRED, "required attributes are missing"
    digest = signer_info["digest_algorithm"]["algorithm"].native
    content = signed["encap_content_info"]["content"].native
    assert values["content_type"][0].native == signed["encap_content_info"]["content_type"].native == "data"
    assert values["message_digest"][0].native == hashlib.new(digest, content).digest()
    _verify(signer, signer_info["signature"].native, signer_info["signed_attrs"].untag().dump(), HASHES[digest])
    request = Request(
        message_type=_text(values[MESSAGE_TYPE]),
        transaction_id=_text(values[TRANSACTION_ID]),
        nonce=values[SENDER_NONCE][0].parse(core.OctetString).native,
        digest=digest,
        signer=signer,
        attributes=frozenset(values),
        envelope=content,
    )
    assert len(request.nonce) == 16
    return request


def _text(values: Sequence[core.Any]) -> str:
    (value,) = values
    return str(value.parse(core.PrintableString).native)


def _verify(signer: x509.Certificate, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm) -> None:
    key = signer.public_key()
    if isinstance(key, RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), algorithm)
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signature, signed, ec.ECDSA(algorithm))


def attribute(oid: str, value: core.Asn1Value) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": oid, "values": [value]})


def cert_rep_attributes(values: Mapping[str, str | bytes]) -> list[cms.CMSAttribute]:
    """Texts as the RFC encodes them, octets as OCTET STRING."""
    encoded = []
    for oid, value in values.items():
        match value:
            case bytes():
                encoded.append(attribute(oid, core.OctetString(value)))
            case _ if oid == FAIL_INFO_TEXT:
                encoded.append(attribute(oid, core.UTF8String(value)))
            case _:
                encoded.append(attribute(oid, core.PrintableString(value)))
    return encoded


def signed_message(
    content: bytes | None,
    attributes: Sequence[cms.CMSAttribute],
    *,
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    digest: str = "sha256",
    certificates: Sequence[x509.Certificate] = (),
    digested: bytes | None = None,
    content_type: bool = True,
) -> bytes:
    """``digested``: sign the digest of something else. ``content_type``: False leaves that attribute out."""
    hashed = hashlib.new(digest, (content or b"") if digested is None else digested).digest()
    every = [attribute("message_digest", core.OctetString(hashed)), *attributes]
    if content_type:
        every.append(attribute("content_type", cms.ContentType("data")))
    signed_attributes = cms.CMSAttributes(every)
    signer_info = {
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", issuer_and_serial(certificate)),
        "digest_algorithm": {"algorithm": digest},
        "signed_attrs": signed_attributes,
        "signature_algorithm": {
            "algorithm": "rsassa_pkcs1v15" if isinstance(key, RSAPrivateKey) else f"{digest}_ecdsa"
        },
        "signature": _sign(key, signed_attributes.dump(), HASHES[digest]),
    }
    encapsulated = {"content_type": "data"} | ({} if content is None else {"content": content})
    signed = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": digest}],
        "encap_content_info": encapsulated,
        "certificates": _certificate_set(certificates),
        "signer_infos": [signer_info],
    }
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _sign(key: RSAPrivateKey | ec.EllipticCurvePrivateKey, signed: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), algorithm)
    return key.sign(signed, ec.ECDSA(algorithm))


def certs_only(
    certificates: Sequence[x509.Certificate] = (), crls: Sequence[x509.CertificateRevocationList] = ()
) -> bytes:
    """A degenerate SignedData (RFC 8894 §3.4)."""
    signed = {
        "version": "v1",
        "digest_algorithms": [],
        "encap_content_info": {"content_type": "data"},
        "signer_infos": [],
    }
    if certificates:
        signed["certificates"] = _certificate_set(certificates)
    if crls:
        signed["crls"] = [cms.RevocationInfoChoice.load(crl.public_bytes(Encoding.DER)) for crl in crls]
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


class InAnyOrder(cms.CertificateSet):  # type: ignore[misc] # asn1crypto has no types
    """BER: the order is what the server likes, not the sorted one of DER."""

    _set_contents = core.SequenceOf._set_contents


def _certificate_set(certificates: Sequence[x509.Certificate]) -> InAnyOrder:
    loaded = [asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in certificates]
    return InAnyOrder([cms.CertificateChoices("certificate", each) for each in loaded])
