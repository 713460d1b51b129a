"""What a CA answered, held against what was asked for. Nothing that fails here is ever written to a Secret."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certwright.model import keys
from certwright.model.chain import (
    CLOCK_SKEW,
    UNREADABLE,
    BrokenChainError,
    is_ca,
    is_self_signed,
    may_sign_certificates,
    require_readable,
    verify_chain,
)
from certwright.model.errors import RejectedError
from certwright.model.keys import PrivateKey
from certwright.model.name_constraints import constraint_differences
from certwright.model.names import names_of, requested_names, requested_subject
from certwright.model.reasons import Reason
from certwright.model.resources import AcceptChange, CertificateSpec, format_duration
from certwright.model.usages import missing_usages

LONGER = 0.05
"""Share by which a certificate may outlive what was asked for: CAs round, and date back for clocks that are late."""


ALLOWABLE = (AcceptChange.NAMES, AcceptChange.SUBJECT, AcceptChange.USAGES)
"""What `differences` overlooks where ``acceptChanges`` names it."""

CORRECTED = "have the CA corrected"


def differences(spec: CertificateSpec, leaf: x509.Certificate) -> list[str]:
    """Where a certificate is not what the spec asks for, as words for a message; empty: it fits.

    The same function decides whether a CA's answer is taken and whether a later edit needs a new certificate: two
    opinions would enrol for ever.
    """
    found: list[str] = []
    accepted = spec.accept_changes or ()
    extensions = leaf.extensions
    if AcceptChange.NAMES not in accepted:
        found += _name_differences(spec, extensions)
    if AcceptChange.SUBJECT not in accepted:
        found += _missing_subject(spec, leaf)
    if spec.usages and AcceptChange.USAGES not in accepted:
        found += [f"usage {usage!s} is missing" for usage in missing_usages(extensions, spec.usages)]
    found += constraint_differences(spec, extensions)
    if spec.is_ca != is_ca(leaf):
        found.append("isCA is missing" if spec.is_ca else "it is a CA certificate, and isCA was not asked for")
    return found


def _name_differences(spec: CertificateSpec, extensions: x509.Extensions) -> list[str]:
    wanted, there = requested_names(spec), names_of(extensions)
    missing = [f"name {name} is missing" for name in wanted.without(there).describe()]
    return missing + [f"name {name} was not asked for" for name in there.without(wanted).describe()]


def _missing_subject(spec: CertificateSpec, leaf: x509.Certificate) -> list[str]:
    there = [(attribute.oid, attribute.value) for attribute in leaf.subject]
    wanted = requested_subject(spec)
    return [
        f"subject {attribute.rfc4514_string()} is missing"
        for attribute in wanted
        if (attribute.oid, attribute.value) not in there
    ]


def is_key_of(leaf: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate certifies this very key."""
    try:
        certified = leaf.public_key()
    except UNREADABLE:
        return False
    return certified.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == keys.public_der(key)


def verify(
    spec: CertificateSpec,
    chain: Sequence[x509.Certificate],
    key: PrivateKey,
    *,
    anchors: Sequence[x509.Certificate] = (),
    asked_validity: timedelta | None = None,
    now: datetime,
) -> None:
    """Raise `RejectedError` (``UnexpectedCertificate``) unless the answer is what was asked for.

    The key must fit, names, subject and usages must hold under ``acceptChanges``, the validity must be sane (where one
    was asked for, not over 5 % longer) and the chain must verify.
    """
    if not chain:
        raise _unexpected(f"the CA answered without a certificate; {CORRECTED}")
    leaf = chain[0]
    try:
        require_readable(chain)
        _verify_key(spec, leaf, key)
        different = differences(spec, leaf)
        if different:
            told = "; ".join(different[:10])
            raise _unexpected(f"the CA issued something else than was asked for: {told}; {_remedy(spec, leaf)}")
        _verify_vouched_for(spec, leaf)
        _verify_validity(leaf, now)
        _verify_lifetime(spec, leaf, asked_validity)
        verify_chain(chain, anchors, now)
    except BrokenChainError as error:
        raise _unexpected(f"the chain does not verify: {error}; {CORRECTED}") from error
    except ValueError as error:
        raise _unexpected(f"the certificate cannot be read: {str(error)[:200]}; {CORRECTED}") from error


def _remedy(spec: CertificateSpec, leaf: x509.Certificate) -> str:
    """What to allow, if that is a matter of allowing."""
    needed = [change for change in ALLOWABLE if differences(_accepting(spec, *ALLOWABLE, but=change), leaf)]
    if differences(_accepting(spec, *ALLOWABLE), leaf):
        return CORRECTED
    return f"change the Certificate, or allow it with spec.acceptChanges: [{', '.join(needed)}]"


def _accepting(spec: CertificateSpec, *changes: AcceptChange, but: AcceptChange | None = None) -> CertificateSpec:
    accepted = tuple(change for change in {*spec.accept_changes, *changes} if change is not but)
    return spec.model_copy(update={"accept_changes": accepted})


def _verify_lifetime(spec: CertificateSpec, leaf: x509.Certificate, asked: timedelta | None) -> None:
    """A CA may shorten what was asked for; a key that is trusted for longer is not what the user decided."""
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if asked is None or AcceptChange.VALIDITY in spec.accept_changes or lifetime <= asked * (1 + LONGER):
        return
    there, wanted = format_duration(lifetime), format_duration(asked)
    remedy = "ask for another spec.duration, or allow it with spec.acceptChanges: [Validity]"
    raise _unexpected(f"the certificate is valid for {there}, and {wanted} was asked for; {remedy}")


def _verify_key(spec: CertificateSpec, leaf: x509.Certificate, key: PrivateKey) -> None:
    if not is_key_of(leaf, key):
        raise _unexpected(f"the certificate is for another key than the one that was enrolled; {CORRECTED}")
    if not keys.fits(key, keys.demanded(spec)):
        wanted, there = keys.new_kind(spec), keys.kind_of(key)
        raise _unexpected(
            f"the CA made a key of another kind: {there}, and {keys.asking_field(spec)} asks for {wanted}"
        )


def _verify_vouched_for(spec: CertificateSpec, leaf: x509.Certificate) -> None:
    """What was not looked at before this version is refused to CAs only: it never makes a delivered one look wrong."""
    if is_self_signed(leaf):
        raise _unexpected(f"the certificate is signed with its own key: no CA vouches for it; {CORRECTED}")
    if spec.is_ca and not may_sign_certificates(leaf):
        raise _unexpected(
            f"the certificate is for a CA, and its keyUsage lacks cert sign: it could sign nothing; {CORRECTED}"
        )


def _verify_validity(leaf: x509.Certificate, now: datetime) -> None:
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if end <= now:
        raise _unexpected(f"the certificate expired at {end:%Y-%m-%dT%H:%M:%SZ} already; {CORRECTED}")
    if start > now + CLOCK_SKEW:
        raise _unexpected(f"the certificate is not valid before {start:%Y-%m-%dT%H:%M:%SZ}; {CORRECTED}")
    if start >= end:
        raise _unexpected(f"the certificate ends at {end:%Y-%m-%dT%H:%M:%SZ}, before it begins; {CORRECTED}")


def _unexpected(message: str) -> RejectedError:
    return RejectedError(message, reason=Reason.UNEXPECTED_CERTIFICATE)
