"""Decides the next `Step` of a Certificate from what was observed."""

from datetime import datetime, timedelta

from certwright.model import adoption, fallbacks, policy
from certwright.model.chain import CLOCK_SKEW, fingerprint
from certwright.model.due import due_time, validity
from certwright.model.keys import public_der
from certwright.model.keystores import objection, store_names
from certwright.model.metadata import ANNOTATION_FINGERPRINT
from certwright.model.observed import Certificate, DeliveredSecret, KnownIssuer, Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, IssuerKind
from certwright.model.staged import Staged, request_digest
from certwright.model.template import template_fault
from certwright.model.tls_secret import IssuedBy, drifted, pair_of, render
from certwright.model.unsupported import unsupported_fields
from certwright.reconcile.backoff import retry_at
from certwright.reconcile.certificate_status import blocked, issued, settled, settled_unread, waiting
from certwright.reconcile.fallback import next_in_turn, turn_ends_at
from certwright.reconcile.issuer import NOT_PROBED
from certwright.reconcile.moving import retired, without_the_ca
from certwright.reconcile.renewing import unreadable_windows
from certwright.reconcile.revocation import finalizers_wanted
from certwright.reconcile.steps import Begin, Bind, Drop, GoOn, PassOn, Reapply, Report, Sleep, Step

ISSUER_PATIENCE = timedelta(seconds=2)
PROBE_PATIENCE = timedelta(seconds=5)

LOOK_AGAIN = timedelta(seconds=30)
"""How often something is looked at that no watch tells about: a foreign Secret, a namespace's labels."""


def next_step(observed: Observed) -> Step:
    """The one thing to do next. Called again after each step, until it says `Sleep`."""
    finalizers = finalizers_wanted(observed.certificate)
    if finalizers is not None:
        return Bind(finalizers)
    conflict = adoption.conflict(observed)
    if conflict is not None:
        return _blocked(observed, conflict, what_next="look at the Secret again every 30s", again=LOOK_AGAIN)
    news = _unreported(observed)
    if news is not None:
        return retired(observed) or news
    unwritable = _unwritable(observed.certificate.spec)
    if unwritable is not None:
        return _blocked(observed, unwritable, what_next="nothing until spec changes")
    moving = without_the_ca(observed)
    if moving is not None:
        return _keystore_obstacle(observed) or moving
    why = policy.first(policy.TRIGGERS, observed)
    if why is None:
        return _settle(observed)
    fault = unreadable_windows(observed.certificate.spec)
    if fault is not None and policy.first(policy.GOODNESS, observed) is not None:
        return _blocked(observed, fault, what_next="nothing until spec changes")
    obstacle = _obstacle(observed, why)
    if obstacle is not None:
        return obstacle
    return _enrol(observed, why)


def _unwritable(spec: CertificateSpec) -> Finding | None:
    """Why no Secret could be written as the spec wants it, whatever the CA says."""
    missing = unsupported_fields(spec)
    if missing:
        text = f"this version of certwright cannot do {', '.join(missing)} yet: remove it from spec"
        return Finding(Reason.NOT_IMPLEMENTED, text)
    unwritable = objection(spec)
    if unwritable is not None:
        return Finding(Reason.NOT_IMPLEMENTED, unwritable)
    fault = template_fault(spec)
    return Finding(Reason.INVALID_SPEC, fault) if fault is not None else None


def _unreported(observed: Observed) -> Report | None:
    """The operator was killed between the write of the Secret and that of the status: only the latter is left to do.

    The staged key alone proves nothing, since ``rotationPolicy: Never`` stages the one that the Secret has: the
    certificate must be one that the status does not know.
    """
    certificate, secret, staged = observed.certificate, observed.secret, observed.staged
    if staged is None or not isinstance(secret, DeliveredSecret) or secret.leaf is None:
        return None
    if not _holds(certificate, secret, staged):
        return None
    is_known = certificate.status.fingerprint_sha256 == fingerprint(secret.leaf)
    if is_known or policy.first(policy.NEWS, observed) is not None:
        return None
    return Report(issued(certificate, secret, staged, observed.now), again=None)


