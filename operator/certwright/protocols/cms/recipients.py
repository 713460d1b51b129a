"""The RecipientInfos of an envelope (RFC 5652 §6.2), read: for each kind, who is meant and how the key is hidden."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar

from asn1crypto import core

from certwright.protocols.cms import der
from certwright.protocols.cms.errors import MalformedCMS
from certwright.protocols.cms.identity import IssuerAndSerial, KeyIdentifier, read_identity
from certwright.protocols.cms.structures import (
    Algorithm,
    AlgorithmIdentifier,
    Elements,
    Fields,
    bounded,
    is_absent,
    load,
    octets,
    raw,
    sole,
)

# An answer to one client has one; each costs a private key operation.
MAX_RECIPIENTS = 20
# That of an RSA key of 16,384 bits, the largest that OpenSSL uses.
MAX_ENCRYPTED_KEY_BYTES = 2048

_RECIPIENT_KEY_IDENTIFIER = 0xA0
_ORIGINATOR_KEY = 0xA1


class Choice(IntEnum):
    """The identifier octets of the RecipientInfo CHOICE; KeyTransRecipientInfo has none but SEQUENCE's."""

    KEY_AGREEMENT = 0xA1
    SHARED_KEY = 0xA2
    PASSWORD = 0xA3


@dataclass(frozen=True, slots=True)
class KeyTransport:
    """KeyTransRecipientInfo: the content key encrypted to a certificate's RSA key."""

    recipient: IssuerAndSerial | KeyIdentifier
    algorithm: Algorithm
    encrypted_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyAgreement:
    """One RecipientEncryptedKey of a KeyAgreeRecipientInfo with an ephemeral originator key (``public_key``)."""

    recipient: IssuerAndSerial | KeyIdentifier
    public_key: bytes
    user_keying_material: bytes | None
    algorithm: Algorithm
    encrypted_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SharedKeyEncryption:
    """KEKRecipientInfo: the content key wrapped by a key that both sides have."""

    identifier: bytes
    algorithm: Algorithm
    encrypted_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordEncryption:
    """PasswordRecipientInfo: the content key wrapped by a key made from a password."""

    derivation: Algorithm
    algorithm: Algorithm
    encrypted_key: bytes = field(repr=False)


RecipientInfo = KeyTransport | KeyAgreement | SharedKeyEncryption | PasswordEncryption


def read_recipients(infos: Any) -> tuple[RecipientInfo, ...]:
    """All of RecipientInfos; other kinds than the four are left out. MalformedCMS for more than 20."""
    found: list[RecipientInfo] = []
    for info in bounded(infos, limit=MAX_RECIPIENTS, what="recipients"):
        each = raw(info)
        match each[0]:
            case der.SEQUENCE:
                found.append(_key_transport(each))
            case Choice.KEY_AGREEMENT:
                found += _key_agreement(each)
            case Choice.SHARED_KEY:
                found.append(_shared_key(each))
            case Choice.PASSWORD:
                found.append(_password(each))
    if any(len(each.encrypted_key) > MAX_ENCRYPTED_KEY_BYTES for each in found):
        raise MalformedCMS("The encrypted key of a recipient is too long.")
    return tuple(found)


def _key_transport(encoded: bytes) -> KeyTransport:
    value = load(KeyTransRecipientInfo, encoded)
    return KeyTransport(
        read_identity(raw(value["rid"])),
        Algorithm.read(value["algorithm"]),
        value["encrypted_key"].native,
    )


def _key_agreement(encoded: bytes) -> list[KeyAgreement]:
    value = load(KeyAgreeRecipientInfo, encoded, tag=der.SEQUENCE)
    originator = sole(value["originator"])
    if originator[0] != _ORIGINATOR_KEY:
        # A static originator key would have to be looked up, and no protocol of ours uses one.
        return []
    public_key = load(OriginatorPublicKey, originator, tag=der.SEQUENCE)["public_key"].contents
    material = value["user_keying_material"]
    return [
        KeyAgreement(
            _agreement_recipient(raw(each["rid"])),
            # The first octet counts unused bits, of which a point has none.
            public_key[1:],
            None if is_absent(material) else octets(sole(material)),
            Algorithm.read(value["algorithm"]),
            each["encrypted_key"].native,
        )
        for each in bounded(value["encrypted_keys"], limit=MAX_RECIPIENTS, what="recipients")
    ]


def _agreement_recipient(encoded: bytes) -> IssuerAndSerial | KeyIdentifier:
    if encoded[0] != _RECIPIENT_KEY_IDENTIFIER:
        return read_identity(encoded)
    return KeyIdentifier(octets(raw(load(Elements, encoded, tag=der.SEQUENCE)[0])))


def _shared_key(encoded: bytes) -> SharedKeyEncryption:
    value = load(KEKRecipientInfo, encoded, tag=der.SEQUENCE)
    identifier = octets(raw(value["kek_identifier"][0]))
    return SharedKeyEncryption(identifier, Algorithm.read(value["algorithm"]), value["encrypted_key"].native)


def _password(encoded: bytes) -> PasswordEncryption:
    value = load(PasswordRecipientInfo, encoded, tag=der.SEQUENCE)
    return PasswordEncryption(
        Algorithm.read(value["derivation"]), Algorithm.read(value["algorithm"]), value["encrypted_key"].native
    )


class KeyTransRecipientInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.1. ``rid`` is a CHOICE of IssuerAndSerialNumber and [0] SubjectKeyIdentifier."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("rid", core.Any),
        ("algorithm", AlgorithmIdentifier),
        ("encrypted_key", core.OctetString),
    ]


class RecipientEncryptedKey(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.2. ``rid`` is a CHOICE of IssuerAndSerialNumber and [0] RecipientKeyIdentifier."""

    _fields: ClassVar[Fields] = [("rid", core.Any), ("encrypted_key", core.OctetString)]


class RecipientEncryptedKeys(core.SequenceOf):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.2."""

    _child_spec = RecipientEncryptedKey


class OriginatorPublicKey(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.2."""

    _fields: ClassVar[Fields] = [("algorithm", AlgorithmIdentifier), ("public_key", core.BitString)]


class KeyAgreeRecipientInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.2. The tags of ``originator`` and ``user_keying_material`` are EXPLICIT."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("originator", Elements, {"implicit": 0}),
        ("user_keying_material", Elements, {"implicit": 1, "optional": True}),
        ("algorithm", AlgorithmIdentifier),
        ("encrypted_keys", RecipientEncryptedKeys),
    ]


class KEKRecipientInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.3. Of KEKIdentifier only keyIdentifier, which comes first, says anything."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("kek_identifier", Elements),
        ("algorithm", AlgorithmIdentifier),
        ("encrypted_key", core.OctetString),
    ]


class PasswordRecipientInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.2.4. The derivation is OPTIONAL there; without it there would be no password."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("derivation", AlgorithmIdentifier, {"implicit": 0}),
        ("algorithm", AlgorithmIdentifier),
        ("encrypted_key", core.OctetString),
    ]
