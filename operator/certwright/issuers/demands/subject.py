"""The subject that a CA's template wants: some attributes to be copied, some to be filled in (RFC 9908 §3.4)."""

from collections.abc import Sequence
from typing import TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.issuers.demands.contradiction import Contradiction
from certwright.model.distinguished_name import name_attribute
from certwright.model.names import requested_subject
from certwright.model.resources import CertificateSpec
from certwright.protocols.est import RequestedName

Template: TypeAlias = Sequence[Sequence[RequestedName]] | None

_FIELDS = {
    NameOID.COMMON_NAME: "commonName",
    NameOID.COUNTRY_NAME: "subject.countries",
    NameOID.STATE_OR_PROVINCE_NAME: "subject.provinces",
    NameOID.LOCALITY_NAME: "subject.localities",
    NameOID.STREET_ADDRESS: "subject.streetAddresses",
    NameOID.POSTAL_CODE: "subject.postalCodes",
    NameOID.ORGANIZATION_NAME: "subject.organizations",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "subject.organizationalUnits",
    NameOID.SERIAL_NUMBER: "subject.serialNumber",
}


def subject(template: Template, spec: CertificateSpec) -> x509.Name | None:
    """The template with its blanks filled from the spec; None: the CA leaves the subject to us.

    An attribute that the template has and the spec has not is copied. Raises `Contradiction` where the spec has another
    value for it, has one that the template has no place for, or lacks one for a blank.
    """
    if template is None:
        return None
    left = list(requested_subject(spec))
    # What is given is taken first, so that no blank takes the value that another place wants.
    for wanted in (one for names in template for one in names if one.value is not None):
        _take(left, wanted)
    filled = [[_attribute(one, left, spec) for one in names] for names in template]
    if left:
        raise Contradiction(
            f"the CA's template for the subject has no place for {left[0].rfc4514_string()}: remove it from"
            f" spec.{_field(left[0].oid, spec)}, or use another issuer"
        )
    try:
        return x509.Name([x509.RelativeDistinguishedName(names) for names in filled])
    except ValueError as error:
        raise Contradiction("the CA's template for the subject cannot be encoded") from error


def _take(left: list[x509.NameAttribute[str | bytes]], wanted: RequestedName) -> None:
    for attribute in left:
        if (attribute.oid.dotted_string, attribute.value) == (wanted.oid, wanted.value):
            left.remove(attribute)
            return


def _attribute(
    wanted: RequestedName, left: list[x509.NameAttribute[str | bytes]], spec: CertificateSpec
) -> x509.NameAttribute[str | bytes]:
    oid = x509.ObjectIdentifier(wanted.oid)
    own = [attribute for attribute in left if attribute.oid == oid]
    if wanted.value is None:
        if not own:
            raise Contradiction(
                f"the CA wants {_field(oid, spec)} in the subject, and the Certificate has none: add it to spec"
            )
        left.remove(own[0])
        return own[0]
    try:
        return name_attribute(oid, wanted.value)
    except ValueError as error:
        raise Contradiction(f"the CA wants an attribute {wanted.oid} in the subject that cannot be encoded") from error


def _field(oid: x509.ObjectIdentifier, spec: CertificateSpec) -> str:
    if spec.literal_subject:
        return "literalSubject"
    return _FIELDS.get(oid, oid.dotted_string)
