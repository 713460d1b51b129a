"""Decides the next `Step` of a Certificate from what was observed."""

from datetime import datetime, timedelta

from certwright.model import policy
from certwright.model.chain import fingerprint
from certwright.model.keys import public_der
from certwright.model.metadata import ANNOTATION_FINGERPRINT
from certwright.model.observed import Certificate, DeliveredSecret, KnownIssuer, Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import IssuerKind
from certwright.model.staged import Staged, request_digest
from certwright.model.template import template_fault
from certwright.model.tls_secret import IssuedBy, drifted, pair_of, render
from certwright.model.unsupported import unsupported_fields
from certwright.reconcile.backoff import retry_at
from certwright.reconcile.certificate_status import blocked, issued, settled, settled_unread, waiting
from certwright.reconcile.issuer import NOT_PROBED
from certwright.reconcile.revocation import finalizers_wanted
from certwright.reconcile.steps import Begin, Bind, Drop, GoOn, Reapply, Report, Sleep, Step

ISSUER_PATIENCE = timedelta(seconds=2)
PROBE_PATIENCE = timedelta(seconds=5)

LOOK_AGAIN = timedelta(seconds=30)
"""How often something is looked at that no watch tells about: a foreign Secret, a namespace's labels."""


def next_step(observed: Observed) -> Step:
    """The one thing to do next. Called again after each step, until it says `Sleep`."""
    finalizers = finalizers_wanted(observed.certificate)
    if finalizers is not None:
        return Bind(finalizers)
    conflict = policy.foreign_secret(observed)
    if conflict is not None:
        return _blocked(observed, conflict, what_next="look at the Secret again every 30s", again=LOOK_AGAIN)
    news = _unreported(observed)
    if news is not None:
        return news
    missing = unsupported_fields(observed.certificate.spec)
    if missing:
        text = f"this version of certwright cannot do {', '.join(missing)} yet: remove it from spec"
        return _blocked(observed, Finding(Reason.NOT_IMPLEMENTED, text), what_next="nothing until spec changes")
    fault = template_fault(observed.certificate.spec)
    if fault is not None:
        return _blocked(observed, Finding(Reason.INVALID_SPEC, fault), what_next="nothing until spec changes")
    why = policy.first(policy.TRIGGERS, observed)
    if why is None:
        return _settle(observed)
    obstacle = _obstacle(observed, why)
    if obstacle is not None:
        return obstacle
    return _enrol(observed, why)


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
    status = settled_unread(observed)
    if isinstance(secret, DeliveredSecret):
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
    return Sleep(_earliest(observed, policy.due_time(observed)))


def _is_edit_unapplied(certificate: Certificate) -> bool:
    """Whether the spec is newer than the Secret: a status that tells of a failure has seen it, but checked nothing."""
    status = certificate.status
    if status.observed_generation is None:
        return False
    return status.observed_generation != certificate.metadata.generation or status.secret is None


def _given_up(observed: Observed) -> Staged | None:
    """The record whose traces at the CA must be taken back; None where its certificate was delivered."""
    secret, staged = observed.secret, observed.staged
    is_done = (
        staged is not None and isinstance(secret, DeliveredSecret) and _holds(observed.certificate, secret, staged)
    )
    return None if is_done else staged


def _earliest(observed: Observed, due: datetime | None) -> datetime | None:
    """When to look again: when it is due, but not after the certificate has ceased to be good without a word."""
    end = policy.not_after(observed)
    instants = (due, end if end is not None and end > observed.now else None)
    return min((each for each in instants if each is not None), default=None)


def wanted_body(observed: Observed, secret: DeliveredSecret) -> dict[str, object]:
    """The Secret as it should be, made from the pair that it holds and the issuer that it names."""
    certificate, pair = observed.certificate, pair_of(secret)
    assert pair is not None  # noqa: S101 - the checks have passed, so it can be read
    annotations = secret.metadata.annotations
    ref = policy.issuer_refs(certificate)[0]
    issuer = IssuedBy(
        name=annotations.get("certwright.io/issuer-name", ref.name),
        kind=annotations.get("certwright.io/issuer-kind", str(ref.kind)),
        group=annotations.get("certwright.io/issuer-group", ref.group),
    )
    return render(certificate.metadata, certificate.spec, pair, issuer)


def _obstacle(observed: Observed, why: Finding) -> Step | None:
    """What must change before the CA is asked, in the order in which a user would mend it."""
    spec = observed.certificate.spec
    if spec.suspend:
        finding = Finding(Reason.SUSPENDED, f"{why.message}; {Reason.SUSPENDED.sentence}")
        return _blocked(observed, finding, what_next="nothing until spec.suspend is removed", again=None)
    if observed.issuer is None and (patience := _just_applied(observed)) is not None:
        return Sleep(patience)
    if observed.issuer is None:
        return _blocked(observed, _issuer_missing(observed), what_next="issue as soon as the issuer is there")
    if observed.issuer.obstacle is not None:
        patience = _just_made(observed.issuer, observed.now)
        if patience is not None:
            return Sleep(patience)
        text = f"{observed.issuer.key} is not ready: {observed.issuer.obstacle}"
        finding = Finding(Reason.ISSUER_NOT_READY, text)
        return _blocked(observed, finding, what_next="issue as soon as the issuer is ready")
    if observed.refusal is not None:
        text = f"{observed.issuer.key} does not allow this: {observed.refusal}"
        what_next = "look again every 30s"
        return _blocked(observed, Finding(Reason.NOT_ALLOWED, text), what_next=what_next, again=LOOK_AGAIN)
    return None


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
    ref = policy.issuer_refs(certificate)[0]
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
    not_before = retry_at(observed.certificate)
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
