"""Every status that a Certificate can have, built whole each time: what is not said is gone.

``handlers`` write them and compare them with what is there: equal statuses cost no write.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from certwright.model import fallbacks
from certwright.model.chain import chain_fingerprint, fingerprint, serial_number
from certwright.model.due import due_time
from certwright.model.keys import kind_of
from certwright.model.metadata import (
    ANNOTATION_ISSUER_GROUP,
    ANNOTATION_ISSUER_KIND,
    ANNOTATION_ISSUER_NAME,
    ANNOTATION_RENEW,
    ANNOTATION_RETRY,
    GROUP,
    TLS_SECRET_TYPE,
)
from certwright.model.observed import CHECKS, Certificate, DeliveredSecret, Observed
from certwright.model.policy import GOODNESS, READINESS, Finding, first
from certwright.model.renewal import next_renewal
from certwright.model.requested import requested, still_requested
from certwright.model.resources import (
    CertificateStatus,
    Enrolment,
    IssuedBy,
    NextAction,
    SecretSeen,
)
from certwright.model.staged import Staged
from certwright.model.wishes import requested as requested_by
from certwright.reconcile.backoff import attempts_so_far
from certwright.reconcile.certificate_conditions import READY, issuing, readiness, ready, settled_conditions
from certwright.reconcile.conditions import is_true
from certwright.reconcile.moving import still_to_move
from certwright.reconcile.renewing import renewal_in_words
from certwright.reconcile.revocation import after_enrolment, next_action

MESSAGE_LIMIT = 1024
TRANSACTION_LIMIT = 253


def settled(observed: Observed, secret: DeliveredSecret) -> CertificateStatus:
    """The Secret holds what is wanted. Failures are forgotten; what an emptied status lost is found again."""
    before, leaf = observed.certificate.status, secret.leaf
    assert leaf is not None and secret.key is not None  # noqa: S101, PT018 - the checks have passed
    return settled_unread(observed).model_copy(
        update={
            "not_before": leaf.not_valid_before_utc,
            "not_after": leaf.not_valid_after_utc,
            "revision": before.revision or 1,
            "serial_number": serial_number(leaf),
            "fingerprint_sha256": fingerprint(leaf),
            "chain_sha256": chain_fingerprint(secret.chain),
            "requested": still_requested(observed.certificate.spec, kind_of(secret.key), before.requested),
            "issuer_ref": _issuer_of(secret) or before.issuer_ref,
            "protocol": before.protocol or _protocol(observed),
            "secret": _seen(secret),
        }
    )


def adopted(observed: Observed, secret: DeliveredSecret) -> CertificateStatus:
    """As `settled`, of a Secret that was somebody else's: what was known of an earlier certificate is forgotten."""
    certificate = observed.certificate
    status = certificate.status.model_copy(
        update={
            "fingerprint_sha256": None,
            "chain_sha256": None,
            "requested": {},
            "renewal_time": None,
            "issuer_ref": None,
            "protocol": None,
        }
    )
    known = replace(observed, certificate=replace(certificate, status=status), secret=secret)
    return settled(known, secret)


def settled_unread(observed: Observed) -> CertificateStatus:
    """As `settled`, where the Secret is the version that was checked and was not read again."""
    certificate, due = observed.certificate, due_time(observed)
    return certificate.status.model_copy(
        update={
            **_CLEARED,
            "conditions": settled_conditions(observed),
            "observed_generation": certificate.metadata.generation,
            "renewal_time": due,
            "next_action": next_action(due, observed.superseded, what=renewal_in_words(certificate.spec, due)),
            **_requests(certificate),
        }
    )


def issued(certificate: Certificate, secret: DeliveredSecret, staged: Staged, now: datetime) -> CertificateStatus:
    """A new certificate stands in the Secret."""
    leaf = secret.leaf
    assert leaf is not None and secret.key is not None  # noqa: S101, PT018 - both were verified before they were written
    before = certificate.status
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    due = next_renewal(certificate.spec, certificate.metadata.uid, not_before=start, not_after=end, now=now)
    kept = after_enrolment(certificate, staged.superseded, current=fingerprint(leaf), now=now)
    coming = tuple(one for one in kept if one.due is not None and one.due > now)
    return before.model_copy(
        update={
            **_CLEARED,
            "conditions": ready(certificate, start, end, now),
            "observed_generation": certificate.metadata.generation,
            "not_before": start,
            "not_after": end,
            "renewal_time": due,
            "revision": (before.revision or 0) + 1,
            "serial_number": serial_number(leaf),
            "fingerprint_sha256": fingerprint(leaf),
            "chain_sha256": chain_fingerprint(secret.chain),
            "requested": requested(certificate.spec, kind_of(secret.key)),
            "issuer_ref": _issuer_of(secret),
            "protocol": staged.destination.protocol,
            "secret": _seen(secret),
            "next_action": next_action(due, coming, what=renewal_in_words(certificate.spec, due)),
            "last_renew_request": before.last_renew_request if staged.renew_request is None else staged.renew_request,
            "last_retry_request": retry_request(certificate),
        }
    )


