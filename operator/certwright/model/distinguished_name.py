"""Distinguished names: read from RFC 4514 strings, and built so that strict CAs can read them.

The library reads such strings too, but takes ``#hex`` for text instead of DER, knows few names and no spaces, and says
of what it cannot read only that it cannot. `certwright.model.names` asks here for the subject of a request.
"""

import re
import unicodedata

from asn1crypto import core
from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.model.object_identifiers import object_identifier

_NAMES = {
    "C": NameOID.COUNTRY_NAME,
    "CN": NameOID.COMMON_NAME,
    "COMMONNAME": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "DNQUALIFIER": NameOID.DN_QUALIFIER,
    "E": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "GENERATIONQUALIFIER": NameOID.GENERATION_QUALIFIER,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "GN": NameOID.GIVEN_NAME,
    "INITIALS": NameOID.INITIALS,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "ORGANIZATIONIDENTIFIER": NameOID.ORGANIZATION_IDENTIFIER,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "POSTALCODE": NameOID.POSTAL_CODE,
    "PSEUDONYM": NameOID.PSEUDONYM,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "SN": NameOID.SURNAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "SURNAME": NameOID.SURNAME,
    "TITLE": NameOID.TITLE,
    "UID": NameOID.USER_ID,
    "USERID": NameOID.USER_ID,
}
"""RFC 4514 §3 with cert-manager's SERIALNUMBER, and what OpenSSL calls the others; capitals do not matter."""

_OID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_PIECE = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)|(.)", re.DOTALL)
_SPECIAL = ' "#+,;<=>\\'
"""What a backslash may stand before (RFC 4514 §3)."""

_UNESCAPED = '"<>;\0'
"""What must not stand alone; plus and comma are gone by the time that values are read."""

_COUNTRIES = {NameOID.COUNTRY_NAME, NameOID.JURISDICTION_COUNTRY_NAME}
COUNTRY_LENGTH = 2
_PRINTABLE = {NameOID.SERIAL_NUMBER, NameOID.DN_QUALIFIER}
_ASCII = {NameOID.EMAIL_ADDRESS, NameOID.DOMAIN_COMPONENT}
LONGEST_COMMON_NAME = 64
MOST_SHOWN = 80

Attribute = x509.NameAttribute[str | bytes]


def parse_distinguished_name(text: str) -> x509.Name:
    """The name of an RFC 4514 string, whose first RDN is the name's last; raises ``ValueError``."""
    names = [_relative_name(piece) for piece in _split(text, ",")]
    return x509.Name(reversed(names))


def name_attribute(oid: x509.ObjectIdentifier, value: str) -> Attribute:
    """One attribute in the string type of RFC 5280 Appendix A; raises ``ValueError``.

    Where a text does not fit into PrintableString it becomes UTF8String, as cert-manager has it: strict parsers, Go's
    for one, refuse the PrintableString that the library would write.
    """
    what = f"{_name_of(oid)} {value[:MOST_SHOWN]!r}"
    if not value:
        raise ValueError(f"{_name_of(oid)} has no value")
    if holds_control(value):
        raise ValueError(f"{what} holds a control character")
    if oid in _COUNTRIES and not (len(value) == COUNTRY_LENGTH and value.isascii() and value.isalpha()):
        raise ValueError(f"{what} is not a country code of two letters")
    if oid in _ASCII and not value.isascii():
        raise ValueError(f"{what} may hold ASCII only; write domains as xn-- labels")
    if oid == NameOID.COMMON_NAME and len(value.encode()) > LONGEST_COMMON_NAME:
        raise ValueError(f"{what} is longer than {LONGEST_COMMON_NAME} bytes")
    if oid in _PRINTABLE and not is_printable(value):
        return _of_der(oid, core.UTF8String(value).dump())
    return x509.NameAttribute(oid, value)


def holds_control(text: str) -> bool:
    """Whether there is a control character, before which some programs take a name for ended."""
    return any(unicodedata.category(letter) == "Cc" for letter in text)


