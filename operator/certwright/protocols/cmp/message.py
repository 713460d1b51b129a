"""PKIMessage (RFC 9810 §5.1): encoded with its protection, and read without believing it yet."""

from dataclasses import dataclass
from typing import Any

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.certificates import load_certificates
from certwright.protocols.cmp.der import MessageParts, element, load, reading, sequence, split_message
from certwright.protocols.cmp.errors import MalformedAnswer
from certwright.protocols.cmp.header import Header, parse_header
from certwright.protocols.cmp.protection import Protection

PROTECTION = 0xA0  # [0] EXPLICIT
EXTRA_CERTS = 0xA1  # [1] EXPLICIT
NUMBER = 0x1F  # The bits of a tag that say its number.


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it came. ``content`` is the body's value of asn1crypto, not looked into yet.

    ``protected_part`` holds the very bytes of header and body that were received: encoding them again could make
    others of them, and the protection would fail, or hold for what was never sent.
    """

    header: Header
    body: str
    content: Any
    protected_part: bytes
    protection: bytes | None
    extra_certs: tuple[x509.Certificate, ...]


def parse_message(raw: bytes) -> Message:
    """Read a PKIMessage; raises MalformedAnswer."""
    parts = split_message(raw)
    header = parse_header(parts.header)
    with reading("body"):
        body = load(asn1.PKIBody, parts.body)
        name, content = body.name, body.chosen
    return Message(
        header=header,
        body=name,
        content=content,
        protected_part=parts.protected_part,
        protection=_protection(parts),
        extra_certs=_extra_certs(parts),
    )


def protect_message(header: Any, body: Any, *, protection: Protection) -> bytes:
    """The DER of a protected message, put together of bytes: asn1crypto would encode header and body once more."""
    parts = MessageParts(header.dump(), body.dump())
    protected = core.OctetBitString(protection.protect(parts.protected_part), explicit=PROTECTION & NUMBER)
    certificates = sequence(*(certificate.public_bytes(Encoding.DER) for certificate in protection.extra_certs))
    extra = element(EXTRA_CERTS, certificates) if protection.extra_certs else b""
    return sequence(parts.header, parts.body, protected.dump(), extra)


def _protection(parts: MessageParts) -> bytes | None:
    raw = parts.tagged.get(PROTECTION)
    if raw is None:
        return None
    with reading("protection"):
        return octet_aligned(load(core.OctetBitString, raw, explicit=0))


def octet_aligned(value: Any) -> bytes:
    """The octets of a BIT STRING; none of CMP's have unused bits, which asn1crypto would shift away silently."""
    contents: bytes = value.contents
    if not contents or contents[0] != 0:
        raise MalformedAnswer("a BIT STRING of the answer does not hold whole octets")
    return contents[1:]


def _extra_certs(parts: MessageParts) -> tuple[x509.Certificate, ...]:
    raw = parts.tagged.get(EXTRA_CERTS)
    if raw is None:
        return ()
    with reading("extraCerts"):
        return load_certificates(load(asn1.Certificates, raw, explicit=1), "extraCerts")