def waiting(observed: Observed) -> CertificateStatus:
    """Nothing is done before a backoff ends, but the certificate may cease to be good while it is waited for."""
    before, fault = observed.certificate.status, first(READINESS, observed)
    if fault is None or not is_true(before.conditions, READY):
        return before
    return before.model_copy(update={"conditions": readiness(observed, fault)})


def blocked(observed: Observed, why: Finding, *, what_next: str) -> CertificateStatus:
    """Something else must change first. A certificate that is still good stays Ready."""
    certificate = observed.certificate
    conditions = readiness(observed, why)
    conditions = issuing(conditions, certificate, is_met=False, why=why, now=observed.now)
    return certificate.status.model_copy(
        update={
            **unfinished(observed),
            "conditions": conditions,
            "enrolment": None,
            "next_action": NextAction(what=what_next),
        }
    )


def under_way(
    observed: Observed, staged: Staged, message: str, poll_after: datetime | None, *, transaction: str = ""
) -> CertificateStatus:
    """The enrolment takes its time; written once it has taken more than two seconds."""
    certificate = observed.certificate
    why = Finding(staged.reason, message[:MESSAGE_LIMIT])
    conditions = issuing(readiness(observed, why), certificate, is_met=True, why=why, now=observed.now)
    return certificate.status.model_copy(
        update={
            **unfinished(observed),
            "conditions": conditions,
            "enrolment": Enrolment(
                protocol=staged.destination.protocol,
                started_at=staged.started_at,
                transaction_id=transaction[:TRANSACTION_LIMIT] or None,
                poll_after=poll_after,
                message=message[:MESSAGE_LIMIT],
            ),
            "next_action": NextAction(what="ask the CA again", when=poll_after),
        }
    )


_CLEARED: Mapping[str, Any] = {
    "enrolment": None,
    "failed_issuance_attempts": None,
    "last_failure_time": None,
    "last_error": None,
    "fallback": None,
}


def _seen(secret: DeliveredSecret) -> SecretSeen:
    return SecretSeen(
        name=secret.metadata.name,
        type=secret.type if secret.type != TLS_SECRET_TYPE else None,
        uid=secret.metadata.uid,
        resource_version=secret.metadata.resource_version,
        checks=CHECKS,
    )


def _issuer_of(secret: DeliveredSecret) -> IssuedBy | None:
    annotations = secret.metadata.annotations
    name = annotations.get(ANNOTATION_ISSUER_NAME)
    if not name:
        return None
    kind, group = annotations.get(ANNOTATION_ISSUER_KIND, "Issuer"), annotations.get(ANNOTATION_ISSUER_GROUP, GROUP)
    return IssuedBy(name=name, kind=kind, group=group)


def _requests(certificate: Certificate) -> Mapping[str, str | None]:
    """While the whole status is empty, the annotations' values count as done: they may have come with a restore."""
    retry = {"last_retry_request": retry_request(certificate)}
    if certificate.status.observed_generation is not None:
        return retry
    return {**retry, "last_renew_request": requested_by(certificate.metadata, ANNOTATION_RENEW)}


def retry_request(certificate: Certificate) -> str | None:
    """The value that counts as done from now on; a removed annotation is no new one when it comes back."""
    asked = requested_by(certificate.metadata, ANNOTATION_RETRY)
    return certificate.status.last_retry_request if asked is None else asked


def unfinished(observed: Observed) -> Mapping[str, Any]:
    """What every status says under which something is still to be done.

    The generation is observed, so whatever rested on its being new must be said in other words: the Secret does not
    hold what is wanted and is read again, a backoff that the edit ended is over, and a renewal that it moved is due at
    its new time. Without these a changed spec would be forgotten with the first failure.
    """
    certificate, before = observed.certificate, observed.certificate.status
    is_new = before.observed_generation != certificate.metadata.generation
    is_good = not is_new and first(GOODNESS, observed) is None
    backoff = {} if attempts_so_far(certificate) else {"failed_issuance_attempts": None, "last_failure_time": None}
    return {
        **(_requests(certificate) if before.observed_generation is None else {}),
        **backoff,
        "observed_generation": certificate.metadata.generation,
        "renewal_time": due_time(observed) if is_new else before.renewal_time,
        "secret": before.secret if is_good else still_to_move(certificate.spec, before),
        "fallback": before.fallback if fallbacks.is_fallback(certificate) else None,
    }


def _protocol(observed: Observed) -> str | None:
    """The protocol of the issuer, where it is the one that issued."""
    issuer = observed.issuer
    is_known = issuer is not None and fallbacks.is_issued_by(observed, issuer.key)
    return (issuer.destination.protocol or None) if issuer is not None and is_known else None
