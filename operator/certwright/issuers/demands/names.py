"""The alternative names that a CA wants, some of them left for us to fill in (RFC 9908 §3.3)."""

from collections.abc import Collection, Mapping

from cryptography import x509

from certwright.issuers.demands.contradiction import Contradiction
from certwright.issuers.demands.typed import typed
from certwright.model.names import Names, names_of, requested_names
from certwright.model.resources import AcceptChange, CertificateSpec
from certwright.protocols.est import GeneralNameKind, MalformedAnswer, RequestedGeneralName, requested_general_names

FIELDS: Mapping[GeneralNameKind, str] = {
    GeneralNameKind.DNS: "dnsNames",
    GeneralNameKind.IP: "ipAddresses",
    GeneralNameKind.URI: "uris",
    GeneralNameKind.EMAIL: "emailAddresses",
    GeneralNameKind.OTHER: "otherNames",
}
"""What can be asked for here."""

ANY_FIELD = "dnsNames, ipAddresses, uris, emailAddresses or otherNames"
MOST_SHOWN = 10


def alternative_names(value: bytes, spec: CertificateSpec) -> x509.SubjectAlternativeName | None:
    """The CA's own list, where the Certificate accepts what it lacks; None: the Certificate's list is the CA's.

    An empty name is a blank for the Certificate's names of that kind, an empty list one for all. Raises
    `Contradiction`.
    """
    own, (wanted, blanks) = requested_names(spec), _read(value)
    foreign = own.without(wanted).without(_of_kinds(own, blanks))
    if foreign:
        raise Contradiction(
            f"the CA wants the names {_listed(wanted) or 'of other kinds'}, and spec asks for {_listed(foreign)} too:"
            f" remove it from {ANY_FIELD}, or use another issuer"
        )
    for blank in sorted(blanks):
        if blank not in FIELDS or (len(blanks) < len(FIELDS) and not _of_kinds(own.without(wanted), {blank})):
            raise Contradiction(f"the CA wants a {blank}, and spec has none: add one to {FIELDS.get(blank, ANY_FIELD)}")
    lacking = wanted.without(own)
    if not lacking:
        return None
    if blanks or AcceptChange.NAMES not in spec.accept_changes:
        raise Contradiction(
            f"the CA wants the name {_listed(lacking)}, and spec does not ask for it: add it to {ANY_FIELD}, or allow"
            " it with spec.acceptChanges: [Names]"
        )
    return _parsed(value)


def _read(value: bytes) -> tuple[Names, frozenset[GeneralNameKind]]:
    """The names, and the kinds that are blank."""
    try:
        requested = requested_general_names(value)
    except MalformedAnswer as error:
        raise Contradiction(f"the CA wants alternative names that cannot be read: {error}") from error
    blanks = frozenset(one.kind for one in requested if one.value is None)
    if not requested:
        return Names(), frozenset(FIELDS)
    if blanks:
        return _texts(requested), blanks
    listed = x509.Extension(x509.SubjectAlternativeName.oid, critical=False, value=_parsed(value))
    return names_of(x509.Extensions([listed])), blanks


def _texts(requested: Collection[RequestedGeneralName]) -> Names:
    def of(kind: GeneralNameKind) -> frozenset[str]:
        return frozenset(one.text for one in requested if one.kind is kind and one.text is not None)

    dns = frozenset(name.lower() for name in of(GeneralNameKind.DNS))
    return Names(dns=dns, ip=of(GeneralNameKind.IP), uri=of(GeneralNameKind.URI), email=of(GeneralNameKind.EMAIL))


def _parsed(value: bytes) -> x509.SubjectAlternativeName:
    names = typed(x509.SubjectAlternativeName.oid.dotted_string, value, is_critical=False).value
    if not isinstance(names, x509.SubjectAlternativeName):
        raise TypeError("the library no longer knows alternative names")
    return names


def _of_kinds(names: Names, kinds: Collection[GeneralNameKind]) -> Names:
    return Names(
        dns=names.dns if GeneralNameKind.DNS in kinds else frozenset(),
        ip=names.ip if GeneralNameKind.IP in kinds else frozenset(),
        uri=names.uri if GeneralNameKind.URI in kinds else frozenset(),
        email=names.email if GeneralNameKind.EMAIL in kinds else frozenset(),
        other=names.other if GeneralNameKind.OTHER in kinds else frozenset(),
    )


def _listed(names: Names) -> str:
    described = names.describe()
    more = len(described) - MOST_SHOWN
    return ", ".join(described[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
