"""A request that the server has filled in as far as it cares (RFC 9908 §3.4)."""

from dataclasses import dataclass
from typing import Any

from certwright.protocols import cms
from certwright.protocols.cms.structures import is_absent, raw
from certwright.protocols.est.algorithms import KEYS, MAX_RSA_BITS, KeyAlgorithm, KeyRequirement, curve
from certwright.protocols.est.errors import MalformedAnswer
from certwright.protocols.est.requested import RequestedExtension, requested_extensions
from certwright.protocols.est.structures import CertificationRequestInfoTemplate, RSAPublicKey

EXTENSION_REQUESTS = frozenset({"1.2.840.113549.1.9.14", "1.2.840.113549.1.9.16.2.62"})
"""extensionRequest with complete extensions, extensionReqTemplate with values to be filled in."""

MAX_RDNS = 64
MAX_ATTRIBUTES = 64
MAX_TEXT = 1024
VERSION = 0


@dataclass(frozen=True, slots=True)
class RequestedName:
    """One attribute of the subject. Without a ``value`` the client fills it in."""

    oid: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The parts of the request. A ``subject`` of None is the client's choice, else its RDNs in order.

    ``attributes`` are the types of all attributes that the request must hold.
    """

    subject: tuple[tuple[RequestedName, ...], ...] | None = None
    key: KeyRequirement | None = None
    extensions: tuple[RequestedExtension, ...] = ()
    attributes: frozenset[str] = frozenset()


def parse_template(encoded: bytes) -> Template:
    """A CertificationRequestInfoTemplate in DER; raises MalformedAnswer, or what asn1crypto does."""
    template = CertificationRequestInfoTemplate.load(encoded, strict=True)
    if template["version"].native != VERSION:
        raise MalformedAnswer("The template of the request has a version that is not known.")
    attributes = [] if is_absent(template["attributes"]) else list(template["attributes"])
    if len(attributes) > MAX_ATTRIBUTES:
        raise MalformedAnswer(f"The template of the request has more than {MAX_ATTRIBUTES} attributes.")
    return Template(
        subject=None if is_absent(template["subject"]) else _subject(template["subject"]),
        key=None if is_absent(template["subject_pk_info"]) else _key(template["subject_pk_info"]),
        extensions=tuple(
            extension
            for attribute in attributes
            if attribute["type"].dotted in EXTENSION_REQUESTS
            for value in attribute["values"]
            for extension in requested_extensions(raw(value))
        ),
        attributes=frozenset(attribute["type"].dotted for attribute in attributes),
    )


def _subject(name: Any) -> tuple[tuple[RequestedName, ...], ...]:
    if sum(len(rdn) for rdn in name) > MAX_RDNS:
        raise MalformedAnswer(f"The subject that is asked for has more than {MAX_RDNS} parts.")
    return tuple(tuple(RequestedName(part["type"].dotted, _text(part["value"])) for part in rdn) for rdn in name)


def _text(value: Any) -> str | None:
    """A name's text. An empty one means no more than an absent one: there is no empty name to copy."""
    if is_absent(value):
        return None
    text = value.native
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise MalformedAnswer("A part of the subject that is asked for is not a text.")
    return text or None


def _key(info: Any) -> KeyRequirement:
    oid = info["algorithm"]["algorithm"].dotted
    algorithm = KEYS.get(oid)
    parameters = info["algorithm"]["parameters"]
    named = None if is_absent(parameters) else curve(algorithm, raw(parameters))
    size = _rsa_size(info["subject_public_key"]) if algorithm is KeyAlgorithm.RSA else None
    return KeyRequirement(oid=oid, algorithm=algorithm, curve=named, size=size)


def _rsa_size(dummy: Any) -> int | None:
    """The bits of a modulus that is there only for its length: servers may fill it with zeros."""
    if is_absent(dummy):
        return None
    encoded = dummy.contents[1:]
    with cms.reading("RSA key of the template"):
        modulus = RSAPublicKey.load(encoded, strict=True)["modulus"]
        octets = len(modulus.contents)
        # Positive numbers whose first bit is set have an octet of zero before them; zeros may or may not.
        bits = modulus.native.bit_length() or 8 * (octets - octets % 8)
    if not 0 < bits <= MAX_RSA_BITS:
        raise MalformedAnswer("The RSA key in the template of the request has no usable size.")
    return bits
