"""Writing SignedData: SCEP's requests with their attributes, in DER.

Only what the sender of a request needs: one signer, named by issuer and serial number, with its certificate.
"""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import DigestAlgorithm
from certwright.protocols.cms.identity import IssuerAndSerial
from certwright.protocols.cms.signatures import RSA_ENCRYPTION, SigningKey, sign_message, signs_whole_message
from certwright.protocols.cms.structures import (
    ID_CONTENT_TYPE,
    ID_DATA,
    ID_MESSAGE_DIGEST,
    ID_SIGNED_DATA,
    Algorithm,
)


def sign(
    content: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    content_type: str = ID_DATA,
    attributes: Sequence[tuple[str, bytes]] = (),
    digest: DigestAlgorithm = DigestAlgorithm.SHA256,
    certificates: Sequence[x509.Certificate] = (),
) -> bytes:
    """The DER of a ContentInfo with ``content`` signed by ``key``.

    Signed attributes are contentType, messageDigest and ``attributes``: identifier and DER of the one value.
    ``certificates`` go along with ``certificate``, which always does. EdDSA and ML-DSA use SHA-512 (RFC 8419 §3,
    RFC 9882 §3.3) whatever ``digest`` says.
    """
    used = DigestAlgorithm.SHA512 if signs_whole_message(key) else digest
    signed_attributes = der.set_of(
        _attribute(ID_CONTENT_TYPE, der.oid(content_type)),
        _attribute(ID_MESSAGE_DIGEST, der.octet_string(used.digest(content))),
        *(_attribute(oid, value) for oid, value in attributes),
    )
    signer_info = _signer_info(key, certificate, signed_attributes=signed_attributes, digest=used)
    chain = dict.fromkeys(each.public_bytes(Encoding.DER) for each in (certificate, *certificates))
    signed_data = der.sequence(
        # RFC 5652 §5.1: 3 with any content but id-data.
        der.integer(1 if content_type == ID_DATA else 3),
        der.set_of(Algorithm(used.oid).encode()),
        der.sequence(der.oid(content_type), der.explicit(0, der.octet_string(content))),
        der.explicit(0, *sorted(chain)),
        der.set_of(signer_info),
    )
    return der.sequence(der.oid(ID_SIGNED_DATA), der.explicit(0, signed_data))


def _signer_info(
    key: SigningKey, certificate: x509.Certificate, *, signed_attributes: bytes, digest: DigestAlgorithm
) -> bytes:
    signature = sign_message(key, signed_attributes, digest=digest)
    # RFC 3370 §3.2: CMS names the digest apart, and old servers know only the bare identifier of RSA.
    algorithm = Algorithm(RSA_ENCRYPTION, der.NULL) if isinstance(key, rsa.RSAPrivateKey) else signature.algorithm
    return der.sequence(
        der.integer(1),
        IssuerAndSerial.of(certificate).encode(),
        Algorithm(digest.oid).encode(),
        # Signed with the tag of a SET, sent with that of the field (RFC 5652 §5.4).
        bytes((der.CONSTRUCTED | 0x80,)) + signed_attributes[1:],
        algorithm.encode(),
        der.octet_string(signature.value),
    )


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))
