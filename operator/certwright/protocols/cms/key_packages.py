"""Private keys that a CA made (RFC 5958, RFC 5652): EST's serverkeygen and CMP's central key generation read them.

What comes out of the envelope is an AsymmetricKeyPackage, mostly inside a SignedData by whoever made the key, and from
some servers a bare PKCS #8 key.
"""

from dataclasses import dataclass, field
from itertools import islice

from cryptography.exceptions import UnsupportedAlgorithm as UnsupportedByLibrary
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key

from certwright.protocols.cms import der
from certwright.protocols.cms.certificates import first_tag
from certwright.protocols.cms.errors import CMSRefused, MalformedCMS
from certwright.protocols.cms.signed import SignedMessage
from certwright.protocols.cms.structures import (
    Algorithm,
    Elements,
    OneAsymmetricKey,
    bounded,
    load,
    raw,
    reading,
)

# One certificate has one key; a second one may be for decryption.
MAX_KEYS = 10


@dataclass(frozen=True, slots=True)
class KeyPackage:
    """The keys in their order. ``signed`` is the SignedData around them, its signature not checked yet."""

    keys: tuple[PrivateKeyTypes, ...] = field(repr=False)
    signed: SignedMessage | None = None


def key_package(encoded: bytes) -> KeyPackage:
    """The keys in an AsymmetricKeyPackage or a single PKCS #8 key, alone or in a SignedData (bare or a ContentInfo).

    Whoever asks for a signature calls ``signed.verify`` and validates the certificate that it returns.
    """
    whole = der.definite(encoded)
    if _is_signed(whole):
        signed = SignedMessage.parse(whole)
        if signed.content is None:
            raise MalformedCMS("The key package has no content.")
        return KeyPackage(_keys(der.definite(signed.content)), signed)
    return KeyPackage(_keys(whole))


def _is_signed(encoded: bytes) -> bool:
    """A SignedData is a SEQUENCE of INTEGER and SET, a ContentInfo starts with an OID, a key has neither."""
    if first_tag(encoded) == der.OID:
        return True
    _, start, _ = der.header(encoded, 0, len(encoded))
    second = next(islice(der.elements(encoded[start:]), 1, None), b"\0")
    return second[0] == der.SET


def _keys(encoded: bytes) -> tuple[PrivateKeyTypes, ...]:
    if first_tag(encoded) == der.INTEGER:
        return (_key(encoded),)
    with reading("key package"):
        keys = [raw(each) for each in bounded(load(Elements, encoded), limit=MAX_KEYS, what="keys")]
    return tuple(_key(each) for each in keys)


def _key(encoded: bytes) -> PrivateKeyTypes:
    try:
        return load_der_private_key(_pkcs8(encoded), password=None)
    except UnsupportedByLibrary:
        raise CMSRefused("The private key is of a kind that is not supported.") from None
    except (ValueError, TypeError):
        # The cause is dropped on purpose: a text of the library's about a key is not ours to vouch for.
        raise MalformedCMS("The private key cannot be read.") from None


def _pkcs8(encoded: bytes) -> bytes:
    """As PKCS #8 version 0, without the public key that RFC 5958 adds and not every reader expects."""
    with reading("private key"):
        value = load(OneAsymmetricKey, encoded)
        algorithm = Algorithm.read(value["algorithm"]).encode()
        return der.sequence(der.integer(0), algorithm, der.octet_string(value["private_key"].native))