def _holds(certificate: Certificate, secret: DeliveredSecret, staged: Staged) -> bool:
    """Whether the Secret holds what the staged enrolment brought.

    A key that the CA made cannot be staged, for it comes with the certificate: there the fingerprint must do that was
    written beside the certificate.
    """
    if _is_key_from_the_ca(certificate):
        recorded = secret.metadata.annotations.get(ANNOTATION_FINGERPRINT)
        return secret.leaf is not None and recorded == fingerprint(secret.leaf)
    return secret.key is not None and public_der(secret.key) == public_der(staged.key)


def _is_key_from_the_ca(certificate: Certificate) -> bool:
    est, cmp = certificate.spec.est, certificate.spec.cmp
    return bool((est and est.server_key_generation) or (cmp and cmp.central_key_generation))


def _settle(observed: Observed) -> Step:
    """Nothing is wrong with the certificate: look at the Secret, the status and the record."""
    certificate, secret = observed.certificate, observed.secret
    retire = retired(observed)
    if retire is not None:
        return retire
    status = settled_unread(observed)
    if isinstance(secret, DeliveredSecret):
        if (obstacle := _keystores_missing(observed, secret)) is not None:
            return obstacle
        body = wanted_body(observed, secret)
        drift = drifted(secret, body)
        if _is_edit_unapplied(certificate):
            # A removed label, annotation or format is no difference that can be seen here: an apply drops it.
            drift.append("spec")
        if drift:
            return Reapply(body, secret.metadata, tuple(drift))
        status = settled(observed, secret)
    if status != certificate.status:
        return Report(status, again=None)
    if observed.staged_metadata is not None:
        return Drop(observed.staged_metadata, _given_up(observed))
    return Sleep(_earliest(observed, due_time(observed)))


def _keystores_missing(observed: Observed, secret: DeliveredSecret) -> Step | None:
    """A wanted keystore was never written, and its password is not there. One that is there is left as it is.

    An edit waits too: it may be about the keystores, and is not applied by halves.
    """
    names = store_names(observed.certificate.spec, secret.anchors)
    is_complete = set(names) <= secret.data.keys() and not _is_edit_unapplied(observed.certificate)
    return None if is_complete else _keystore_obstacle(observed)


def _keystore_obstacle(observed: Observed) -> Step | None:
    if observed.keystore_obstacle is None:
        return None
    why = Finding(Reason.MISSING_REFERENCE, observed.keystore_obstacle)
    return _blocked(observed, why, what_next="look for the password again every 30s", again=LOOK_AGAIN)


def _is_edit_unapplied(certificate: Certificate) -> bool:
    """Whether the spec is newer than the Secret: a status that tells of a failure has seen it, but checked nothing."""
    status = certificate.status
    if status.observed_generation is None:
        return False
    is_seen = status.secret is not None and status.secret.checks is not None
    return status.observed_generation != certificate.metadata.generation or not is_seen


def _given_up(observed: Observed) -> Staged | None:
    """The record whose traces at the CA must be taken back; None where its certificate was delivered."""
    secret, staged = observed.secret, observed.staged
    is_done = (
        staged is not None and isinstance(secret, DeliveredSecret) and _holds(observed.certificate, secret, staged)
    )
    return None if is_done else staged


def _earliest(observed: Observed, due: datetime | None) -> datetime | None:
    """When to look again: when it is due, but not after the certificate has ceased to be good without a word."""
    start, end = validity(observed)
    valid = start - CLOCK_SKEW if start is not None else None
    changes = (each for each in (valid, end) if each is not None and each > observed.now)
    return min((*changes, *([due] if due is not None else [])), default=None)


def wanted_body(observed: Observed, secret: DeliveredSecret) -> dict[str, object]:
    """The Secret as it should be, made from the pair that it holds and the issuer that it names."""
    certificate, pair = observed.certificate, pair_of(secret)
    assert pair is not None  # noqa: S101 - the checks have passed, so it can be read
    annotations = secret.metadata.annotations
    ref = fallbacks.believed_issuer(certificate)
    issuer = IssuedBy(
        name=annotations.get("certwright.io/issuer-name", ref.name),
        kind=annotations.get("certwright.io/issuer-kind", str(ref.kind)),
        group=annotations.get("certwright.io/issuer-group", ref.group),
    )
    keystores, type_ = observed.keystores, secret.type
    return render(certificate.metadata, certificate.spec, pair, issuer, keystores=keystores, type_=type_)


