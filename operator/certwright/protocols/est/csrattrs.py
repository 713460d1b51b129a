"""What a CA wants to see in a request: the answer to /csrattrs (RFC 7030 §4.5.2, RFC 8951 §4, RFC 9908).

Two forms: a list of OIDs and attributes that hint at the request's parts, and a template of the request (in
``template``). A client that knows templates reads nothing else where there is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from asn1crypto import core

from certwright.protocols import cms
from certwright.protocols.cms.structures import raw
from certwright.protocols.est import payload
from certwright.protocols.est.algorithms import (
    HASHES,
    SIGNATURE_HASHES,
    KeyRequirement,
    key_requirement,
)
from certwright.protocols.est.errors import MalformedAnswer
from certwright.protocols.est.requested import RequestedExtension, requested_extensions
from certwright.protocols.est.structures import AnySequence, Attribute
from certwright.protocols.est.template import Template, parse_template

CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105 - the name of an attribute
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
DECRYPT_KEY_ID = "1.2.840.113549.1.9.16.2.37"
ASYMMETRIC_DECRYPT_KEY_ID = "1.2.840.113549.1.9.16.2.54"
TEMPLATE = "1.2.840.113549.1.9.16.2.61"
EXTENSION_ARC = "2.5.29."
MAX_ELEMENTS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class CSRAttributes:
    """What the server wants in the request. With a ``template`` everything here comes from it.

    ``signature_algorithm`` is an OID, ``hash`` a name like ``sha384``; both are about the signature of the request.
    ``extensions`` without a value are for the client to fill in. ``wants_challenge_password`` asks for a request that
    is tied to its TLS connection. What the server named beyond this is unknown here, and ignored as the RFC wants.
    """

    key: KeyRequirement | None = None
    signature_algorithm: str | None = None
    hash: str | None = None
    extensions: tuple[RequestedExtension, ...] = ()
    wants_challenge_password: bool = False
    wants_decrypt_key: bool = False
    wants_asymmetric_decrypt_key: bool = False
    template: Template | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One element of CsrAttrs: an attribute's type and its values in DER, none for a bare OID."""

    oid: str
    values: tuple[bytes, ...] = ()


def parse_csrattrs(body: bytes) -> CSRAttributes | None:
    """The attributes in a body, None for an empty body; raises MalformedAnswer."""
    encoded = payload.decode(body)
    if not encoded:
        return None
    try:
        with cms.reading("answer to /csrattrs"):
            wishes = tuple(_wishes(cms.der.definite(encoded)))
            return _from_template(wishes) or _from_list(wishes)
    except cms.CMSError as error:
        raise MalformedAnswer(str(error)) from error


def _wishes(message: bytes) -> Iterator[Wish]:
    elements = AnySequence.load(message, strict=True)
    if len(elements) > MAX_ELEMENTS:
        raise MalformedAnswer(f"There are more than {MAX_ELEMENTS} CSR attributes.")
    for element in elements:
        encoded = raw(element)
        if encoded[0] == cms.der.OID:
            yield Wish(core.ObjectIdentifier.load(encoded).dotted)
        else:
            attribute = Attribute.load(encoded, strict=True)
            yield Wish(attribute["type"].dotted, tuple(raw(value) for value in attribute["values"]))


def _from_template(wishes: tuple[Wish, ...]) -> CSRAttributes | None:
    for wish in wishes:
        if wish.oid == TEMPLATE and wish.values:
            template = parse_template(wish.values[0])
            return CSRAttributes(
                key=template.key,
                extensions=template.extensions,
                wants_challenge_password=CHALLENGE_PASSWORD in template.attributes,
                wants_decrypt_key=DECRYPT_KEY_ID in template.attributes,
                wants_asymmetric_decrypt_key=ASYMMETRIC_DECRYPT_KEY_ID in template.attributes,
                template=template,
            )
    return None


def _from_list(wishes: tuple[Wish, ...]) -> CSRAttributes:
    oids = {wish.oid for wish in wishes}
    keys = (key_requirement(wish.oid, wish.values) for wish in wishes)
    signature = next((oid for oid in (wish.oid for wish in wishes) if oid in SIGNATURE_HASHES), None)
    named = next((HASHES[wish.oid] for wish in wishes if wish.oid in HASHES), None)
    return CSRAttributes(
        key=_most_exact([key for key in keys if key is not None]),
        signature_algorithm=signature,
        hash=named if signature is None else SIGNATURE_HASHES[signature] or named,
        extensions=tuple(_extensions(wishes)),
        wants_challenge_password=CHALLENGE_PASSWORD in oids,
        wants_decrypt_key=DECRYPT_KEY_ID in oids,
        wants_asymmetric_decrypt_key=ASYMMETRIC_DECRYPT_KEY_ID in oids,
    )


def _most_exact(keys: list[KeyRequirement]) -> KeyRequirement | None:
    """The first that names a curve or size; some servers name the algorithm and the curve as two OIDs."""
    exact = (key for key in keys if key.curve is not None or key.size is not None)
    return next(exact, keys[0] if keys else None)


def _extensions(wishes: tuple[Wish, ...]) -> Iterator[RequestedExtension]:
    for wish in wishes:
        if wish.oid == EXTENSION_REQUEST:
            for value in wish.values:
                yield from requested_extensions(value)
        elif wish.oid.startswith(EXTENSION_ARC):
            # Outside of an extensionRequest, as servers of the first RFC's time write it.
            yield RequestedExtension(wish.oid)
