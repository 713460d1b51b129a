"""The names a Certificate asks for, in the one form in which they can be compared with what a CA answered."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

import idna
from asn1crypto import core
from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.model.distinguished_name import Attribute, holds_control, name_attribute, parse_distinguished_name
from certwright.model.object_identifiers import object_identifier
from certwright.model.resources import CertificateSpec, OtherName, Subject

LONGEST_LABEL = 63
LONGEST_NAME = 253
"""Characters of a DNS name and of one label in it (RFC 1035 §2.3.4), as text."""

_AUTHORITY = re.compile(r"//[^/?#]*")


class InvalidNameError(ValueError):
    """A name that cannot be put into a certificate; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Names:
    """Subject alternative names as sets: their order says nothing.

    DNS names are lower-case A-labels; ``other`` holds pairs of OID and UTF-8 text.
    """

    dns: frozenset[str] = frozenset()
    ip: frozenset[str] = frozenset()
    uri: frozenset[str] = frozenset()
    email: frozenset[str] = frozenset()
    other: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.dns or self.ip or self.uri or self.email or self.other)

    def without(self, others: "Names") -> "Names":
        """Those that are not among the others, kind by kind: an address in a DNS name is no address."""
        return Names(
            dns=self.dns - others.dns,
            ip=self.ip - others.ip,
            uri=self.uri - others.uri,
            email=self.email - others.email,
            other=self.other - others.other,
        )

    def describe(self) -> list[str]:
        """All of them, sorted, for messages and for comparing."""
        plain = [*self.dns, *self.ip, *self.uri, *self.email]
        return sorted([*plain, *(f"{oid}:{text}" for oid, text in self.other)])


def ascii_name(name: str, field: str = "dnsNames") -> str:
    """A DNS name as it goes on the wire (RFC 5890 A-labels, lower case); a leading ``*.`` stays.

    Raises `InvalidNameError`, which names ``field``.
    """
    prefix, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    _refuse_control(field, name)
    try:
        found = prefix + (rest.lower() if rest.isascii() else idna.encode(rest, uts46=True).decode("ascii"))
    except ValueError as error:
        raise InvalidNameError(f"{field}: {name[:80]!r} is not a domain name: {error}") from error
    if len(found) > LONGEST_NAME or not all(0 < len(label) <= LONGEST_LABEL for label in found.split(".")):
        raise InvalidNameError(
            f"{field}: {name[:80]!r} is not a domain name: a label is empty or longer than {LONGEST_LABEL} characters,"
            f" or the name longer than {LONGEST_NAME}"
        )
    return found


def _refuse_control(field: str, text: str) -> None:
    """A name that ends for one program where it goes on for another would pass by an issuer's ``allow``."""
    if holds_control(text):
        raise InvalidNameError(f"{field}: {text[:80]!r} holds a control character")


def ascii_mailbox(text: str, field: str) -> str:
    """An e-mail address with its domain as A-labels (RFC 5280 §7.5); only what is before the @ has capitals."""
    local, at, domain = text.rpartition("@")
    _refuse_control(field, text)
    if not local.isascii() or not local:
        raise InvalidNameError(f"{field}: {text[:80]!r} has a local part that is empty or not ASCII")
    found = local + at + ascii_name(domain, field)
    try:
        return x509.RFC822Name(found).value
    except ValueError as error:
        raise InvalidNameError(f"{field}: {text[:80]!r} is not an e-mail address") from error


def lower_host(text: str) -> str:
    """An e-mail address, or a host alone, with the host in lower case."""
    local, at, host = text.rpartition("@")
    return local + at + host.lower()


def _address(text: str) -> str:
    if "%" in text:
        raise InvalidNameError(f"ipAddresses: {text[:80]!r} has a zone, which certificates cannot hold")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise InvalidNameError(f"ipAddresses: {text[:80]!r} is not an address") from error


def _uri(text: str) -> str:
    _refuse_control("uris", text)
    if not text.isascii():
        raise InvalidNameError(f"uris: {text[:80]!r} is not ASCII; write its host with xn-- labels, the rest with %")
    return plain_uri(text)


