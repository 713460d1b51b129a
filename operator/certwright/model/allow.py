"""Who may have what from an issuer: the issuer's ``allow``, held against one Certificate.

Every refusal names the value that offends and the field that would allow it: whoever reads it may be unable to read
the issuer.
"""

import ipaddress
from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.model.keys import new_kind, protocol_kind
from certwright.model.metadata import ObjectMetadata
from certwright.model.names import InvalidNameError, ascii_name, lower_host, requested_names, requested_subject
from certwright.model.resources import (
    Allow,
    CertificateSpec,
    KeyAlgorithm,
    LabelSelector,
    LabelSelectorRequirement,
    Protocol,
    Usage,
    format_duration,
)
from certwright.model.usages import same_meaning, wanted_usages

_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9"
_RAW_NAMES: Mapping[str, str] = {
    "2.5.29.7": "alternative names, as they were before X.509 version 3",
    "1.3.6.1.4.1.311.13.2.1": "names, as Microsoft's CA reads them",
}
_RAW_USAGES: Mapping[str, str] = {
    "1.3.6.1.4.1.311.21.10": "usages, as Microsoft's application policies",
    "2.16.840.1.113730.1.1": "usages, as Netscape's certificate type",
}
"""What a CA may take for names or usages though it is neither: raw, it would pass by what is allowed of those."""


def refusal(
    allow: Allow,
    certificate: ObjectMetadata,
    spec: CertificateSpec,
    *,
    protocol: Protocol | None = None,
    namespace_labels: Mapping[str, str],
) -> str | None:
    """The first value that is not allowed, as a sentence; None: everything is.

    ``protocol`` is the issuer's: the default for new keys depends on it.
    """
    try:
        algorithm = new_kind(spec, protocol_kind(protocol)).algorithm
        complaints = (
            _namespace(allow, certificate.namespace, namespace_labels),
            _dns(allow, spec),
            _addresses(allow, spec),
            _patterns("uris", "uris", allow.uris, requested_names(spec).uri),
            _patterns("emailAddresses", "emailAddresses", allow.email_addresses, _mailboxes(spec)),
            _patterns("otherNames", "otherNames", allow.other_names, _other_names(spec)),
            _patterns("commonName", "commonNames", allow.common_names, _in_subject(spec, NameOID.COMMON_NAME)),
            _usages(allow, spec, algorithm),
            _algorithm(allow, algorithm),
            _duration(allow, spec),
            _raw(allow, spec),
            "isCA is true, and allow.isCA is not" if spec.is_ca and not allow.is_ca else None,
        )
    except InvalidNameError as error:
        return str(error)
    return next(filter(None, complaints), None)


def key_refusal(allow: Allow | None, algorithm: KeyAlgorithm) -> str | None:
    """Why a request with a key that is there may not be made; None: it may.

    `refusal` judges what the spec says. A key that a renewal keeps, or that the CA wants, may be of another kind.
    """
    return _algorithm(allow, algorithm) if allow is not None else None


def _namespace(allow: Allow, namespace: str, labels: Mapping[str, str]) -> str | None:
    if not allow.namespaces and allow.namespace_selector is None:
        return None
    selected = allow.namespace_selector is not None and matches(allow.namespace_selector, labels)
    if namespace in allow.namespaces or selected:
        return None
    return f"namespace {namespace} is in neither allow.namespaces nor allow.namespaceSelector"


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Kubernetes' label selector."""
    exact = all(labels.get(name) == value for name, value in selector.match_labels.items())
    return exact and all(_holds(each, labels) for each in selector.match_expressions)


def _holds(expression: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression.key)
    match expression.operator:
        case "In":
            return value in expression.values
        case "NotIn":
            return value not in expression.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


def _dns(allow: Allow, spec: CertificateSpec) -> str | None:
    """A field that is absent limits nothing; but once one kind of name is listed, that kind is."""
    if not allow.dns_names:
        return None
    patterns = [ascii_name(pattern) for pattern in allow.dns_names]
    for name in sorted(requested_names(spec).dns):
        if not any(_covers(pattern, name) for pattern in patterns):
            return f"dnsNames: {name} is not in allow.dnsNames"
    return None


