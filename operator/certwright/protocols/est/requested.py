"""Extensions that a server wants in a request, with their values or for the client to fill in (RFC 9908 §3.2, §3.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from asn1crypto import core, parser

from certwright.protocols import cms
from certwright.protocols.cms.structures import raw
from certwright.protocols.est.errors import MalformedAnswer
from certwright.protocols.est.structures import AnySequence, ExtensionTemplate

MAX_EXTENSIONS = 64
MAX_NAMES = 256


@dataclass(frozen=True, slots=True)
class RequestedExtension:
    """An extension by its OID. Without a ``value`` (DER of the extension) the client fills it in.

    ``is_critical`` is None where the server says nothing.
    """

    oid: str
    is_critical: bool | None = None
    value: bytes | None = None


class GeneralNameKind(StrEnum):
    """The alternatives of a GeneralName (RFC 5280 §4.2.1.6)."""

    OTHER = "otherName"
    EMAIL = "rfc822Name"
    DNS = "dNSName"
    X400 = "x400Address"
    DIRECTORY = "directoryName"
    EDI = "ediPartyName"
    URI = "uniformResourceIdentifier"
    IP = "iPAddress"
    REGISTERED_ID = "registeredID"


KINDS = tuple(GeneralNameKind)
TEXTS = frozenset({GeneralNameKind.EMAIL, GeneralNameKind.DNS, GeneralNameKind.URI})
_CONTEXT = 0x80
_NUMBER = 0x1F
_NULL_DN = cms.der.sequence()


@dataclass(frozen=True, slots=True)
class RequestedGeneralName:
    """A name in a subjectAltName. ``value`` is its contents in DER, None where the client fills it in.

    ``text`` is what people write for a DNS name, e-mail address, URI or IP address.
    """

    kind: GeneralNameKind
    value: bytes | None = None
    text: str | None = None


def requested_extensions(encoded: bytes) -> Iterator[RequestedExtension]:
    """What one value of an extensionRequest names: Extensions, or as in RFC 7030's example the OID of one.

    A single extension outside of a sequence, as a draft of RFC 9908 had it, counts too.
    """
    if encoded[0] == cms.der.OID:
        yield RequestedExtension(core.ObjectIdentifier.load(encoded, strict=True).dotted)
        return
    elements = [raw(element) for element in AnySequence.load(encoded, strict=True)]
    if len(elements) > MAX_EXTENSIONS:
        raise MalformedAnswer(f"More than {MAX_EXTENSIONS} extensions are asked for.")
    if elements and elements[0][0] == cms.der.OID:
        elements = [encoded]
    for element in elements:
        extension = ExtensionTemplate.load(element, strict=True)
        yield RequestedExtension(
            extension["extn_id"].dotted,
            is_critical=extension["critical"].native,
            value=extension["extn_value"].native or None,
        )


def requested_general_names(value: bytes) -> tuple[RequestedGeneralName, ...]:
    """The names in the value of a subjectAltName, which may be empty to be filled in; raises MalformedAnswer."""
    try:
        with cms.reading("subjectAltName that is asked for"):
            names = [raw(name) for name in AnySequence.load(cms.der.definite(value), strict=True)]
            if len(names) > MAX_NAMES:
                raise MalformedAnswer(f"More than {MAX_NAMES} alternative names are asked for.")
            return tuple(_general_name(name) for name in names)
    except cms.CMSError as error:
        raise MalformedAnswer(str(error)) from error


def _general_name(encoded: bytes) -> RequestedGeneralName:
    number = encoded[0] & _NUMBER
    if not encoded[0] & _CONTEXT or number >= len(KINDS):
        raise MalformedAnswer("A subjectAltName that is asked for holds something that is no name.")
    kind, contents = KINDS[number], parser.parse(encoded, strict=True)[4]
    if contents in (b"", _NULL_DN):
        return RequestedGeneralName(kind)
    return RequestedGeneralName(kind, contents, _text(kind, contents))


def _text(kind: GeneralNameKind, contents: bytes) -> str | None:
    try:
        if kind is GeneralNameKind.IP:
            return str(ip_address(contents))
        return contents.decode("ascii") if kind in TEXTS else None
    except ValueError as error:
        raise MalformedAnswer(f"The {kind} that is asked for cannot be read.") from error
