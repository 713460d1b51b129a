"""Decides which certificates are revoked and when, from ``spec.revocation``; ``handlers`` ask the CAs.

Two policies: onDelete holds a deleted Certificate by a finalizer until its certificate is revoked, onSupersede keeps
what a renewal replaced in the enrolment Secret until it is due. Without ``spec.revocation`` nothing here says anything.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509

from certwright.model.chain import fingerprint
from certwright.model.enrolment import CurrentCertificate
from certwright.model.keys import PrivateKey
from certwright.model.metadata import (
    ANNOTATION_FINGERPRINT,
    ANNOTATION_ISSUER_KIND,
    ANNOTATION_ISSUER_NAME,
    FINALIZER_REVOCATION,
    Key,
    Kind,
    ObjectMetadata,
)
from certwright.model.observed import Certificate, DeliveredSecret, Observed, SecretState
from certwright.model.ownership import certificate_of
from certwright.model.policy import issuer_refs
from certwright.model.resources import CertificateSpec, NextAction, OnSupersede, RevocationReason
from certwright.model.superseded import Superseded, in_order
from certwright.model.verification import is_key_of

DEPARTURE = timedelta(minutes=10)
"""How long after its deletion a Certificate waits for its CA; then it goes, whatever the CA says or does not say."""

PERSISTENCE = timedelta(days=7)
"""How long after its due time the revocation of a superseded certificate is tried: longer than any outage of a CA."""

MOST_OUTSTANDING = 5
"""Superseded certificates that one Certificate keeps; more can only come from renewals that outrun ``after``."""


def finalizers_wanted(certificate: Certificate) -> tuple[str, ...] | None:
    """All finalizers of the Certificate as they should be; None: they are. A deleted one can be given no more."""
    metadata, is_there = certificate.metadata, is_held(certificate.metadata)
    if metadata.is_deleting or revokes_on_delete(certificate.spec) == is_there:
        return None
    return without_ours(metadata) if is_there else (*metadata.finalizers, FINALIZER_REVOCATION)


def without_ours(metadata: ObjectMetadata) -> tuple[str, ...]:
    """The finalizers of others."""
    return tuple(name for name in metadata.finalizers if name != FINALIZER_REVOCATION)


def is_held(metadata: ObjectMetadata) -> bool:
    """Whether our finalizer is there."""
    return FINALIZER_REVOCATION in metadata.finalizers


def leaves_at(metadata: ObjectMetadata) -> datetime:
    """When a deleted Certificate is let go at the latest."""
    return datetime.fromisoformat(metadata.deletion_timestamp) + DEPARTURE


def revokes_on_delete(spec: CertificateSpec) -> bool:
    """Whether the deletion of the Certificate revokes its certificate."""
    return spec.revocation is not None and spec.revocation.on_delete


def on_supersede(spec: CertificateSpec) -> OnSupersede | None:
    """What the spec says about replaced certificates; None: they are left alone."""
    return spec.revocation.on_supersede if spec.revocation is not None else None


def reason_for(spec: CertificateSpec, default: RevocationReason) -> x509.ReasonFlags:
    """The reason that the CA is told; both name it by the words of RFC 5280."""
    named = spec.revocation.reason if spec.revocation is not None else None
    return x509.ReasonFlags(str(named or default))


def with_candidate(
    observed: Observed, kept: tuple[Superseded, ...], current: CurrentCertificate | None
) -> tuple[Superseded, ...]:
    """What is kept, and beside it the certificate that the enrolment under way is going to replace.

    It is staged together with the enrolment, before anything is delivered: from then on no kill can lose it.
    """
    certificate = observed.certificate
    kept = after_enrolment(certificate, kept, current=certificate.status.fingerprint_sha256, now=observed.now)
    if on_supersede(certificate.spec) is None or current is None or not _is_issued(certificate, current.leaf):
        return kept
    annotations = observed.secret.metadata.annotations if isinstance(observed.secret, DeliveredSecret) else {}
    issuer = _issuer_of(certificate, annotations)
    candidate = Superseded(certificate=current.leaf, key=current.key, issuer=issuer)
    return kept if candidate.has_expired(observed.now) else in_order((*kept, candidate))


def _is_issued(certificate: Certificate, leaf: x509.Certificate) -> bool:
    """Whether it is the certificate that was issued, and not one that somebody put in its place."""
    return certificate.status.fingerprint_sha256 in {None, fingerprint(leaf)}


def after_enrolment(
    certificate: Certificate, kept: tuple[Superseded, ...], *, current: str | None, now: datetime
) -> tuple[Superseded, ...]:
    """What is still kept once an enrolment has ended, well or not; ``current`` is the fingerprint of what is there.

    A candidate has been superseded if another certificate stands in its place, and is left alone if none does.
    """
    policy = on_supersede(certificate.spec)
    if policy is None:
        return ()
    after = policy.after or timedelta(0)
    found = [
        one if one.due is not None else replace(one, due=_due(one, after, now))
        for one in kept
        if one.due is not None or current not in {None, one.fingerprint}
    ]
    return in_order(found)


def _due(one: Superseded, after: timedelta, now: datetime) -> datetime:
    """Not after it has expired, which also keeps an absurd ``after`` within the calendar."""
    left = one.certificate.not_valid_after_utc - now
    return (now + min(after, left)).replace(microsecond=0)


def bounded(kept: tuple[Superseded, ...]) -> tuple[tuple[Superseded, ...], tuple[Superseded, ...]]:
    """As many as there is room for, and those that there is no room for: the ones that have waited longest."""
    waiting = [one for one in kept if one.due is not None]
    excess = tuple(waiting[: max(len(waiting) - MOST_OUTSTANDING, 0)])
    return tuple(one for one in kept if one not in excess), excess


def is_outstanding(observed: Observed, one: Superseded) -> bool:
    """Whether it is still to be revoked: the policy stands, and the certificate has not expired meanwhile."""
    if one.due is None:
        return True  # It belongs to the enrolment under way, and is judged when that has ended.
    return on_supersede(observed.certificate.spec) is not None and not one.has_expired(observed.now)


def is_due(observed: Observed, one: Superseded) -> bool:
    """Whether the CA is to be asked now; while the Certificate is suspended nothing is."""
    return one.due is not None and one.due <= observed.now and not observed.certificate.spec.suspend


def departing(
    certificate: Certificate, secret: SecretState, kept: tuple[Superseded, ...], now: datetime
) -> tuple[Superseded, ...]:
    """All that is revoked when the Certificate is deleted, the current certificate first.

    What waits for a later due time waits no longer: with the Certificate its key goes too.
    """
    current = _current(certificate, secret)
    others = [one for one in kept if current is None or one.fingerprint != current.fingerprint]
    return tuple(one for one in (*([current] if current else []), *others) if not one.has_expired(now))


def lost(certificate: Certificate, found: tuple[Superseded, ...], now: datetime) -> bool:
    """Whether the status tells of a valid certificate that is nowhere at hand."""
    status = certificate.status
    is_known = status.fingerprint_sha256 is not None and (status.not_after is None or now < status.not_after)
    return is_known and status.fingerprint_sha256 not in {one.fingerprint for one in found}


def _current(certificate: Certificate, secret: SecretState) -> Superseded | None:
    """The certificate that was issued last, out of the Secret: by the status, or as delivered just before a kill."""
    if not isinstance(secret, DeliveredSecret) or secret.leaf is None:
        return None
    annotations = secret.metadata.annotations
    is_ours = certificate_of(secret.metadata) == certificate.metadata.name
    recorded = {certificate.status.fingerprint_sha256, annotations.get(ANNOTATION_FINGERPRINT) if is_ours else None}
    if fingerprint(secret.leaf) not in recorded:
        return None
    key: PrivateKey | None = secret.key if secret.key is not None and is_key_of(secret.leaf, secret.key) else None
    return Superseded(certificate=secret.leaf, key=key, issuer=_issuer_of(certificate, annotations))


def _issuer_of(certificate: Certificate, annotations: dict[str, str]) -> Key:
    """Who issued what is there: that CA is asked, whichever one the spec names by now."""
    issued_by, ref = certificate.status.issuer_ref, issuer_refs(certificate)[0]
    name = annotations.get(ANNOTATION_ISSUER_NAME) or (issued_by.name if issued_by else ref.name)
    kind = annotations.get(ANNOTATION_ISSUER_KIND) or (issued_by.kind if issued_by else str(ref.kind))
    return Key(kind, "" if kind == Kind.CLUSTER_ISSUER else certificate.metadata.namespace, name)


def next_action(renewal: datetime | None, kept: tuple[Superseded, ...], *, what: str) -> NextAction:
    """The renewal, in the words ``what``, or a revocation that comes before it."""
    first = next((one for one in kept if one.due is not None), None)
    if first is not None and first.due is not None and (renewal is None or first.due < renewal):
        return NextAction(what=f"revoke the superseded certificate {first.serial_number}", when=first.due)
    return NextAction(what=what, when=renewal) if renewal else NextAction(what=RENEWAL_IS_OFF)


RENEWAL_IS_OFF = "nothing: renewal is off"