def _obstacle(observed: Observed, why: Finding) -> Step | None:
    """What must change before the CA is asked, in the order in which a user would mend it."""
    spec = observed.certificate.spec
    if spec.suspend:
        finding = Finding(Reason.SUSPENDED, f"{why.message}; {Reason.SUSPENDED.sentence}")
        return _blocked(observed, finding, what_next="nothing until spec.suspend is removed", again=None)
    if observed.issuer is None and (patience := _just_applied(observed)) is not None:
        return Sleep(patience)
    if observed.issuer is None:
        return _away(observed, _issuer_missing(observed), what_next="issue as soon as the issuer is there")
    if observed.issuer.obstacle is not None:
        patience = _just_made(observed.issuer, observed.now)
        if patience is not None:
            return Sleep(patience)
        text = f"{observed.issuer.key} is not ready: {observed.issuer.obstacle}"
        finding = Finding(Reason.ISSUER_NOT_READY, text)
        return _away(observed, finding, what_next="issue as soon as the issuer is ready")
    if observed.refusal is not None:
        finding = Finding(Reason.NOT_ALLOWED, f"{observed.issuer.key} does not allow this: {observed.refusal}")
        if observed.successors and fallbacks.is_fallback(observed.certificate):
            return PassOn(finding)  # Its allow was edited under the turn that it should never have got.
        return _blocked(observed, finding, what_next="look again every 30s", again=LOOK_AGAIN)
    return _keystore_obstacle(observed)


def _away(observed: Observed, why: Finding, *, what_next: str) -> Step:
    """The issuer cannot be asked now; after a minute another one is, where the Certificate names one that can be."""
    ends = turn_ends_at(observed)
    if ends is None:
        return _blocked(observed, why, what_next=what_next)
    if ends <= observed.now:
        return PassOn(why)
    what_next = f"{what_next}; ask {next_in_turn(observed).key} if that takes longer than a minute"
    return _blocked(observed, why, what_next=what_next, again=ends - observed.now)


def _just_made(issuer: KnownIssuer, now: datetime) -> datetime | None:
    """Until when an issuer that came together with its Certificates is waited for without a word.

    Its probe takes a fraction of a second; telling of it would cost each Certificate a write and a Warning.
    """
    if issuer.obstacle != NOT_PROBED or not issuer.metadata.creation_timestamp:
        return None
    patience = datetime.fromisoformat(issuer.metadata.creation_timestamp) + PROBE_PATIENCE
    return patience if now < patience else None


def _just_applied(observed: Observed) -> datetime | None:
    """Until when a new Certificate waits for its issuer without a word: both may come out of the same file."""
    created = observed.certificate.metadata.creation_timestamp
    if not created or observed.certificate.status.observed_generation is not None:
        return None
    patience = datetime.fromisoformat(created) + ISSUER_PATIENCE
    return patience if observed.now < patience else None


def _issuer_missing(observed: Observed) -> Finding:
    certificate = observed.certificate
    ref = fallbacks.asked(certificate) or policy.issuer_refs(certificate)[0]
    where = "" if ref.kind is IssuerKind.CLUSTER_ISSUER else f" in namespace {certificate.metadata.namespace}"
    return Finding(
        Reason.ISSUER_NOT_FOUND,
        f"{ref.kind} {ref.name} does not exist{where}: create it, and the certificate is issued as soon as it is ready",
    )


def _blocked(observed: Observed, why: Finding, *, what_next: str, again: timedelta | None = None) -> Step:
    status = blocked(observed, why, what_next=what_next)
    if status != observed.certificate.status:
        return Report(status, again)
    return Sleep(_earliest(observed, observed.now + again if again else None))


def _enrol(observed: Observed, why: Finding) -> Step:
    issuer, staged, metadata = observed.issuer, observed.staged, observed.staged_metadata
    assert issuer is not None  # noqa: S101 - an absent issuer is an obstacle
    not_before = retry_at(observed.certificate, observed.now)
    if not_before is not None and observed.now < not_before:
        status = waiting(observed)
        if status != observed.certificate.status:
            return Report(status, again=not_before - observed.now)
        return Sleep(_earliest(observed, not_before))
    digest = request_digest(observed.certificate.spec)
    if metadata is None:
        return Begin(why, issuer, digest)
    if staged is None or not staged.is_for(digest, issuer.destination):
        return Drop(metadata, staged)
    return GoOn(staged, metadata, issuer)
