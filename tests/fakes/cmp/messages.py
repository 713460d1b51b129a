"""The fake server's codec: requests are verified as a strict server does, answers protected as it is told to."""

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from asn1crypto import algos, core
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certwright.protocols.cmp import asn1
from tests.fakes.cmp.authority import Pair

PBM = "1.2.840.113533.7.66.13"
PBMAC1 = "1.2.840.113549.1.5.14"
SHA = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha512": "2.16.840.1.101.3.4.2.3"}
HMAC = {"sha1": "1.3.6.1.5.5.8.1.2", "sha256": "1.2.840.113549.2.9", "sha512": "1.2.840.113549.2.11"}
HMAC_NAMES = {oid: name for name, oid in HMAC.items()} | {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
OWF_NAMES = {oid: name for name, oid in SHA.items()} | {"2.16.840.1.101.3.4.2.2": "sha384"}
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
WINDOW = timedelta(minutes=5)
RANDOM = 16


class Kind(StrEnum):
    """How a message is protected."""

    MAC = "mac"
    SIGNATURE = "signature"
    NONE = "none"


class RefusalError(Exception):
    """A request that gets an error message; ``bit`` is of failInfo."""

    def __init__(self, bit: int, text: str) -> None:
        super().__init__(text)
        self.bit = bit


@dataclass(slots=True)
class Request:
    """A verified request. ``signer`` signed it, ``authority`` is the RA that vouched for it."""

    header: Any
    body: Any
    kind: Kind
    reference: str | None = None
    signer: x509.Certificate | None = None
    extra_certs: list[x509.Certificate] = field(default_factory=list)
    authority: x509.Certificate | None = None

    @property
    def transaction_id(self) -> bytes:
        return bytes(self.header["transactionID"].native)

    @property
    def infos(self) -> dict[str, Any]:
        return {one["infoType"].dotted: one["infoValue"] for one in self.header["generalInfo"] or ()}


def parse_request(raw: bytes, *, secrets: dict[str, bytes], now: datetime) -> Request:
    message = asn1.PKIMessage.load(raw, strict=True)
    request = _verified(message, secrets=secrets)
    header = request.header
    if header["pvno"].native not in (2, 3):
        raise RefusalError(22, "unsupported version")
    if abs(header["messageTime"].native - now) > WINDOW:
        raise RefusalError(3, "messageTime is off")
    if len(header["transactionID"].native or b"") != RANDOM or len(header["senderNonce"].native or b"") != RANDOM:
        raise RefusalError(18, "transactionID and senderNonce have 16 octets")
    if request.body.name == "nested":
        return _unwrapped(request, secrets=secrets, now=now)
    return request


def _unwrapped(outer: Request, *, secrets: dict[str, bytes], now: datetime) -> Request:
    """RFC 9483 §5.2.2.1: the transactionID and senderNonce of the message inside."""
    if outer.kind is not Kind.SIGNATURE or len(outer.body.chosen) != 1:
        raise RefusalError(2, "nested messages are signed and hold one message")
    inner = parse_request(outer.body.chosen[0].dump(), secrets=secrets, now=now)
    for name in ("transactionID", "senderNonce"):
        if inner.header[name].native != outer.header[name].native:
            raise RefusalError(2, f"{name} differs from the message inside")
    inner.authority = outer.signer
    return inner


def _verified(message: Any, *, secrets: dict[str, bytes]) -> Request:
    header, body = message["header"], message["body"]
    oid = header["protectionAlg"]["algorithm"].dotted if header["protectionAlg"] else None
    if oid is None or not message["protection"]:
        raise RefusalError(1, "the request is not protected")
    covered = core.Sequence(contents=header.dump() + body.dump()).dump()
    extra = [x509.load_der_x509_certificate(one.dump()) for one in message["extraCerts"] or ()]
    protection = message["protection"].native
    if oid in (PBM, PBMAC1):
        reference = (header["senderKID"].native or b"").decode()
        if reference not in secrets:
            raise RefusalError(1, "unknown reference")
        if not hmac.compare_digest(_mac(header["protectionAlg"], secrets[reference], covered), protection):
            raise RefusalError(1, "wrong MAC")
        return Request(header, body, Kind.MAC, reference=reference, extra_certs=extra)
    if not extra or header["sender"].chosen.untag().dump() != extra[0].subject.public_bytes():
        raise RefusalError(1, "the first of extraCerts is not the sender's")
    if not is_signed(extra[0].public_key(), protection, covered, oid=oid):
        raise RefusalError(1, "wrong signature")
    return Request(header, body, Kind.SIGNATURE, signer=extra[0], extra_certs=extra)


def _mac(algorithm: Any, secret: bytes, covered: bytes) -> bytes:
    if algorithm["algorithm"].dotted == PBM:
        pbm = algorithm["parameters"].parse(asn1.PBMParameter)
        key = secret + pbm["salt"].native
        for _ in range(pbm["iterationCount"].native):
            key = hashlib.new(OWF_NAMES[pbm["owf"]["algorithm"].dotted], key).digest()
        return hmac.digest(key, covered, HMAC_NAMES[pbm["mac"]["algorithm"].dotted])
    scheme = algorithm["parameters"].parse(asn1.PBMAC1Params)
    pbkdf2 = scheme["keyDerivationFunc"]["parameters"].parse(asn1.PBKDF2Params)
    name = HMAC_NAMES[scheme["messageAuthScheme"]["algorithm"].dotted]
    length = pbkdf2["keyLength"].native
    if length is None:
        raise RefusalError(0, "keyLength has to be there")
    iterations = pbkdf2["iterationCount"].native
    return hmac.digest(hashlib.pbkdf2_hmac(name, secret, pbkdf2["salt"].native, iterations, length), covered, name)


SIGNATURE_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
"""RFC 8017 and RFC 5758."""


def is_signed(public_key: Any, signature: bytes, covered: bytes, *, oid: str) -> bool:
    try:
        match public_key:
            case rsa.RSAPublicKey() if oid == "1.2.840.113549.1.1.10":
                scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
                public_key.verify(signature, covered, scheme, hashes.SHA256())
            case rsa.RSAPublicKey():
                public_key.verify(signature, covered, padding.PKCS1v15(), SIGNATURE_HASHES[oid]())
            case ec.EllipticCurvePublicKey():
                public_key.verify(signature, covered, ec.ECDSA(SIGNATURE_HASHES[oid]()))
            case _:
                public_key.verify(signature, covered)
    except InvalidSignature:
        return False
    return True


def signing(key: Any) -> tuple[dict[str, Any], Callable[[bytes], bytes]]:
    """The AlgorithmIdentifier and the signature of a key; ``(key, "PSS")`` is an RSA key that signs with RSASSA-PSS."""
    match key:
        case (rsa.RSAPrivateKey() as private, "PSS"):
            sha384 = {"algorithm": "sha384", "parameters": core.Null()}
            mask = {"algorithm": "mgf1", "parameters": sha384}
            fields = {"hash_algorithm": sha384, "mask_gen_algorithm": mask, "salt_length": 48}
            scheme = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
            parameters = algos.RSASSAPSSParams(fields)
            return (
                {"algorithm": "1.2.840.113549.1.1.10", "parameters": parameters},
                lambda covered: bytes(private.sign(covered, scheme, hashes.SHA384())),
            )
        case rsa.RSAPrivateKey():
            algorithm = {"algorithm": "1.2.840.113549.1.1.13", "parameters": core.Null()}
            return algorithm, lambda covered: bytes(key.sign(covered, padding.PKCS1v15(), hashes.SHA512()))
        case ec.EllipticCurvePrivateKey():
            return {"algorithm": ECDSA_SHA256}, lambda covered: bytes(key.sign(covered, ec.ECDSA(hashes.SHA256())))
    spki = core.Sequence.load(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return {"algorithm": spki[0][0].dotted}, lambda covered: bytes(key.sign(covered))


@dataclass(slots=True)
class Protector:
    """Protects answers. ``mac_hash`` and ``iterations`` are the server's own choice, as is the salt."""

    kind: Kind
    secret: bytes = b""
    signer: Pair | None = None
    mac_hash: str = "sha256"
    iterations: int = 500
    is_pbmac1: bool = False
    key_length: int | None = None

    def algorithm(self) -> dict[str, Any] | None:
        match self.kind:
            case Kind.NONE:
                return None
            case Kind.SIGNATURE:
                assert self.signer is not None
                return signing(self.signer.key)[0]
        mac = {"algorithm": HMAC[self.mac_hash], "parameters": core.Null()}
        salt = os.urandom(RANDOM)
        if not self.is_pbmac1:
            owf = {"algorithm": SHA[self.mac_hash]}
            pbm = {"salt": salt, "owf": owf, "iterationCount": self.iterations, "mac": mac}
            return {"algorithm": PBM, "parameters": asn1.PBMParameter(pbm)}
        length = hashlib.new(self.mac_hash).digest_size if self.key_length is None else self.key_length
        pbkdf2 = {"salt": salt, "iterationCount": self.iterations, "keyLength": length, "prf": mac}
        derivation = {"algorithm": "1.2.840.113549.1.5.12", "parameters": asn1.PBKDF2Params(pbkdf2)}
        scheme = asn1.PBMAC1Params({"keyDerivationFunc": derivation, "messageAuthScheme": mac})
        return {"algorithm": PBMAC1, "parameters": scheme}

    def protect(self, header: Any, body: Any, extra_certs: Sequence[x509.Certificate]) -> bytes:
        covered = core.Sequence(contents=header.dump() + body.dump()).dump()
        fields: dict[str, Any] = {"header": header, "body": body}
        certificates = list(extra_certs)
        if self.kind is Kind.MAC:
            fields["protection"] = self._answer_mac(header["protectionAlg"], covered)
        elif self.kind is Kind.SIGNATURE:
            assert self.signer is not None
            fields["protection"] = signing(self.signer.key)[1](covered)
            certificates = [self.signer.certificate, *self.signer.chain, *certificates]
        if certificates:
            fields["extraCerts"] = [asn1.CMPCertificate.load(one.public_bytes(Encoding.DER)) for one in certificates]
        return bytes(asn1.PKIMessage(fields).dump())

    def _answer_mac(self, algorithm: Any, covered: bytes) -> bytes:
        if not self.is_pbmac1:
            pbm = algorithm["parameters"].parse(asn1.PBMParameter)
            key = self.secret + pbm["salt"].native
            for _ in range(self.iterations):
                key = hashlib.new(self.mac_hash, key).digest()
            return hmac.digest(key, covered, self.mac_hash)
        scheme = algorithm["parameters"].parse(asn1.PBMAC1Params)
        pbkdf2 = scheme["keyDerivationFunc"]["parameters"].parse(asn1.PBKDF2Params)
        length = pbkdf2["keyLength"].native
        key = hashlib.pbkdf2_hmac(self.mac_hash, self.secret, pbkdf2["salt"].native, self.iterations, length)
        return hmac.digest(key, covered, self.mac_hash)
