"""The extensions that a CA wants: with a value, to be copied, or without one, to be filled in (RFC 9908 §3.2, §3.3)."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from certwright.issuers.demands.contradiction import Contradiction
from certwright.issuers.demands.names import ANY_FIELD, alternative_names
from certwright.issuers.demands.typed import typed
from certwright.model.keys import KeyKind
from certwright.model.name_constraints import requested_constraints, same_constraints
from certwright.model.names import requested_names
from certwright.model.resources import CertificateSpec
from certwright.model.usages import missing_usages, usage_extensions, wanted_usages
from certwright.protocols.est import RequestedExtension

Extension: TypeAlias = x509.Extension[x509.ExtensionType]

USAGES = {ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}
FROM_THE_KEY = {ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
"""What a CA makes itself; the key is not made yet when its wishes are read."""


def extensions(
    wanted: Iterable[RequestedExtension], spec: CertificateSpec, kind: KeyKind
) -> tuple[x509.Extension[x509.ExtensionType], ...]:
    """What must go into the request beside, or in place of, what the spec says; raises `Contradiction`."""
    found = (_extension(one, spec, kind) for one in wanted)
    return tuple(extension for extension in found if extension is not None)


def _extension(wanted: RequestedExtension, spec: CertificateSpec, kind: KeyKind) -> Extension | None:
    oid = x509.ObjectIdentifier(wanted.oid)
    if wanted.value is None:
        _refuse_unfilled(oid, spec, kind)
        return _filled(oid, spec)
    if oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
        names = alternative_names(wanted.value, spec)
        return None if names is None else x509.Extension(oid, critical=bool(wanted.is_critical), value=names)
    if oid in FROM_THE_KEY:
        return None
    extension = typed(wanted.oid, wanted.value, is_critical=bool(wanted.is_critical))
    return _CHECKS.get(oid, _other)(extension, spec)


def _refuse_unfilled(oid: x509.ObjectIdentifier, spec: CertificateSpec, kind: KeyKind) -> None:
    """Raise where the CA wants us to say something that the Certificate does not say."""
    if oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME and not requested_names(spec):
        raise Contradiction(f"the CA wants alternative names, and spec has none: add some to {ANY_FIELD}")
    if oid not in USAGES:
        return
    made = {type(value).oid for value, _ in usage_extensions(wanted_usages(spec, kind.algorithm))}
    if spec.encode_usages_in_request is False:
        raise Contradiction(
            "the CA wants the usages in the request, and spec.encodeUsagesInRequest is false: remove it"
        )
    if oid not in made:
        raise Contradiction(
            f"the CA wants {_name(oid)} in the request, and spec.usages has none of that kind: add some"
        )


def _filled(oid: x509.ObjectIdentifier, spec: CertificateSpec) -> Extension | None:
    """What is not in a request unless it is asked for."""
    if oid == ExtensionOID.BASIC_CONSTRAINTS and not spec.is_ca:
        return x509.Extension(oid, critical=True, value=x509.BasicConstraints(ca=False, path_length=None))
    return None


def _usages(extension: Extension, spec: CertificateSpec) -> Extension:
    """The CA's own list, if nothing that the Certificate asks for explicitly is missing in it."""
    if spec.encode_usages_in_request is False:
        raise Contradiction(
            f"the CA wants {_name(extension.oid)} in the request, and spec.encodeUsagesInRequest is false: remove it"
        )
    missing = missing_usages(x509.Extensions([extension]), spec.usages)
    if missing:
        raise Contradiction(
            f"the CA's {_name(extension.oid)} leaves out {', '.join(map(str, missing))}, and spec.usages asks for it:"
            " remove it, or use another issuer"
        )
    return extension


def _basic_constraints(extension: Extension, spec: CertificateSpec) -> Extension:
    value = extension.value
    if isinstance(value, x509.BasicConstraints) and value.ca != spec.is_ca:
        wish = "a CA certificate" if value.ca else "no CA certificate"
        raise Contradiction(
            f"the CA wants the request to be for {wish}, and spec.isCA is {str(spec.is_ca).lower()}: change it, or use"
            " another issuer"
        )
    return extension


def _name_constraints(extension: Extension, spec: CertificateSpec) -> Extension:
    own, value = requested_constraints(spec), extension.value
    if own is not None and not (isinstance(value, x509.NameConstraints) and same_constraints(own, value)):
        raise Contradiction(
            "the CA says itself which nameConstraints the certificate has, and spec.nameConstraints has others: remove"
            " them, or use another issuer"
        )
    return extension


def _other(extension: Extension, spec: CertificateSpec) -> Extension | None:
    own = [one for one in (spec.csr.extensions if spec.csr else ()) if one.oid == extension.oid.dotted_string]
    if not own:
        return extension
    if own[0].value != extension.value.public_bytes():
        raise Contradiction(
            f"the CA wants the extension {extension.oid.dotted_string} with another value than spec.csr.extensions has:"
            " change or remove it, or use another issuer"
        )
    return None


_CHECKS: Mapping[x509.ObjectIdentifier, Callable[[Extension, CertificateSpec], Extension | None]] = {
    ExtensionOID.KEY_USAGE: _usages,
    ExtensionOID.EXTENDED_KEY_USAGE: _usages,
    ExtensionOID.BASIC_CONSTRAINTS: _basic_constraints,
    ExtensionOID.NAME_CONSTRAINTS: _name_constraints,
}


def _name(oid: x509.ObjectIdentifier) -> str:
    return "key usages" if oid == ExtensionOID.KEY_USAGE else "extended key usages"
