"""Opening EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083): SCEP's answers, and the keys that a CA made."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from certwright.protocols.cms import der
from certwright.protocols.cms.certificates import first_tag
from certwright.protocols.cms.content_encryption import Encryption, Sealed
from certwright.protocols.cms.errors import CannotOpen, CMSRefused, LegacyAlgorithm, MalformedCMS
from certwright.protocols.cms.key_agreement import agree_key
from certwright.protocols.cms.key_transport import decrypt_key
from certwright.protocols.cms.key_wrap import PWRI_KEK, password_encryption, password_unwrap, unwrap, wrap_key_bytes
from certwright.protocols.cms.keys import OpeningKey, Password, PrivateKeyHolder, SharedKey
from certwright.protocols.cms.passwords import KeyDerivation
from certwright.protocols.cms.recipients import (
    KeyAgreement,
    KeyTransport,
    PasswordEncryption,
    RecipientInfo,
    SharedKeyEncryption,
    read_recipients,
)
from certwright.protocols.cms.structures import (
    ID_AUTH_ENVELOPED_DATA,
    ID_ENVELOPED_DATA,
    Algorithm,
    AuthEnvelopedData,
    ContentInfo,
    EnvelopedData,
    is_absent,
    load,
    octets,
    raw,
    reading,
    sole,
)

_IMPLICIT_CONTENT = 0x80


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in the envelope, and of which type the sender says it is."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Envelope:
    content_type: str
    algorithm: Algorithm
    recipients: tuple[RecipientInfo, ...]
    sealed: Sealed


def open_enveloped(encoded: bytes, *keys: OpeningKey, accept: Collection[LegacyAlgorithm] = ()) -> Opened:
    """What one of ``keys`` finds in ``encoded``, a ContentInfo or a bare EnvelopedData, in DER or BER.

    Raises MalformedCMS, UnsupportedAlgorithm, LegacyAlgorithmRefused, or CannotOpen for everything that depends on a
    key. CBC does not protect a content: one decrypted with a wrong key may come out as garbage, so whoever takes it
    has to refuse what is not of the type that he waits for.
    """
    envelope = _read(der.definite(encoded))
    encryption = Encryption.read(envelope.algorithm, accept=accept)
    first_refusal: CMSRefused | None = None
    for attempt in _attempts(envelope.recipients, keys, encryption.cipher.key_bytes, accept):
        try:
            return Opened(envelope.content_type, encryption.decrypt(attempt(), envelope.sealed))
        except CannotOpen:
            continue
        except CMSRefused as refusal:
            first_refusal = first_refusal or refusal
    raise first_refusal or CannotOpen


def _attempts(
    recipients: Sequence[RecipientInfo],
    keys: Iterable[OpeningKey],
    key_bytes: int,
    accept: Collection[LegacyAlgorithm],
) -> list[Callable[[], bytes]]:
    """Ways to a content key, in the order of ``keys``."""
    found: list[Callable[[], bytes]] = []
    for key in keys:
        match key:
            case PrivateKeyHolder(rsa.RSAPrivateKey() as private):
                transports = [each for each in recipients if isinstance(each, KeyTransport)]
                found += (
                    partial(decrypt_key, each, key=private, key_bytes=key_bytes) for each in _ours(transports, key)
                )
            case PrivateKeyHolder(ec.EllipticCurvePrivateKey() | x25519.X25519PrivateKey() as private):
                agreements = [each for each in recipients if isinstance(each, KeyAgreement)]
                found += (partial(agree_key, each, key=private) for each in agreements)
            case SharedKey():
                wraps = [each for each in recipients if isinstance(each, SharedKeyEncryption)]
                found += (partial(_unwrap_shared, each, key) for each in wraps)
            case Password():
                # Only the first: each may cost a million iterations.
                passwords = [each for each in recipients if isinstance(each, PasswordEncryption)][:1]
                found += (partial(_unwrap_by_password, each, key, accept) for each in passwords)
    return found


def _ours(recipients: Sequence[KeyTransport], holder: PrivateKeyHolder) -> Sequence[KeyTransport]:
    """Those that name our certificate; or the only one, whomever it names, as some servers write names anew.

    Not simply all: by PKCS #1 v1.5 a wrong key looks like a right one, and one of 256 contents would be garbage.
    """
    certificate = holder.certificate
    named = [each for each in recipients if certificate is not None and each.recipient.names(certificate)]
    return named or (recipients if len(recipients) == 1 else [])


def _unwrap_shared(recipient: SharedKeyEncryption, shared: SharedKey) -> bytes:
    if recipient.identifier != shared.identifier:
        raise CannotOpen
    return unwrap(recipient.encrypted_key, key=shared.key, algorithm=recipient.algorithm)


def _unwrap_by_password(
    recipient: PasswordEncryption, password: Password, accept: Collection[LegacyAlgorithm]
) -> bytes:
    derivation = KeyDerivation.read(recipient.derivation)
    if recipient.algorithm.oid == PWRI_KEK:
        encryption = password_encryption(recipient.algorithm, accept=accept)
        key = derivation.derive(password.secret, key_bytes=encryption.cipher.key_bytes)
        return password_unwrap(recipient.encrypted_key, key=key, encryption=encryption)
    # CMP wraps by AES here too (RFC 9483 §4.1.6.3).
    key = derivation.derive(password.secret, key_bytes=wrap_key_bytes(recipient.algorithm))
    return unwrap(recipient.encrypted_key, key=key, algorithm=recipient.algorithm)


def _read(encoded: bytes) -> _Envelope:
    if first_tag(encoded) != der.OID:
        return _enveloped(encoded)
    with reading("message"):
        info = load(ContentInfo, encoded)
        content_type, content = info["content_type"].dotted, sole(info["content"])
    if content_type == ID_ENVELOPED_DATA:
        return _enveloped(content)
    if content_type == ID_AUTH_ENVELOPED_DATA:
        return _auth_enveloped(content)
    raise MalformedCMS("The message is no EnvelopedData.")


def _enveloped(encoded: bytes) -> _Envelope:
    with reading("EnvelopedData"):
        return _envelope(load(EnvelopedData, encoded))


def _auth_enveloped(encoded: bytes) -> _Envelope:
    with reading("AuthEnvelopedData"):
        value = load(AuthEnvelopedData, encoded)
        attributes = value["authenticated_attributes"]
        # RFC 5083 §2.2: authenticated with the tag of a SET OF in place of the [1].
        authenticated = b"" if is_absent(attributes) else bytes((der.SET,)) + raw(attributes)[1:]
        return _envelope(value, authenticated=authenticated, tag=value["mac"].native)


def _envelope(value: Any, *, authenticated: bytes = b"", tag: bytes = b"") -> _Envelope:
    info = value["encrypted_content_info"]
    encrypted = info["encrypted_content"]
    if is_absent(encrypted):
        raise MalformedCMS("The envelope has no content.")
    return _Envelope(
        info["content_type"].dotted,
        Algorithm.read(info["algorithm"]),
        read_recipients(value["recipient_infos"]),
        Sealed(encrypted=octets(raw(encrypted), primitive=_IMPLICIT_CONTENT), authenticated=authenticated, tag=tag),
    )
