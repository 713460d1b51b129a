"""The bodies that this client sends (RFC 9810 §5.3, RFC 9483 §4)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import SignatureAlgorithmOID

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.algorithm import Algorithm
from certwright.protocols.cmp.der import load, sequence
from certwright.protocols.cmp.header import general_name
from certwright.protocols.cmp.signature import PrivateKey, sign, signature_algorithm
from certwright.protocols.cmp.status import FAILURES, FailInfo
from certwright.protocols.cmp.template import CertTemplate
from certwright.protocols.cmp.transaction import CMP2021, FIRST, Operation, State, Transaction

OLD_CERT_ID = "1.3.6.1.5.5.7.5.1.5"
PROTOCOL_ENCR_KEY = "1.3.6.1.5.5.7.5.1.6"
CRL_REASON = "2.5.29.21"
SHA512 = "2.16.840.1.101.3.4.2.3"
REJECTION = 2  # PKIStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRequest:
    """One request for a certificate. ``key`` proves possession; without one the CA makes the key.

    ``digest`` is the hash that it signs with, None where that is the key's usual one.
    ``raVerified`` says that the sender, an RA, has checked possession itself (RFC 9483 §5.2.3.2).
    """

    template: CertTemplate
    key: PrivateKey | None = field(default=None, repr=False)
    digest: hashes.HashAlgorithm | None = None
    profile: str | None = None
    is_ra_verified: bool = False

    @classmethod
    def from_csr(cls, request: x509.CertificateSigningRequest, *, key: PrivateKey, profile: str | None = None) -> Self:
        """What the CSR asks for, with the key that it was made with and the hash that it was signed with."""
        template, digest = CertTemplate.from_csr(request), request.signature_hash_algorithm
        return cls(template=template, key=key, digest=digest, profile=profile)

    @classmethod
    def for_central_key(cls, request: x509.CertificateSigningRequest, *, profile: str | None = None) -> Self:
        """What the CSR asks for, but for a key of the CA's making, of the same algorithm as the CSR's."""
        return cls(template=CertTemplate.from_csr(request).without_key(), profile=profile)

    @property
    def is_for_central_key(self) -> bool:
        """Whether a private key is to come with the answer."""
        return self.key is None and not self.is_ra_verified


def certificate_request(operation: Operation, request: CertificateRequest, *, controls: Sequence[Any] = ()) -> Any:
    """The body of ir, cr, kur or krr with one request in it."""
    fields = {"certReqId": FIRST, "certTemplate": request.template.asn1()}
    asked = asn1.CertRequest(fields | ({"controls": list(controls)} if controls else {}))
    message = {"certReq": asked}
    if request.is_ra_verified:
        message["popo"] = asn1.ProofOfPossession("raVerified", core.Null())
    elif request.key is not None:
        message["popo"] = _possession(request.key, asked.dump(), request.digest)
    return asn1.PKIBody(operation.value, [asn1.CertReqMsg(message)])


def _possession(key: PrivateKey, asked: bytes, digest: hashes.HashAlgorithm | None) -> Any:
    """POPOSigningKey. Subject and key are always in the template, so poposkInput must not be (RFC 9483 §4.1.1)."""
    algorithm = signature_algorithm(key, digest=digest)
    fields = {"algorithmIdentifier": algorithm.asn1(), "signature": sign(key, asked, digest=digest)}
    return asn1.ProofOfPossession("signature", asn1.POPOSigningKey(fields))


def old_cert_id(certificate: x509.Certificate) -> Any:
    """The control that names the certificate to be updated (RFC 4211 §6.5)."""
    named = asn1.CertId({"issuer": general_name(certificate.issuer), "serialNumber": certificate.serial_number})
    return asn1.AttributeTypeAndValue({"type": OLD_CERT_ID, "value": named})


def protocol_encr_key(certificate: x509.Certificate) -> Any:
    """The control that names the key which answers are to be encrypted for (RFC 4211 §6.6)."""
    raw = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return asn1.AttributeTypeAndValue({"type": PROTOCOL_ENCR_KEY, "value": load(asn1.SubjectPublicKeyInfo, raw)})


def pkcs10_request(request: x509.CertificateSigningRequest) -> Any:
    """The body of p10cr."""
    return asn1.PKIBody("p10cr", load(asn1.CertificationRequest, request.public_bytes(Encoding.DER)))


def revocation_request(certificate: x509.Certificate, reason: x509.ReasonFlags) -> Any:
    """The body of rr. The reason is always said; removeFromCRL takes a certificate off hold (RFC 9483 §4.2)."""
    value = core.OctetString(x509.CRLReason(reason).public_bytes()).dump()
    extension = sequence(core.ObjectIdentifier(CRL_REASON).dump(), value)
    details = {
        "certDetails": CertTemplate.naming(certificate).asn1(),
        "crlEntryDetails": load(asn1.Extensions, sequence(extension)),
    }
    return asn1.PKIBody("rr", [asn1.RevDetails(details)])


def general_message(infos: Sequence[Any]) -> Any:
    """The body of genm."""
    return asn1.PKIBody("genm", list(infos))


def poll_request(transaction: Transaction) -> Any:
    """The body of pollReq. Raises ValueError where nothing is waited for."""
    if not transaction.is_waiting:
        raise ValueError("the server did not say that this transaction has to wait")
    return asn1.PKIBody("pollReq", [{"certReqId": transaction.poll_id}])


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a certificate is not taken."""

    text: str
    fail_info: FailInfo = FailInfo.INCORRECT_DATA


