"""The checks: each looks at one thing and says what is wrong with it, or nothing. Chains are in the order of telling.

Three questions, three chains: must we enrol (`TRIGGERS`)? Is what is there good (`READINESS`)? Must the Secret be
written again without the CA (`certwright.model.tls_secret` compares)? The messages are what users read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from certwright.model import keys
from certwright.model.chain import CLOCK_SKEW, chain_fingerprint, fingerprint
from certwright.model.due import due_time, not_after, validity
from certwright.model.metadata import (
    ANNOTATION_FINGERPRINT,
    ANNOTATION_ISSUER_GROUP,
    ANNOTATION_ISSUER_KIND,
    ANNOTATION_ISSUER_NAME,
    ANNOTATION_RENEW,
)
from certwright.model.names import InvalidNameError
from certwright.model.observed import Absent, Certificate, DeliveredSecret, Observed, is_ours
from certwright.model.ownership import certificate_of
from certwright.model.reasons import Reason
from certwright.model.requested import DURATION, edited
from certwright.model.resources import IssuerRef, RenewalOperation, RequestValidity
from certwright.model.verification import differences, is_key_of
from certwright.model.wishes import renewal_was_requested_in


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, in one word and in one sentence."""

    reason: Reason
    message: str


Check: TypeAlias = Callable[[Observed], Finding | None]


def first(checks: Iterable[Check], observed: Observed) -> Finding | None:
    """The first thing wrong, or None."""
    return next((finding for check in checks if (finding := check(observed)) is not None), None)


def secret_does_not_exist(observed: Observed) -> Finding | None:
    """A workload waits for this Secret."""
    if not isinstance(observed.secret, Absent):
        return None
    name = observed.certificate.spec.secret_name
    return Finding(Reason.DOES_NOT_EXIST, f"Secret {name} does not exist: a certificate is issued into it")


def secret_is_missing_data(observed: Observed) -> Finding | None:
    """A Secret without key or certificate serves nobody."""
    match observed.secret:
        case DeliveredSecret(data=data) if not data.get("tls.key") or not data.get("tls.crt"):
            missing = " and ".join(name for name in ("tls.key", "tls.crt") if not data.get(name))
            return Finding(Reason.MISSING_DATA, f"Secret {_name(observed)} has no {missing}")
        case _:
            return None


def key_pair_is_broken(observed: Observed) -> Finding | None:
    """What cannot be parsed or does not belong together would break the workload's TLS."""
    secret = observed.secret
    if not isinstance(secret, DeliveredSecret):
        return None
    if secret.leaf is None:
        return Finding(Reason.INVALID_CERTIFICATE, f"tls.crt of Secret {_name(observed)} is not a PEM certificate")
    if secret.key is None:
        return Finding(Reason.INVALID_KEY_PAIR, f"tls.key of Secret {_name(observed)} is not a PEM private key")
    if not is_key_of(secret.leaf, secret.key):
        return Finding(
            Reason.INVALID_KEY_PAIR, f"tls.key and tls.crt of Secret {_name(observed)} do not belong together"
        )
    return None


def authority_is_unreadable(observed: Observed) -> Finding | None:
    """Whoever mounts ca.crt trusts nobody with it. Only the CA can tell what belongs there."""
    if not isinstance(observed.secret, DeliveredSecret) or not observed.secret.has_unreadable_anchors:
        return None
    return Finding(Reason.INVALID_CERTIFICATE, f"ca.crt of Secret {_name(observed)} holds no PEM certificates")


def issuer_is_another(observed: Observed) -> Finding | None:
    """A changed issuerRef means a certificate from there. What the annotations do not say is no difference."""
    secret = observed.secret
    if not isinstance(secret, DeliveredSecret):
        return None
    there = tuple(
        secret.metadata.annotations.get(name, "")
        for name in (ANNOTATION_ISSUER_NAME, ANNOTATION_ISSUER_KIND, ANNOTATION_ISSUER_GROUP)
    )
    named = [(ref.name, str(ref.kind), ref.group) for ref in issuer_refs(observed.certificate)]
    if any(all(said in {"", wanted} for said, wanted in zip(there, ref, strict=True)) for ref in named):
        return None
    return Finding(
        Reason.INCORRECT_ISSUER,
        f"Secret {_name(observed)} was issued by {there[1]} {there[0]}, which this Certificate no longer names",
    )