def is_printable(text: str) -> bool:
    """PrintableString's alphabet (X.680 §41.4)."""
    return all((letter.isascii() and letter.isalnum()) or letter in " '()+,-./:=?" for letter in text)


def _split(text: str, separator: str) -> list[str]:
    """The pieces between the separators that no backslash stands before."""
    pieces, is_escaped = [""], False
    for letter in text:
        if letter == separator and not is_escaped:
            pieces.append("")
        else:
            pieces[-1] += letter
        is_escaped = letter == "\\" and not is_escaped
    return pieces


def _relative_name(text: str) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([_attribute(piece) for piece in _split(text, "+")])


def _attribute(text: str) -> Attribute:
    name, equals, raw = text.partition("=")
    if not equals:
        raise ValueError(f"{text[:MOST_SHOWN]!r} is not of the form CN=value; a comma in a value is written \\,")
    name, value = name.strip(" "), _stripped(raw)
    if _OID.fullmatch(name):
        oid = object_identifier(name)
    elif name.upper() in _NAMES:
        oid = _NAMES[name.upper()]
    else:
        raise ValueError(
            f"{name[:MOST_SHOWN]!r} is not a known attribute; write its object identifier, such as 2.5.4.3"
        )
    if value.startswith("#"):
        return _of_hexadecimal(oid, value[1:])
    return name_attribute(oid, _unescaped(value))


def _stripped(value: str) -> str:
    """Without the spaces around it, but for one that a backslash stands before."""
    value = value.lstrip(" ")
    kept = value.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(value) else kept


def _unescaped(value: str) -> str:
    found = bytearray()
    for pair, special, plain in _PIECE.findall(value):
        if pair:
            found += bytes.fromhex(pair)
        elif special and special in _SPECIAL:
            found += special.encode()
        elif special or plain in _UNESCAPED or plain == "\\":
            raise ValueError(f"{value[:MOST_SHOWN]!r} holds {special or plain!r} in a way that RFC 4514 does not know")
        else:
            found += plain.encode()
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{value[:MOST_SHOWN]!r} is not UTF-8 once its escapes are read") from error


def _of_hexadecimal(oid: x509.ObjectIdentifier, digits: str) -> Attribute:
    """RFC 4514 §2.4: the DER of the value, whatever type of string it is."""
    try:
        return _of_der(oid, bytes.fromhex(digits))
    except ValueError as error:
        raise ValueError(f"#{digits[:MOST_SHOWN]} is not the DER of a string, in hexadecimal digits") from error


def _of_der(oid: x509.ObjectIdentifier, value: bytes) -> Attribute:
    """An attribute of any string type: the library reads types only inside of what it parses, so one is carried in."""
    octets = value[1] if len(value) > 1 else 0
    # The library only warns of these, each time that it reads such a name.
    if not octets or (oid in _COUNTRIES and octets != COUNTRY_LENGTH):
        raise ValueError("of another length than such an attribute has")
    if oid == NameOID.COMMON_NAME and octets > LONGEST_COMMON_NAME:
        raise ValueError("longer than a common name may be")
    attribute = _der(0x30, core.ObjectIdentifier(oid.dotted_string).dump(), value)
    name = _der(0x30, _der(0x31, attribute))
    request = _der(0x30, _der(0x30, b"\x02\x01\x00", name, _A_KEY, b"\xa0\x00"), _ED25519, b"\x03\x41" + bytes(65))
    try:
        (found,) = x509.load_der_x509_csr(request).subject
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("not a string") from error
    if isinstance(found.value, str) and holds_control(found.value):
        raise ValueError("a control character")
    return found


_ED25519 = bytes.fromhex("300506032b6570")
_A_KEY = bytes.fromhex("302a300506032b6570032100") + bytes(32)


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    length = bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets  # noqa: PLR2004 - X.690 §8.1.3
    return bytes([tag]) + length + content


def _name_of(oid: x509.ObjectIdentifier) -> str:
    return next((name for name, known in _NAMES.items() if known == oid), oid.dotted_string)
