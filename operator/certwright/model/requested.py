"""What was asked of the CA for the certificate that is there, field by field, as the status remembers it.

Much of a request leaves no trace in the certificate: raw extensions, a profile, the subject that the CA replaced. An
edit of such a field would be forgotten. So each field's value is recorded in short, and a later spec is held against
it. What is not recorded is never a difference: a restored object, or a field that a later version records for the first
time, must not enrol. For the same reason the form of a recorded value may never change.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from certwright.model.keys import KeyKind
from certwright.model.names import requested_names, requested_subject
from certwright.model.resources import CertificateSpec, KeyAlgorithm, Protocol, SignatureAlgorithm
from certwright.model.usages import meaning, wanted_usages

NONE = "-"
DIGITS = 16
"""Hexadecimal digits of a recorded value: nobody gains by a collision, which would only leave an edit unnoticed."""

LEAF_ONLY = "chain.leafOnly"
DURATION = "duration"
SIGNATURE = "signatureAlgorithm"

ROUNDING = 0.05
"""Share by which a lifetime may differ from a duration and still be what it asks for."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its effective value, whether the spec says anything, and the protocol that alone looks at it."""

    value: Callable[[CertificateSpec, KeyKind], Any]
    is_said: Callable[[CertificateSpec], bool] = lambda _: True
    protocol: Protocol | None = None


def _names(spec: CertificateSpec, _: KeyKind) -> Any:
    names = requested_names(spec)
    kinds = {"dns": names.dns, "ip": names.ip, "uri": names.uri, "email": names.email, "other": names.other}
    return {kind: sorted(each) for kind, each in kinds.items() if each}


def _subject(spec: CertificateSpec, _: KeyKind) -> Any:
    return [
        [[attribute.oid.dotted_string, str(attribute.value)] for attribute in rdn]
        for rdn in requested_subject(spec).rdns
    ]


def _usages(spec: CertificateSpec, kind: KeyKind) -> Any:
    return sorted({meaning(usage) for usage in wanted_usages(spec, kind.algorithm)})


def _signature(spec: CertificateSpec, kind: KeyKind) -> Any:
    return str(spec.signature_algorithm or usual_signature(kind))


def _over(protocol: Protocol, value: Callable[[CertificateSpec], Any]) -> _Field:
    """A field of one protocol, which says something where it is neither absent nor false."""
    return _Field(lambda spec, _: value(spec), lambda spec: bool(value(spec)), protocol)


_FIELDS: Mapping[str, _Field] = {
    # Unset means none: a removed value is a difference.
    "names": _Field(_names),
    "subject": _Field(_subject),
    "nameConstraints": _Field(lambda spec, _: spec.name_constraints and spec.name_constraints.to_api()),
    "csr.extensions": _Field(lambda spec, _: [each.to_api() for each in (spec.csr.extensions if spec.csr else ())]),
    "csr.attributes": _Field(lambda spec, _: [each.to_api() for each in (spec.csr.attributes if spec.csr else ())]),
    # Unset fits whatever is there.
    "usages": _Field(_usages, lambda spec: bool(spec.usages)),
    "encodeUsagesInRequest": _Field(
        lambda spec, _: spec.encode_usages_in_request is not False,
        lambda spec: spec.encode_usages_in_request is not None,
    ),
    SIGNATURE: _Field(_signature, lambda spec: spec.signature_algorithm is not None),
    DURATION: _Field(
        lambda spec, _: spec.duration and int(spec.duration.total_seconds()), lambda spec: spec.duration is not None
    ),
    LEAF_ONLY: _Field(lambda spec, _: bool(spec.chain and spec.chain.leaf_only)),
    "acme.profile": _over(Protocol.ACME, lambda spec: spec.acme and spec.acme.profile),
    "acme.preferredChain": _over(Protocol.ACME, lambda spec: spec.acme and spec.acme.preferred_chain),
    "est.serverKeyGeneration": _over(Protocol.EST, lambda spec: bool(spec.est and spec.est.server_key_generation)),
    "cmp.certProfile": _over(Protocol.CMP, lambda spec: spec.cmp and spec.cmp.cert_profile),
    "cmp.centralKeyGeneration": _over(Protocol.CMP, lambda spec: bool(spec.cmp and spec.cmp.central_key_generation)),
}


def requested(spec: CertificateSpec, kind: KeyKind) -> dict[str, str]:
    """Every field as it was asked for with a key of that kind. Raises `InvalidNameError`."""
    return {name: _digest(each.value(spec, kind)) for name, each in _FIELDS.items()}


def still_requested(spec: CertificateSpec, kind: KeyKind, recorded: Mapping[str, str]) -> dict[str, str]:
    """The record of a certificate that fits the spec as it is now: what the spec no longer says stays as it was."""
    now = requested(spec, kind)
    return {
        name: recorded[name] if name in recorded and not each.is_said(spec) else now[name]
        for name, each in _FIELDS.items()
    }


def edited(
    spec: CertificateSpec, kind: KeyKind, recorded: Mapping[str, str], *, protocol: str, leaf: x509.Certificate
) -> list[str]:
    """The fields that ask for something else than was asked for. Raises `InvalidNameError`."""
    now = requested(spec, kind)
    return [
        name
        for name, each in _FIELDS.items()
        if name in recorded
        and each.is_said(spec)
        and each.protocol in {None, protocol}
        and recorded[name] != now[name]
        and not _is_fulfilled(name, spec, recorded[name], leaf)
    ]


def _is_fulfilled(name: str, spec: CertificateSpec, recorded: str, leaf: x509.Certificate) -> bool:
    """Whether what is there happens to be what the edited field asks for."""
    if name == LEAF_ONLY:
        # Intermediates are left out without the CA; only the CA has them once they are gone.
        return bool(spec.chain and spec.chain.leaf_only)
    if name == DURATION and recorded == NONE and spec.duration is not None:
        lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
        return abs(lifetime - spec.duration) <= spec.duration * ROUNDING
    return False


def usual_signature(kind: KeyKind) -> SignatureAlgorithm:
    """How a request with such a key is signed where nothing else is said."""
    match kind.algorithm:
        case KeyAlgorithm.RSA:
            return SignatureAlgorithm.SHA256_WITH_RSA
        case KeyAlgorithm.ECDSA:
            by_size = {384: SignatureAlgorithm.ECDSA_WITH_SHA384, 521: SignatureAlgorithm.ECDSA_WITH_SHA512}
            return by_size.get(kind.size, SignatureAlgorithm.ECDSA_WITH_SHA256)
        case KeyAlgorithm.ED25519:
            return SignatureAlgorithm.PURE_ED25519
        case _:
            return SignatureAlgorithm(str(kind.algorithm))


def _digest(value: Any) -> str:
    if not value and value is not False:
        return NONE
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGITS]