def key_is_of_another_kind(observed: Observed) -> Finding | None:
    """``privateKey.algorithm`` and ``size``, where they are set, are a demand on the existing key too."""
    secret, spec = observed.secret, observed.certificate.spec
    if not isinstance(secret, DeliveredSecret) or secret.key is None or keys.fits(secret.key, keys.demanded(spec)):
        return None
    wanted, there = keys.new_kind(spec), keys.kind_of(secret.key)
    return Finding(
        Reason.SECRET_MISMATCH, f"{keys.asking_field(spec)} asks for {wanted}, Secret {_name(observed)} has {there}"
    )


def certificate_is_not_the_issued_one(observed: Observed) -> Finding | None:
    """Someone replaced the certificate: even one for the same key is not the one that was asked for."""
    secret = observed.secret
    if not isinstance(secret, DeliveredSecret) or secret.leaf is None:
        return None
    known = observed.certificate.status.fingerprint_sha256 if _is_told_of(observed, secret) else None
    recorded = known or secret.metadata.annotations.get(ANNOTATION_FINGERPRINT)
    if not recorded or recorded == fingerprint(secret.leaf):
        return None
    return Finding(
        Reason.SECRET_MISMATCH, f"tls.crt of Secret {_name(observed)} is not the certificate that was issued"
    )


def request_changed(observed: Observed) -> Finding | None:
    """The spec asks for something that the certificate does not hold."""
    secret = observed.secret
    if not isinstance(secret, DeliveredSecret) or secret.leaf is None:
        return None
    try:
        different = differences(observed.certificate.spec, secret.leaf)
    except (InvalidNameError, ValueError) as error:
        return Finding(Reason.INVALID_SPEC, f"the Certificate cannot be issued as it is: {str(error)[:300]}")
    if not different:
        return None
    return Finding(Reason.REQUEST_CHANGED, f"the certificate is not what spec asks for: {'; '.join(different[:10])}")


def chain_is_not_the_issued_one(observed: Observed) -> Finding | None:
    """Without its intermediates, or with others, the certificate is worth nothing to most clients."""
    secret, certificate = observed.secret, observed.certificate
    if not isinstance(secret, DeliveredSecret) or secret.leaf is None or not certificate.status.chain_sha256:
        return None
    if not _is_told_of(observed, secret):
        return None
    is_cut = certificate.spec.chain is not None and certificate.spec.chain.leaf_only
    if is_cut or certificate.status.chain_sha256 == chain_fingerprint(secret.chain):
        return None
    return Finding(
        Reason.SECRET_MISMATCH,
        f"the intermediate certificates in tls.crt of Secret {_name(observed)} are not those that were issued",
    )


def request_was_edited(observed: Observed) -> Finding | None:
    """The spec asks the CA for something else than was asked for, whether or not a certificate can show it."""
    secret, spec, status = observed.secret, observed.certificate.spec, observed.certificate.status
    if not isinstance(secret, DeliveredSecret) or secret.leaf is None or secret.key is None or not status.requested:
        return None
    if not _is_told_of(observed, secret):
        return None
    kind, protocol = keys.kind_of(secret.key), status.protocol or ""
    try:
        fields = edited(spec, kind, status.requested, protocol=protocol, leaf=secret.leaf)
    except (InvalidNameError, ValueError):
        return None  # What cannot be asked for is told by `request_changed`.
    wanted = [f"spec.{field}" for field in fields if field != DURATION or _sends_duration(observed)]
    if not wanted:
        return None
    return Finding(Reason.REQUEST_CHANGED, f"{', '.join(wanted)} changed after the certificate was requested")


def _sends_duration(observed: Observed) -> bool:
    """Whether the CA is told: a certificate that nothing can make longer or shorter is not issued anew for it."""
    if observed.issuer is None:
        return False
    acme, cmp = observed.issuer.spec.acme, observed.issuer.spec.cmp
    is_told_over_acme = acme is not None and acme.request_validity is RequestValidity.ALWAYS
    return is_told_over_acme or (cmp is not None and cmp.renewal_operation is not RenewalOperation.P10CR)


def renewal_was_requested(observed: Observed) -> Finding | None:
    """The annotation's value is new. While the whole status is empty it counts as done: it may have been copied."""
    if not renewal_was_requested_in(observed.certificate):
        return None
    return Finding(Reason.MANUAL_RENEWAL, f"a renewal was requested with the annotation {ANNOTATION_RENEW}")