def _covers(pattern: str, name: str) -> bool:
    """``example.com`` is that name alone; ``*.example.com`` is every name below it, wildcards included."""
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _addresses(allow: Allow, spec: CertificateSpec) -> str | None:
    if not allow.ip_ranges:
        return None
    ranges = [ipaddress.ip_network(text, strict=False) for text in allow.ip_ranges]
    for text in sorted(requested_names(spec).ip):
        address = ipaddress.ip_address(text)
        if not any(address.version == network.version and address in network for network in ranges):
            return f"ipAddresses: {text} is not in allow.ipRanges"
    return None


def _patterns(field: str, allowing: str, allowed: Iterable[str], values: Iterable[str]) -> str | None:
    patterns = tuple(allowed)
    for value in sorted(values):
        if patterns and not any(_fits(pattern, value) for pattern in patterns):
            return f"{field}: {value} is not in allow.{allowing}"
    return None


def _fits(pattern: str, value: str) -> bool:
    """Whether the value is the pattern, in which ``*`` stands for any run of characters.

    Each piece is taken where it is found first. A regular expression would try every place: some patterns of a tenant
    would then hold up the whole operator.
    """
    if "*" not in pattern:
        return value == pattern
    first, *pieces, last = pattern.split("*")
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    position, end = len(first), len(value) - len(last)
    for piece in pieces:
        found = value.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def _in_subject(spec: CertificateSpec, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in requested_subject(spec) if attribute.oid == oid]


def _mailboxes(spec: CertificateSpec) -> list[str]:
    """An address in the subject is one too (RFC 5280 §4.1.2.6), and so is one in UTF-8 (RFC 9598)."""
    names = requested_names(spec)
    elsewhere = [
        *_in_subject(spec, NameOID.EMAIL_ADDRESS),
        *(text for oid, text in names.other if oid == _UTF8_MAILBOX),
    ]
    return [*names.email, *map(lower_host, elsewhere)]


def _other_names(spec: CertificateSpec) -> list[str]:
    return [f"{oid}:{text}" for oid, text in requested_names(spec).other]


def _usages(allow: Allow, spec: CertificateSpec, algorithm: KeyAlgorithm) -> str | None:
    if not allow.usages:
        return None
    implied = {Usage.CERT_SIGN} if spec.is_ca and allow.is_ca else set()
    wanted = sorted(wanted_usages(spec, algorithm) - implied)
    refused = [usage for usage in wanted if not any(same_meaning(usage, allowed) for allowed in allow.usages)]
    return f"usages: {refused[0]!s} is not in allow.usages" if refused else None


def _algorithm(allow: Allow, algorithm: KeyAlgorithm) -> str | None:
    if not allow.key_algorithms or algorithm in allow.key_algorithms:
        return None
    return f"privateKey.algorithm: {algorithm!s} is not in allow.keyAlgorithms"


def _duration(allow: Allow, spec: CertificateSpec) -> str | None:
    if allow.max_duration is None or spec.duration is None or spec.duration <= allow.max_duration:
        return None
    longest = format_duration(allow.max_duration)
    return f"duration: {format_duration(spec.duration)} is longer than allow.maxDuration, {longest}"


def _raw(allow: Allow, spec: CertificateSpec) -> str | None:
    raw = spec.csr
    if raw is None:
        return None
    limits_names = any(
        (allow.dns_names, allow.ip_ranges, allow.uris, allow.email_addresses, allow.other_names, allow.common_names)
    )
    refused = {**(_RAW_NAMES if limits_names else {}), **(_RAW_USAGES if allow.usages else {})}
    for field, given in (("csr.extensions", raw.extensions), ("csr.attributes", raw.attributes)):
        for one in given:
            if one.oid in refused:
                return f"{field}: {one.oid} holds {refused[one.oid]}, and allow limits those"
    return None
