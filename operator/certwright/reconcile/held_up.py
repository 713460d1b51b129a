"""What a Certificate says while its issuer's ``limits`` hold it up: nothing was asked of the CA, so nothing failed."""

from datetime import datetime

from certwright.model.observed import KnownIssuer, Observed
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, NextAction
from certwright.model.staged import Staged
from certwright.reconcile.certificate_status import blocked, under_way


def over_budget(observed: Observed, issuer: KnownIssuer, until: datetime) -> CertificateStatus:
    """The issuer's day is used up. Nothing was asked, so nothing counts as failed."""
    limit = issuer.spec.limits.per_day if issuer.spec.limits else None
    text = (
        f"{issuer.key} has used up its limits.perDay of {limit}: it goes on at {until:%Y-%m-%dT%H:%M:%SZ},"
        " or as soon as the limit is raised"
    )
    status = blocked(observed, Finding(Reason.RATE_LIMITED, text), what_next="issue")
    return status.model_copy(update={"next_action": NextAction(what="issue", when=until)})


def in_line(observed: Observed, staged: Staged, message: str) -> CertificateStatus:
    """It is staged and waits for its turn. No instant is told: it moves with those ahead, and each would be a write."""
    status = under_way(observed, staged, message, None)
    return status.model_copy(update={"next_action": NextAction(what="begin as soon as there is a slot")})
