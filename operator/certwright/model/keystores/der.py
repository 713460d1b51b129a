"""The few encoders of DER that PKCS#12 needs, so that `pkcs12` reads like the ASN.1 of RFC 7292."""

from asn1crypto import core

NULL = b"\x05\x00"
_LONG_FORM = 0x80
"""The bit of a length's first octet that says how many octets follow; shorter lengths are that octet itself."""


def _element(tag: int, *parts: bytes) -> bytes:
    contents = b"".join(parts)
    size = len(contents)
    if size < _LONG_FORM:
        return bytes((tag, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _LONG_FORM | len(length))) + length + contents


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE, or SEQUENCE OF."""
    return _element(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF, in the order that DER wants (X.690 §11.6)."""
    return _element(0x31, *sorted(parts))


def octets(value: bytes) -> bytes:
    """An OCTET STRING."""
    return _element(0x04, value)


def bmp(text: str) -> bytes:
    """A BMPString."""
    return _element(0x1E, text.encode("utf-16-be"))


def integer(value: int) -> bytes:
    """An INTEGER."""
    return bytes(core.Integer(value).dump())


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    return bytes(core.ObjectIdentifier(dotted).dump())


def explicit(number: int, value: bytes) -> bytes:
    """EXPLICIT [number] around one element."""
    return _element(0xA0 | number, value)


def implicit_octets(number: int, value: bytes) -> bytes:
    """IMPLICIT [number] OCTET STRING."""
    return _element(0x80 | number, value)


def algorithm(dotted: str, parameters: bytes = NULL) -> bytes:
    """An AlgorithmIdentifier."""
    return sequence(oid(dotted), parameters)