def confirmation(transaction: Transaction, objection: Objection | None = None) -> tuple[Transaction, Any]:
    """The body of certConf, which takes or refuses the certificate, and the transaction that it belongs to.

    A certConf that names its hash raises the version (RFC 9810 §5.3.18). Raises ValueError where none is due.
    """
    if transaction.certificate is None or transaction.state not in (State.GRANTED, State.CONFIRMING):
        raise ValueError("no certificate of this transaction waits for its certConf")
    digest, algorithm = certificate_hash(x509.load_der_x509_certificate(transaction.certificate))
    status: dict[str, Any] = {"certHash": digest, "certReqId": transaction.cert_req_id}
    if algorithm is not None:
        status["hashAlg"] = algorithm.asn1()
        transaction = replace(transaction, pvno=CMP2021)
    if objection is not None:
        status["statusInfo"] = _rejection(objection)
    return transaction, asn1.PKIBody("certConf", [status])


def certificate_hash(certificate: x509.Certificate) -> tuple[bytes, Algorithm | None]:
    """The certHash, and the hashAlg where the certificate's signature does not say it (RFC 9810 §5.3.18).

    EdDSA has the hashes of RFC 9481 §3.3; for anything else without a hash of its own SHA-512 is named.
    """
    oid = certificate.signature_algorithm_oid
    if oid == SignatureAlgorithmOID.ED25519:
        return certificate.fingerprint(hashes.SHA512()), None
    if oid == SignatureAlgorithmOID.ED448:
        return certificate.fingerprint(hashes.SHAKE256(64)), None
    own = certificate.signature_hash_algorithm
    if own is not None:
        return certificate.fingerprint(own), None
    return certificate.fingerprint(hashes.SHA512()), Algorithm(SHA512)


def error_message(objection: Objection) -> Any:
    """The body of error: how a client ends a transaction that it cannot go on with (RFC 9483 §3.6)."""
    return asn1.PKIBody("error", {"pKIStatusInfo": _rejection(objection)})


def _rejection(objection: Objection) -> dict[str, Any]:
    bits = tuple(int(bit is objection.fail_info) for bit in FAILURES)
    return {
        "status": REJECTION,
        "statusString": [objection.text],
        "failInfo": bits[: bits.index(1) + 1],  # DER keeps no zeros at the end of named bits.
    }
