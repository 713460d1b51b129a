"""Reading DER that a stranger sent: bounds first, then declarations, and only one kind of error.

asn1crypto reads lazily and takes BER too. CMP is DER, and protection covers the bytes as they came, so a message is
walked once for its lengths and depth before anything is read, and cut into its parts without being encoded anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from certwright.protocols.cmp.errors import MalformedAnswer

MAX_DEPTH = 64  # A certificate inside of a nested message inside of a message has about thirty.
MAX_ELEMENTS = 100_000  # A megabyte can hold half a million, and nothing honest has more than a long CRL.
MAX_LENGTH_OCTETS = 4
CONSTRUCTED = 0x20
LONG_TAG = 0x1F
INTEGER = 0x02
OID = 0x06
MAX_OID = 64  # Octets; one made from a UUID has twenty, and longer ones cost quadratic time as text.
MAX_INTEGER = 1024  # Octets; the parameters of a Diffie-Hellman key are the longest, serial numbers have twenty.
SEQUENCE = 0x30
STRINGS = frozenset({0x23, 0x24, 0x2C, 0x33, 0x36, 0x37, 0x38})  # Strings in pieces, which BER allows and DER does not.

UNREADABLE = (
    ValueError,  # UnicodeError among them
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,  # asn1crypto asks an absent or wrongly chosen part for what it does not have
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever the libraries raise for bytes that make no sense becomes MalformedAnswer, which names ``what``."""
    try:
        yield
    except UNREADABLE as error:
        raise MalformedAnswer(f"the {what} cannot be read ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class MessageParts:
    """A PKIMessage cut into pieces; each is a complete element as it came."""

    header: bytes
    body: bytes
    tagged: dict[int, bytes] = field(default_factory=dict)

    @property
    def protected_part(self) -> bytes:
        """What the protection covers: a SEQUENCE of header and body (RFC 9810 §5.1.3)."""
        return sequence(self.header, self.body)


def sequence(*elements: bytes) -> bytes:
    """A SEQUENCE of elements that are DER already."""
    return element(SEQUENCE, b"".join(elements))


def element(tag: int, content: bytes) -> bytes:
    """One element with a tag of one octet."""
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - where DER's short form ends
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def load(declaration: Any, raw: bytes, **tagging: int) -> Any:
    """``raw``, all of it, as an asn1crypto value of the declared type; raises what asn1crypto raises."""
    return declaration.load(raw, strict=True, **tagging)


def split_message(raw: bytes) -> MessageParts:
    """Check the bounds of a message and cut it; raises MalformedAnswer."""
    require_der(raw)
    tag, position, end = _element(raw, 0, len(raw))
    if tag != SEQUENCE or end != len(raw):
        raise MalformedAnswer("the message is no PKIMessage")
    elements = []
    while position < end:
        child, _, after = _element(raw, position, end)
        elements.append((child, raw[position:after]))
        position = after
    if len(elements) < 2 or elements[0][0] != SEQUENCE:  # noqa: PLR2004 - header and body
        raise MalformedAnswer("the message is no PKIMessage")
    return MessageParts(elements[0][1], elements[1][1], dict(elements[2:]))


def require_der(raw: bytes) -> None:
    """Raise MalformedAnswer unless this is one element of bounded depth, with lengths that fit (X.690 §10)."""
    ends = [len(raw)]
    position = 0
    for _ in range(MAX_ELEMENTS):
        while ends and position == ends[-1]:
            ends.pop()
        if not ends:
            break
        tag, start, end = _element(raw, position, ends[-1])
        _require_sane(tag, end - start)
        position = end
        if tag & CONSTRUCTED:
            ends.append(end)
            position = start
        if len(ends) > MAX_DEPTH:
            raise MalformedAnswer(f"the message nests deeper than {MAX_DEPTH} levels")
    else:
        raise MalformedAnswer(f"the message has more than {MAX_ELEMENTS} elements")
    if not raw:
        raise MalformedAnswer("the message is empty")


def _require_sane(tag: int, length: int) -> None:
    if tag in STRINGS:
        raise MalformedAnswer("the message is not DER: it has a string in pieces")
    if (tag == OID and length > MAX_OID) or (tag == INTEGER and length > MAX_INTEGER):
        raise MalformedAnswer("the message has a number that is longer than any in CMP")


def _element(raw: bytes, position: int, limit: int) -> tuple[int, int, int]:
    """Of the element that begins at ``position``: its tag, and where its content begins and ends."""
    start = position + 1
    try:
        tag = raw[position]
        if tag & LONG_TAG == LONG_TAG:
            raise MalformedAnswer("the message has a tag that CMP does not know")
        length = raw[start]
        start += 1
        if length & 0x80:
            octets = length & 0x7F
            if not 0 < octets <= MAX_LENGTH_OCTETS:
                raise MalformedAnswer("the message is not DER: it has a length of an unknown form")
            length = int.from_bytes(raw[start : start + octets], "big")
            start += octets
    except IndexError:
        raise MalformedAnswer("the message is cut off") from None
    end = start + length
    if end > limit:
        raise MalformedAnswer("the message is cut off")
    return tag, start, end
