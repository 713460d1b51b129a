"""The bytes below the structures: a bounded walk over BER, and the few encoders that DER needs.

Every message goes through ``definite`` before asn1crypto sees it, because asn1crypto follows nesting by recursion,
sums up tag numbers and object identifiers of any length, and does not put constructed OCTET STRINGs together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from asn1crypto import core

from certwright.protocols.cms.errors import MalformedCMS

# A hundred certificates with ML-DSA-87 keys and signatures are 750 KB. A CRL of 10,000 entries is 400 KB.
MAX_BYTES = 2 * 1024 * 1024
# An X.509 certificate in a SignedData is 12 deep; one in an unsigned attribute 20.
MAX_DEPTH = 64
# A certificate has about 150 elements, an entry of a CRL four to eight. As many as this take 0.1 s to walk and up to
# 2 s in asn1crypto, which is what a hostile sender can cost.
MAX_ELEMENTS = 100_000
# An identifier made from a UUID has 20 octets. Longer ones cost quadratic time as text.
MAX_OID_BYTES = 64
MAX_TAG_BYTES = 4
MAX_LENGTH_BYTES = 8

CONSTRUCTED = 0x20
LONG_TAG = 0x1F
INTEGER = 0x02
OCTET_STRING = 0x04
OID = 0x06
SEQUENCE = 0x30
SET = 0x31
NULL = b"\x05\x00"


def element(tag: int, *parts: bytes) -> bytes:
    """One element with a tag of one octet: ``tag`` is the whole identifier octet."""
    contents = b"".join(parts)
    return bytes((tag,)) + _length(len(contents)) + contents


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of encoded elements."""
    return element(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF in the order that DER wants (X.690 §11.6)."""
    return element(SET, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """A constructed context tag: EXPLICIT around one element, or IMPLICIT for the contents of a SEQUENCE or SET."""
    return element(0xA0 | number, *parts)


def octet_string(value: bytes) -> bytes:
    """An OCTET STRING."""
    return element(OCTET_STRING, value)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    return bytes(core.ObjectIdentifier(dotted).dump())


def integer(value: int) -> bytes:
    """An INTEGER."""
    return bytes(core.Integer(value).dump())


def definite(raw: bytes) -> bytes:
    """The one element that ``raw`` is, with definite lengths and whole OCTET STRINGs.

    What is definite already is kept byte for byte, so that signatures over received bytes still hold. Raises
    MalformedCMS for what is truncated, followed by something, nested deeper or larger than the limits above.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedCMS(f"The message is larger than {MAX_BYTES} bytes.")
    return _Walk(raw).run()


@dataclass(slots=True)
class _Open:
    """A constructed element that the walk is in.

    ``run`` is where the raw bytes begin that were not copied yet. ``limit`` is the end of the innermost definite
    element, which is this one unless ``end`` is None.
    """

    tag: int
    start: int
    run: int
    end: int | None
    limit: int
    pieces: list[bytes] = field(default_factory=list)

    def is_rewritten(self) -> bool:
        return bool(self.pieces) or self.end is None or self.tag == OCTET_STRING | CONSTRUCTED


class _Walk:
    """One pass without recursion. Elements are rewritten on the way out, and only where they have to be."""

    __slots__ = ("_at", "_elements", "_raw", "_result", "_stack")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self._elements = 0
        self._stack: list[_Open] = []
        self._result: bytes | None = None

    def run(self) -> bytes:
        self._enter()
        while self._stack:
            top = self._stack[-1]
            if self._at == top.end:
                self._leave(self._at)
            elif top.end is None and self._raw.startswith(b"\0\0", self._at):
                self._at += 2
                self._leave(self._at - 2)
            else:
                self._enter()
        if self._at != len(self._raw):
            raise MalformedCMS("Something follows the message.")
        return self._raw if self._result is None else self._result

    def _enter(self) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise MalformedCMS(f"The message has more than {MAX_ELEMENTS} elements.")
        start = self._at
        limit = self._stack[-1].limit if self._stack else len(self._raw)
        tag, contents, length = header(self._raw, start, limit)
        end = None if length is None else contents + length
        if tag & CONSTRUCTED:
            if len(self._stack) == MAX_DEPTH:
                raise MalformedCMS(f"The message is nested deeper than {MAX_DEPTH}.")
            self._stack.append(_Open(tag, start, contents, end, limit if end is None else end))
            self._at = contents
        elif end is None or (tag == OID and end - contents > MAX_OID_BYTES):
            raise MalformedCMS("An element has a length that it may not have.")
        else:
            self._at = end

    def _leave(self, contents_end: int) -> None:
        done = self._stack.pop()
        if not done.is_rewritten():
            return
        done.pieces.append(self._raw[done.run : contents_end])
        contents = b"".join(done.pieces)
        encoded = _rewritten(done.tag, contents)
        if self._stack:
            parent = self._stack[-1]
            parent.pieces += (self._raw[parent.run : done.start], encoded)
            parent.run = self._at
        else:
            self._result = encoded


def joined_octets(contents: bytes) -> bytes:
    """The octets of a constructed OCTET STRING, whose segments ``definite`` has made primitive."""
    segments = []
    for segment in elements(contents):
        if segment[0] != OCTET_STRING:
            raise MalformedCMS("A constructed OCTET STRING holds something else.")
        segments.append(segment[header(segment, 0, len(segment))[1] :])
    return b"".join(segments)


def elements(contents: bytes) -> Iterator[bytes]:
    """The elements that stand side by side in ``contents``, which ``definite`` has been through."""
    at = 0
    while at < len(contents):
        _, start, length = header(contents, at, len(contents))
        if length is None:
            raise MalformedCMS("An element has a length that it may not have.")
        yield contents[at : start + length]
        at = start + length


def header(raw: bytes, at: int, limit: int) -> tuple[int, int, int | None]:
    """Identifier octet, start of the contents and their length (None: indefinite) of the element at ``at``."""
    start = at
    try:
        tag = raw[at]
        at += 1
        if tag & LONG_TAG == LONG_TAG:
            at = _after_long_tag(raw, at)
        length: int | None = raw[at]
    except IndexError:
        raise MalformedCMS("The message ends within an element.") from None
    at += 1
    if length is not None and length >= 0x80:  # noqa: PLR2004 - the bit that says "long form" (X.690 §8.1.3.5)
        length, at = _long_length(raw, at, length & 0x7F)
    if at > limit or (length is not None and at + length > limit) or start >= limit:
        raise MalformedCMS("An element is longer than what it stands in.")
    return tag, at, length


def _after_long_tag(raw: bytes, at: int) -> int:
    for octet in range(at, at + MAX_TAG_BYTES):
        if not raw[octet] & 0x80:
            return octet + 1
    raise MalformedCMS("A tag number is too large.")


def _long_length(raw: bytes, at: int, octets: int) -> tuple[int | None, int]:
    if octets == 0:
        return None, at
    if octets > MAX_LENGTH_BYTES:
        raise MalformedCMS("An element is longer than what it stands in.")
    return int.from_bytes(raw[at : at + octets], "big"), at + octets


def _length(count: int) -> bytes:
    if count < 0x80:  # noqa: PLR2004 - the short form ends here (X.690 §8.1.3.4)
        return bytes((count,))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def _rewritten(tag: int, contents: bytes) -> bytes:
    if tag == OCTET_STRING | CONSTRUCTED:
        return octet_string(joined_octets(contents))
    if tag & LONG_TAG == LONG_TAG:
        # CMS has no such tags, so nothing is lost by not knowing how to write them.
        raise MalformedCMS("A tag number is too large.")
    return element(tag, contents)
