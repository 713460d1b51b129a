"""The statuses of attempts that did not succeed: what happened, and when the next attempt is made."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.observed import Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, LastError, NextAction
from certwright.reconcile.backoff import attempts_so_far
from certwright.reconcile.certificate_conditions import issuing, readiness
from certwright.reconcile.certificate_status import MESSAGE_LIMIT, retry_request, unfinished


def failed(observed: Observed, error: EnrolmentError, *, delay: timedelta, is_longest: bool) -> CertificateStatus:
    """The attempt failed and is made again after ``delay``. Only a rejection counts as a failed issuance."""
    certificate, now = observed.certificate, observed.now.replace(microsecond=0)
    before = certificate.status
    why = Finding(error.reason, error.message[:MESSAGE_LIMIT])
    conditions = issuing(readiness(observed, why), certificate, is_met=False, why=why, now=now)
    counted = {"failed_issuance_attempts": attempts_so_far(certificate) + 1, "last_failure_time": now}
    return before.model_copy(
        update={
            **unfinished(observed),
            **({**counted, "fallback": None} if isinstance(error, RejectedError) else {}),
            "conditions": conditions,
            "enrolment": None,
            "last_error": LastError(
                error_class=next((word for kind, word in _CLASSES.items() if isinstance(error, kind)), "Internal"),
                reason=str(error.reason),
                code=error.code[:253] or None,
                message=error.message[:MESSAGE_LIMIT],
                time=now,
            ),
            "next_action": _next_attempt(now, delay, is_longest=is_longest),
            "last_retry_request": retry_request(certificate),
        }
    )


def internal_error(observed: Observed, *, delay: timedelta, is_longest: bool = False) -> CertificateStatus:
    """Certwright itself failed: Ready is left as it was, for nothing is known about the certificate."""
    now, before = observed.now.replace(microsecond=0), observed.certificate.status
    error = LastError(
        error_class="Internal", reason=str(Reason.INTERNAL_ERROR), message=Reason.INTERNAL_ERROR.sentence, time=now
    )
    action = _next_attempt(now, delay, is_longest=is_longest)
    is_repeat = before.last_error is not None and before.last_error.reason == error.reason
    if is_longest and is_repeat and before.next_action == action:
        return before
    return before.model_copy(update={"last_error": error, "next_action": action})


def _next_attempt(now: datetime, delay: timedelta, *, is_longest: bool) -> NextAction:
    """Without an instant where the delay grows no more, so that a repeat says nothing new."""
    if is_longest:
        return NextAction(what=f"try again every {describe(delay)}")
    return NextAction(what="try again", when=now + delay)


_CLASSES: Mapping[type[EnrolmentError], str] = {
    TransientError: "Transient",
    RejectedError: "Rejected",
    IssuerError: "Issuer",
}


def describe(delay: timedelta) -> str:
    """A length of time in words as short as Go's: ``90s``, ``5m``, ``24h``."""
    seconds = int(delay.total_seconds())
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
