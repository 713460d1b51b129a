"""Which names a CA certificate may certify (RFC 5280 §4.2.1.10): asked for, and found again in what a CA issued."""

import ipaddress
from collections.abc import Iterable

from cryptography import x509

from certwright.model.names import InvalidNameError, ascii_mailbox, ascii_name, lower_host
from certwright.model.resources import CertificateSpec, NameSet


def requested_constraints(spec: CertificateSpec) -> x509.NameConstraints | None:
    """The extension that the spec asks for, None where it asks for none; raises `InvalidNameError`."""
    wanted = spec.name_constraints
    if wanted is None:
        return None
    permitted = list(_subtrees("nameConstraints.permitted", wanted.permitted))
    excluded = list(_subtrees("nameConstraints.excluded", wanted.excluded))
    if not permitted and not excluded:
        raise InvalidNameError("nameConstraints: nothing is permitted or excluded; name something, or remove them")
    return x509.NameConstraints(permitted or None, excluded or None)


def _subtrees(part: str, names: NameSet | None) -> Iterable[x509.GeneralName]:
    if names is None:
        return
    try:
        yield from (x509.DNSName(each) for each in _domains(f"{part}.dnsDomains", names.dns_domains))
        yield from (x509.IPAddress(each) for each in _ranges(f"{part}.ipRanges", names.ip_ranges))
        yield from (x509.RFC822Name(each) for each in _mailboxes(f"{part}.emailAddresses", names.email_addresses))
        yield from (x509.UniformResourceIdentifier(each) for each in _domains(f"{part}.uriDomains", names.uri_domains))
    except InvalidNameError:
        raise
    except ValueError as error:
        raise InvalidNameError(f"{part}: {error}") from error


def _domain(field: str, text: str) -> str:
    """A host, or with its leading dot everything below one, as A-labels."""
    if "*" in text:
        raise InvalidNameError(f"{field}: {text[:80]!r} has a wildcard; a domain stands for all below it without one")
    dot = "." if text.startswith(".") else ""
    return dot + ascii_name(text.removeprefix("."), field)


def _domains(field: str, texts: Iterable[str]) -> list[str]:
    return sorted({_domain(field, text) for text in texts})


def _mailboxes(field: str, texts: Iterable[str]) -> list[str]:
    return sorted({ascii_mailbox(text, field) if "@" in text else _domain(field, text) for text in texts})


def _ranges(field: str, texts: Iterable[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        found = {ipaddress.ip_network(text, strict=False) for text in texts}
    except ValueError as error:
        raise InvalidNameError(f"{field}: {error}") from error
    return sorted(found, key=lambda network: (network.version, network))


def constraint_differences(spec: CertificateSpec, extensions: x509.Extensions) -> list[str]:
    """Where a certificate's constraints are not those that the spec asks for; one that asks for none takes any."""
    wanted = requested_constraints(spec)
    if wanted is None or spec.name_constraints is None:
        return []
    try:
        found = extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return ["nameConstraints are missing"]
    if spec.name_constraints.critical and not found.critical:
        return ["nameConstraints are not critical"]
    return [
        *_compared("permitted", wanted.permitted_subtrees, found.value.permitted_subtrees),
        *_compared("excluded", wanted.excluded_subtrees, found.value.excluded_subtrees),
    ]


def same_constraints(one: x509.NameConstraints, other: x509.NameConstraints) -> bool:
    """Whether both say the same, in whatever order."""
    return (_told(one.permitted_subtrees), _told(one.excluded_subtrees)) == (
        _told(other.permitted_subtrees),
        _told(other.excluded_subtrees),
    )


def _compared(
    part: str, wanted: Iterable[x509.GeneralName] | None, there: Iterable[x509.GeneralName] | None
) -> list[str]:
    asked, found = _told(wanted), _told(there)
    missing = [f"nameConstraints.{part} {text} is missing" for text in sorted(asked - found)]
    return missing + [f"nameConstraints.{part} {text} was not asked for" for text in sorted(found - asked)]


def _told(names: Iterable[x509.GeneralName] | None) -> frozenset[str]:
    return frozenset(_text(name) for name in names or ())


def _text(name: x509.GeneralName) -> str:
    """The subtree with its kind: a host of a URI is not a DNS name."""
    match name:
        case x509.DNSName(value=value):
            return f"dnsDomains {value.lower()}"
        case x509.IPAddress(value=network):
            return f"ipRanges {network}"
        case x509.RFC822Name(value=value):
            return f"emailAddresses {lower_host(value)}"
        case x509.UniformResourceIdentifier(value=value):
            return f"uriDomains {value.lower()}"
        case _:
            return f"{type(name).__name__} {name.value}"[:200]