def renewal_time_has_come(observed: Observed) -> Finding | None:
    """All is well, and time has passed."""
    due = due_time(observed)
    if due is None or observed.now < due:
        return None
    return Finding(Reason.RENEWING, f"the renewal was due at {due:%Y-%m-%dT%H:%M:%SZ}")


def certificate_has_expired(observed: Observed) -> Finding | None:
    """An expired certificate is not ready, whatever else is said of it."""
    end = not_after(observed)
    if end is None or observed.now < end:
        return None
    return Finding(Reason.EXPIRED, f"the certificate expired at {end:%Y-%m-%dT%H:%M:%SZ}")


def certificate_is_not_yet_valid(observed: Observed) -> Finding | None:
    """Nobody can use it before its time; a CA whose clock is a little ahead is forgiven."""
    start, _ = validity(observed)
    if start is None or start <= observed.now + CLOCK_SKEW:
        return None
    here = f"{observed.now:%Y-%m-%dT%H:%M:%SZ}"
    text = f"the certificate is not valid before {start:%Y-%m-%dT%H:%M:%SZ}, and it is {here} here"
    return Finding(Reason.NOT_YET_VALID, text)


def secret_is_of_another(observed: Observed) -> Finding | None:
    """However good the pair in it may be: this Certificate does not renew it."""
    if not isinstance(observed.secret, DeliveredSecret) or is_ours(observed.certificate, observed.secret):
        return None
    owner = certificate_of(observed.secret.metadata)
    whose = f"was written for Certificate {owner}" if owner else "exists and was not written by certwright"
    return Finding(Reason.SECRET_NOT_OWNED, f"Secret {_name(observed)} {whose}")


def secret_is_to_be_replaced(observed: Observed) -> Finding | None:
    """However well it may fit: this is what ``spec.adoption`` asks for, once. Afterwards the Secret is ours."""
    finding = secret_is_of_another(observed)
    if finding is None:
        return None
    return Finding(Reason.REPLACING, f"{finding.message}, and is replaced as spec.adoption says")


GOODNESS: tuple[Check, ...] = (
    secret_does_not_exist,  # nothing is there
    secret_is_missing_data,  # something is there, but no pair
    key_pair_is_broken,  # a pair, but not one
    authority_is_unreadable,  # a pair, and no way to verify the other side
    issuer_is_another,  # a pair, but from elsewhere
    key_is_of_another_kind,  # the key is not what is asked for
    certificate_is_not_the_issued_one,  # the certificate was swapped
    chain_is_not_the_issued_one,  # its intermediates were swapped
    request_changed,  # the certificate is not what is asked for
    request_was_edited,  # it may be, but the CA was asked for something else
)
UNKNOWN_TO_THE_STATUS = {certificate_is_not_the_issued_one, chain_is_not_the_issued_one, request_was_edited}
"""What compares with the status, which does not know yet of a certificate that was delivered a moment ago."""

NEWS: tuple[Check, ...] = (
    *(check for check in GOODNESS if check not in UNKNOWN_TO_THE_STATUS),
    certificate_has_expired,  # it came too late
)
TRIGGERS: tuple[Check, ...] = (
    secret_is_to_be_replaced,  # whatever it holds; one that is to be left alone does not come so far
    *GOODNESS,
    renewal_was_requested,  # all is well, and someone wants a new one
    renewal_time_has_come,  # all is well, and time has passed
)
READINESS: tuple[Check, ...] = (
    secret_is_of_another,  # whatever it holds
    *GOODNESS,
    certificate_is_not_yet_valid,  # it will be: another would not come sooner
    certificate_has_expired,  # a renewal that is merely due is no fault
)


def issuer_refs(certificate: Certificate) -> tuple[IssuerRef, ...]:
    """The issuers that the Certificate names, in the order of its preference."""
    spec = certificate.spec
    return (spec.issuer_ref,) if spec.issuer_ref is not None else spec.issuer_refs


def _is_told_of(observed: Observed, secret: DeliveredSecret) -> bool:
    """Whether what the status says is about this Secret, and not about the one under the former name."""
    seen = observed.certificate.status.secret
    return seen is None or seen.name in {None, secret.metadata.name}


def _name(observed: Observed) -> str:
    return observed.certificate.spec.secret_name
