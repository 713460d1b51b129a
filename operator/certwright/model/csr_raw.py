"""``csr.extensions`` and ``csr.attributes``: whatever a CA wants in a request that certwright has no field for.

They go into the request as they are. What has a field of its own may not come in here: it would pass by an issuer's
``allow``, which judges the fields, or would collide with what a driver puts in.
"""

from collections.abc import Collection, Iterable, Mapping

from asn1crypto import parser
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from certwright.model.csr_attributes import CHALLENGE_PASSWORD, Attribute
from certwright.model.object_identifiers import object_identifier
from certwright.model.resources import CertificateSpec

_OF_FIELDS = "use {}"
_OF_THE_CA = "the CA makes it from the key, which is a new one each time; remove it"

_RESERVED_EXTENSIONS: Mapping[str, str] = {
    oid.dotted_string: remedy
    for oid, remedy in (
        (
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
            _OF_FIELDS.format("dnsNames, ipAddresses, uris, emailAddresses or otherNames"),
        ),
        (ExtensionOID.KEY_USAGE, _OF_FIELDS.format("usages")),
        (ExtensionOID.EXTENDED_KEY_USAGE, _OF_FIELDS.format("usages")),
        (ExtensionOID.BASIC_CONSTRAINTS, _OF_FIELDS.format("isCA")),
        (ExtensionOID.NAME_CONSTRAINTS, _OF_FIELDS.format("nameConstraints")),
        (ExtensionOID.SUBJECT_KEY_IDENTIFIER, _OF_THE_CA),
        (ExtensionOID.AUTHORITY_KEY_IDENTIFIER, _OF_THE_CA),
    )
}
_RESERVED_ATTRIBUTES: Mapping[str, str] = {
    "1.2.840.113549.1.9.14": "it holds the extensions; use the fields for them, or csr.extensions",
    "1.3.6.1.4.1.311.2.1.14": "it holds extensions, as Microsoft has it; use the fields for them, or csr.extensions",
    CHALLENGE_PASSWORD: "use scep.challengeSecretRef, which keeps it out of the Certificate; over EST the issuer's"
    " channelBinding puts it in",
}


def raw_extensions(spec: CertificateSpec) -> Iterable[x509.Extension[x509.UnrecognizedExtension]]:
    """``csr.extensions``; raises ``ValueError``."""
    seen: set[str] = set()
    for one in spec.csr.extensions if spec.csr else ():
        _refuse("csr.extensions", one.oid, _RESERVED_EXTENSIONS, seen)
        _require_der("csr.extensions", one.oid, one.value)
        oid = object_identifier(one.oid)
        yield x509.Extension(oid, critical=one.critical, value=x509.UnrecognizedExtension(oid, one.value))


def raw_attributes(spec: CertificateSpec, taken: Collection[str] = ()) -> Iterable[Attribute]:
    """``csr.attributes``; raises ``ValueError``. ``taken`` are those that the CA has wanted with values of its own."""
    seen: set[str] = set()
    reserved = {**_RESERVED_ATTRIBUTES, **dict.fromkeys(taken, "the CA says itself what is in it; remove it")}
    for one in spec.csr.attributes if spec.csr else ():
        _refuse("csr.attributes", one.oid, reserved, seen)
        for value in one.values:
            _require_der("csr.attributes", one.oid, value)
        yield object_identifier(one.oid).dotted_string, tuple(one.values)


def _refuse(field: str, oid: str, reserved: Mapping[str, str], seen: set[str]) -> None:
    if oid in reserved:
        raise ValueError(f"{field}: {oid} cannot be given raw: {reserved[oid]}")
    if oid in seen:
        raise ValueError(f"{field}: {oid} is there twice; put all of it into one")
    seen.add(oid)


def _require_der(field: str, oid: str, value: bytes) -> None:
    """One element, with a length, and nothing behind it; what is inside is the CA's to judge."""
    try:
        trailer = parser.parse(value, strict=True)[-1]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{field}: the value of {oid} is not DER") from error
    if trailer:
        raise ValueError(f"{field}: the value of {oid} is BER and not DER: it has no definite length")
