"""Decides when the turn goes on to the next of ``issuerRefs``, and what the status says of it.

It goes on from an issuer that is missing or not ready for a minute, or whose failures repeat (which `handlers.failing`
counts), and only to one that could be asked at once. A rejection and a refusal by ``allow`` are the author's affair and
no reason to ask somebody else. In the status the turn survives a restart.
"""

from datetime import datetime, timedelta

from certwright.model import fallbacks
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.observed import KnownIssuer, Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, Fallback
from certwright.reconcile.backoff import retry_at
from certwright.reconcile.certificate_conditions import ISSUING
from certwright.reconcile.certificate_status import MESSAGE_LIMIT, blocked
from certwright.reconcile.conditions import find
from certwright.reconcile.issuer import NOT_PROBED, READY

PATIENCE = timedelta(minutes=1)
"""How long an issuer may be away before another is asked. No restart of a CA or probe of an edited Issuer is longer."""

ATTEMPTS = 3
"""Failures in a row after which another issuer is asked."""

LONGEST_PAUSE = timedelta(minutes=1)
"""How long a wish of the CA's to be left alone holds up the next issuer: what became of a request whose answer was lost
is known by then, if it will ever be."""

_AUTHORS = frozenset(
    {
        Reason.CREDENTIAL_USED,
        Reason.INVALID_SPEC,
        Reason.FORBIDDEN,
        Reason.MISSING_REFERENCE,
        Reason.INTERNAL_ERROR,
    }
)
"""Transient failures that are none of the issuer's."""


def is_issuers_failure(error: EnrolmentError) -> bool:
    """Whether another issuer might do what this one could not."""
    is_transient = isinstance(error, TransientError) and error.reason not in _AUTHORS
    return is_transient or isinstance(error, IssuerError)


def turn_ends_at(observed: Observed) -> datetime | None:
    """When an issuer that cannot be asked loses its turn; None: it keeps it, as nobody else could be asked either."""
    certificate = observed.certificate
    backoff = retry_at(certificate, observed.now)
    if not observed.successors or (backoff is not None and observed.now < backoff):
        return None
    turn, last = certificate.status.fallback, certificate.status.last_error
    began = turn.since if turn is not None and fallbacks.is_fallback(certificate) else None
    failed = last.time if last is not None else None  # The answer to that request may have been lost only just now.
    return max(each for each in (_away_since(observed), began, failed) if each is not None) + PATIENCE


def _away_since(observed: Observed) -> datetime:
    """Since when the issuer cannot be asked, as far as it was told."""
    issuer = observed.issuer
    if issuer is None:
        told = find(observed.certificate.status.conditions, ISSUING)
        is_told = told is not None and told.reason == Reason.ISSUER_NOT_FOUND
        since = told.last_transition_time if told is not None and is_told else None
        return since or observed.now
    if issuer.metadata.is_deleting:
        return datetime.fromisoformat(issuer.metadata.deletion_timestamp)
    ready = find(issuer.status.conditions, READY)
    if issuer.obstacle == NOT_PROBED or ready is None or ready.status == "True":
        return observed.now
    return ready.last_transition_time or observed.now


def next_in_turn(observed: Observed) -> KnownIssuer:
    """Whose turn is next. Only for an `Observed` with successors."""
    return observed.successors[0]


def passed_on(observed: Observed, why: Finding) -> CertificateStatus:
    """The turn is the next issuer's, or the first one's again."""
    successor = next_in_turn(observed)
    text = f"{why.message[: MESSAGE_LIMIT - 200]}; {successor.key} is asked instead"
    told = blocked(observed, Finding(why.reason, text), what_next=f"ask {successor.key}")
    key, first = successor.key, fallbacks.named_keys(observed.certificate)[0]
    turn = Fallback(name=key.name, kind=key.kind, since=observed.now.replace(microsecond=0), message=text)
    return told.model_copy(update={"fallback": turn if key != first else None})