def plain_uri(text: str) -> str:
    """A URI with scheme and host in lower case, which mean the same in capitals (RFC 3986 §6.2.2.1)."""
    scheme, colon, rest = text.partition(":")
    if not rest.startswith("//"):
        return scheme.lower() + colon + rest
    authority = _AUTHORITY.match(rest)
    end = authority.end() if authority else 0
    return scheme.lower() + colon + lower_host(rest[:end]) + rest[end:]


def _other(other: OtherName) -> tuple[str, str]:
    _refuse_control("otherNames", other.utf8_value)
    try:
        return object_identifier(other.oid).dotted_string, other.utf8_value
    except ValueError as error:
        raise InvalidNameError(f"otherNames: {error}") from error


def requested_names(spec: CertificateSpec) -> Names:
    """What the spec asks for; raises `InvalidNameError`."""
    return Names(
        dns=frozenset(ascii_name(name) for name in spec.dns_names or ()),
        ip=frozenset(_address(text) for text in spec.ip_addresses or ()),
        uri=frozenset(_uri(text) for text in spec.uris or ()),
        email=frozenset(ascii_mailbox(text, "emailAddresses") for text in spec.email_addresses or ()),
        other=frozenset(_other(other) for other in spec.other_names or ()),
    )


def names_of(extensions: x509.Extensions) -> Names:
    """What a certificate or request holds; kinds of names that nobody here can ask for are left out."""
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names()
    return Names(
        dns=frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        ip=frozenset(str(address) for address in names.get_values_for_type(x509.IPAddress)),
        uri=frozenset(plain_uri(text) for text in names.get_values_for_type(x509.UniformResourceIdentifier)),
        email=frozenset(lower_host(text) for text in names.get_values_for_type(x509.RFC822Name)),
        other=frozenset(_other_name(other) for other in names.get_values_for_type(x509.OtherName)),
    )


def _other_name(other: x509.OtherName) -> tuple[str, str]:
    try:
        return other.type_id.dotted_string, str(core.UTF8String.load(other.value).native)
    except ValueError:
        return other.type_id.dotted_string, other.value.hex()


def general_names(names: Names) -> list[x509.GeneralName]:
    """The names in a fixed order, so that the same request is the same bytes."""
    return [
        *(x509.DNSName(name) for name in sorted(names.dns)),
        *(x509.IPAddress(ipaddress.ip_address(text)) for text in sorted(names.ip)),
        *(x509.UniformResourceIdentifier(text) for text in sorted(names.uri)),
        *(x509.RFC822Name(text) for text in sorted(names.email)),
        *(x509.OtherName(object_identifier(oid), core.UTF8String(text).dump()) for oid, text in sorted(names.other)),
    ]


def _relative_names(subject: Subject | None) -> Iterable[tuple[x509.ObjectIdentifier, str]]:
    if subject is None:
        return
    fields = (
        (NameOID.COUNTRY_NAME, subject.countries),
        (NameOID.STATE_OR_PROVINCE_NAME, subject.provinces),
        (NameOID.LOCALITY_NAME, subject.localities),
        (NameOID.STREET_ADDRESS, subject.street_addresses),
        (NameOID.POSTAL_CODE, subject.postal_codes),
        (NameOID.ORGANIZATION_NAME, subject.organizations),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, subject.organizational_units),
    )
    for oid, values in fields:
        yield from ((oid, value) for value in values or ())
    if subject.serial_number:
        yield NameOID.SERIAL_NUMBER, subject.serial_number


def requested_subject(spec: CertificateSpec) -> x509.Name:
    """The subject that the spec asks for, empty where it asks for none; raises `InvalidNameError`."""
    try:
        if spec.literal_subject:
            return parse_distinguished_name(spec.literal_subject)
        attributes: list[Attribute] = [name_attribute(oid, value) for oid, value in _relative_names(spec.subject)]
        if spec.common_name:
            attributes.append(name_attribute(NameOID.COMMON_NAME, spec.common_name))
        return x509.Name(attributes)
    except ValueError as error:
        field = "literalSubject" if spec.literal_subject else "subject"
        raise InvalidNameError(f"{field}: the subject cannot be encoded: {error}") from error
