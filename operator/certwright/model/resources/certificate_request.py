"""The parts of a Certificate that shape its certificate signing request: subject, names, key and raw extensions."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import MAX_NAMES, OID, Base64Value, DNSName, IPRange, Text
from certwright.model.resources.schema import Part, rule, rules
from certwright.model.resources.vocabulary import KeyAlgorithm

Words = Annotated[tuple[Text, ...], Field(max_length=20)]
"""The values of one kind of attribute in a subject."""


class KeyEncoding(StrEnum):
    """How the private key is written into the Secret."""

    PKCS1 = "PKCS1"
    PKCS8 = "PKCS8"


class RotationPolicy(StrEnum):
    """Whether a renewal makes a new key."""

    ALWAYS = "Always"
    NEVER = "Never"


class Subject(Part):
    """The distinguished name but for its common name."""

    organizations: Words = Field(default=(), description="O.")
    countries: Words = Field(default=(), description="C, each an ISO 3166 code of two letters.")
    organizational_units: Words = Field(default=(), description="OU.")
    localities: Words = Field(default=(), description="L.")
    provinces: Words = Field(default=(), description="ST.")
    street_addresses: Words = Field(default=(), description="STREET.")
    postal_codes: Words = Field(default=(), description="Postal codes.")
    serial_number: Text | None = Field(
        default=None, description="The serialNumber attribute: a device's, not the CA's."
    )


class OtherName(Part):
    """A subject alternative name of a kind of its own, such as a user principal name."""

    oid: OID = Field(description="The type of the name, as dotted numbers.")
    utf8_value: Text = Field(description="The value; it is encoded as a UTF8String.")


class PrivateKey(Part):
    """The key pair, which the operator makes."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.size) || has(self.algorithm)",
                "privateKey.size means nothing alone; set privateKey.algorithm beside it",
            ),
            rule(
                "!has(self.size) || !has(self.algorithm) || self.algorithm != 'RSA'"
                " || (self.size >= 2048 && self.size <= 8192)",
                "privateKey.size of an RSA key must be 2048 to 8192",
            ),
            rule(
                "!has(self.size) || !has(self.algorithm) || self.algorithm != 'ECDSA' || self.size in [256, 384, 521]",
                "privateKey.size of an ECDSA key must be 256, 384 or 521",
            ),
            rule(
                "!has(self.size) || !has(self.algorithm) || !self.algorithm.startsWith('ML-DSA')",
                "privateKey.size does not apply to ML-DSA, whose name says the size; remove it",
            ),
        )
    )

    algorithm: KeyAlgorithm | None = Field(
        default=None,
        description="Default for new keys: ECDSA; over SCEP RSA, which it needs. Unset fits any existing key.",
    )
    size: int | None = Field(
        default=None,
        ge=1,
        le=8192,
        description="Bits. RSA: 2048 to 8192, default 2048. ECDSA: 256, 384 or 521, default 256. Ed25519: ignored."
        " Unset fits any existing key.",
    )
    encoding: KeyEncoding | None = Field(
        default=None,
        description="Form of tls.key. Default: PKCS1 (SEC 1 for ECDSA); Ed25519 and ML-DSA are always PKCS8."
        " A change re-encodes without asking the CA.",
    )
    rotation_policy: RotationPolicy | None = Field(
        default=None, description="Whether each issuance makes a new key (Always) or keeps it (Never). Default: Always."
    )


class NameSet(Part):
    """Subtrees of names."""

    dns_domains: Annotated[tuple[DNSName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="DNS domains; each stands for itself and all below it. No wildcards."
    )
    ip_ranges: Annotated[tuple[IPRange, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="IP ranges in CIDR form."
    )
    email_addresses: Annotated[tuple[Text, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="Mailboxes, hosts, or domains with a leading dot."
    )
    uri_domains: Annotated[tuple[DNSName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="Hosts of URIs, or domains with a leading dot."
    )


class NameConstraints(Part):
    """Which names a CA certificate may certify (RFC 5280 section 4.2.1.10)."""

    critical: bool = Field(default=False, description="Whether the extension is critical. Default: false.")
    permitted: NameSet | None = Field(default=None, description="Names that are allowed.")
    excluded: NameSet | None = Field(default=None, description="Names that are refused.")


class RawExtension(Part):
    """An X.509 extension that certwright has no field for."""

    oid: OID = Field(description="The extension's identifier, as dotted numbers.")
    critical: bool = Field(default=False, description="Whether it is critical. Default: false.")
    value: Base64Value = Field(description="The DER of the extension's value, base64 encoded.")


class RawAttribute(Part):
    """An attribute of a PKCS#10 request."""

    oid: OID = Field(description="The attribute's identifier, as dotted numbers.")
    values: Annotated[tuple[Base64Value, ...], Field(min_length=1, max_length=10)] = Field(
        description="The DER of each value, base64 encoded."
    )


class CSR(Part):
    """Whatever the CA wants in the request beyond the fields of a Certificate."""

    extensions: Annotated[tuple[RawExtension, ...], Field(max_length=20)] = Field(
        default=(),
        description="Extensions put into the request as they are. Names, usages, isCA, nameConstraints and key"
        " identifiers are refused: they have fields of their own, or are the CA's.",
    )
    attributes: Annotated[tuple[RawAttribute, ...], Field(max_length=20)] = Field(
        default=(),
        description="Attributes put into the request as they are. CMP's ir, cr and kur have none and refuse them."
        " Challenge passwords and requests for extensions have fields of their own.",
    )
