"""SignedData put together by hand, with the faults that no honest encoder makes."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols import cms
from certwright.protocols.cms import DigestAlgorithm, IssuerAndSerial, der, sign_message
from certwright.protocols.cms.content_encryption import Encryption
from certwright.protocols.cms.structures import ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST, ID_SIGNED_DATA, Algorithm
from tests.protocols.cms.material import CONTENT, KEY_IDENTIFIER, certificate, rsa_key

SHA256 = Algorithm(DigestAlgorithm.SHA256.oid).encode()


def attribute(oid: str, *values: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(*values))


def content_type_attribute(oid: str = ID_DATA) -> bytes:
    return attribute(ID_CONTENT_TYPE, der.oid(oid))


def digest_attribute(content: bytes = CONTENT) -> bytes:
    return attribute(ID_MESSAGE_DIGEST, der.octet_string(DigestAlgorithm.SHA256.digest(content)))


def signer_info(attributes: Sequence[bytes] | None, *, content: bytes = CONTENT) -> bytes:
    """By the RSA key of the vectors; the attributes in the order given, None for a signature over the content."""
    signed = content if attributes is None else der.element(der.SET, *attributes)
    signature = sign_message(rsa_key(), signed, digest=DigestAlgorithm.SHA256)
    return der.sequence(
        der.integer(1),
        IssuerAndSerial.of(certificate("rsa")).encode(),
        SHA256,
        b"" if attributes is None else b"\xa0" + signed[1:],
        signature.algorithm.encode(),
        der.octet_string(signature.value),
    )


def signed_data(*signer_infos: bytes, encapsulated: bytes | None = None, content_type: str = ID_DATA) -> bytes:
    """A ContentInfo. ``encapsulated`` is the encoded content, by default the OCTET STRING with the vectors' content."""
    content = der.octet_string(CONTENT) if encapsulated is None else encapsulated
    bare = der.sequence(
        der.integer(1),
        der.set_of(SHA256),
        der.sequence(der.oid(content_type), der.explicit(0, content) if content else b""),
        der.explicit(0, certificate("rsa").public_bytes(Encoding.DER)),
        der.element(der.SET, *signer_infos),
    )
    return der.sequence(der.oid(ID_SIGNED_DATA), der.explicit(0, bare))


def certificate_set(*encoded: bytes) -> bytes:
    """A certs-only message with whatever is given as certificates."""
    bare = der.sequence(
        der.integer(1),
        der.set_of(),
        der.sequence(der.oid(ID_DATA)),
        der.explicit(0, *encoded),
        der.set_of(),
    )
    return der.sequence(der.oid(ID_SIGNED_DATA), der.explicit(0, bare))


def enveloped(recipient_infos: bytes, *, key: bytes = bytes(16)) -> bytes:
    """An EnvelopedData for whatever is given as recipients, with the vectors' content encrypted by ``key``."""
    encryption = Encryption(cms.ContentCipher.AES128_CBC, bytes(16))
    bare = der.sequence(
        der.integer(2),
        der.element(der.SET, recipient_infos),
        der.sequence(
            der.oid(ID_DATA), encryption.algorithm.encode(), der.element(0x80, encryption.encrypt(key, CONTENT))
        ),
    )
    return der.sequence(der.oid(cms.ID_ENVELOPED_DATA), der.explicit(0, bare))


def shared_key_recipient(encrypted_key: bytes) -> bytes:
    """A KEKRecipientInfo with AES-128 key wrap, for the shared key of the vectors."""
    wrap = cms.Algorithm("2.16.840.1.101.3.4.1.5").encode()
    identifier = der.sequence(der.octet_string(KEY_IDENTIFIER))
    return der.explicit(2, der.integer(4), identifier, wrap, der.octet_string(encrypted_key))


def indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"
