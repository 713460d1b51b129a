"""The signed attributes of RFC 8894 §3.2.1: texts and nonces as DER values, written strictly and read leniently."""

from certwright.protocols.cms import MalformedCMS, Signer, der
from certwright.protocols.scep.errors import MalformedAnswer

OCTET_STRING = 0x04
PRINTABLE_STRING = 0x13
# Servers write PrintableString, as the RFC says, or what their library makes of any text.
ENCODINGS = {
    0x0C: "utf-8",
    PRINTABLE_STRING: "ascii",
    0x14: "latin-1",  # TeletexString, by use
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1E: "utf-16-be",  # BMPString
}


def printable(text: str) -> bytes:
    """A PrintableString; what is written here are digits and hexadecimal ids."""
    return der.element(PRINTABLE_STRING, text.encode("ascii"))


def octets(signer: Signer, oid: str) -> bytes | None:
    """A nonce, or None where the attribute is missing."""
    tag, contents = _value(signer, oid)
    if tag not in (None, OCTET_STRING):
        raise MalformedAnswer(f"The attribute {oid} is not an OCTET STRING.")
    return contents


def text(signer: Signer, oid: str) -> str | None:
    """A text, or None where the attribute is missing."""
    tag, contents = _value(signer, oid)
    if tag is None or contents is None:
        return None
    if tag not in ENCODINGS:
        raise MalformedAnswer(f"The attribute {oid} is not a text.")
    return contents.decode(ENCODINGS[tag], "replace")


def _value(signer: Signer, oid: str) -> tuple[int | None, bytes | None]:
    try:
        raw = signer.attribute(oid)
        if raw is None:
            return None, None
        tag, start, length = der.header(raw, 0, len(raw))
    except MalformedCMS as error:
        raise MalformedAnswer(f"The attribute {oid} cannot be read.") from error
    return tag, raw[start:] if length is None else raw[start : start + length]
