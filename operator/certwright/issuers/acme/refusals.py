"""Why an order failed, told name by name (RFC 8555 §7.1.6, §6.7.1).

A failed order is over whatever its cause was: its tokens and its record are of no use any more. So everything here is a
`RejectedError`, after which the next attempt makes a new order.
"""

from collections.abc import Sequence

from certwright.issuers.acme.failures import NEW_ORDER, PROBLEMS, judge_problem
from certwright.model.errors import RejectedError
from certwright.protocols.acme import Authorization, ErrorType, ProblemDocument
from certwright.protocols.transport import shown

NAMED = 5  # Failed names in one message; more tell a reader nothing.

# What the same word means when it is said of a validation: the proof was wrong, not the account.
_VALIDATION = {ErrorType.UNAUTHORIZED: ErrorType.INCORRECT_RESPONSE}


def judge_challenges(
    server: str, failed: Sequence[Authorization], *, names: int, order: ProblemDocument | None = None
) -> RejectedError:
    """The error for names that were not proved. A failed validation ends its order, so that nothing is kept."""
    errors = [(authorization, _challenge_error(authorization)) for authorization in failed]
    texts = [_failed_name(authorization, error) for authorization, error in errors[:NAMED]]
    more = f"; and {len(errors) - NAMED} more" if len(errors) > NAMED else ""
    first = next((error for _, (_, error) in errors if error is not None), order)
    remedy = NEW_ORDER
    if first is not None:
        remedy = PROBLEMS[_VALIDATION.get(first.type, first.type)].remedy
    count = f"{len(failed)} of {names} names" if names > 1 else "the name"
    message = f"{server} could not verify {count}: {'; '.join(texts)}{more}. {remedy}"
    return RejectedError(shown(message.strip()), code=first.code if first else "")


def judge_order(server: str, error: ProblemDocument | None) -> RejectedError:
    """The error for an order that is invalid although every name was proved."""
    if error is None:
        return RejectedError(f"{server} made the order invalid without a reason; it may have expired. {NEW_ORDER}")
    judgement = judge_problem(error, f"{server} refused the certificate")
    return RejectedError(judgement.message, reason=judgement.reason, code=judgement.code)


def has_error(authorization: Authorization) -> bool:
    """Whether a challenge of it failed, rather than nobody having tried."""
    return _challenge_error(authorization)[1] is not None


def _challenge_error(authorization: Authorization) -> tuple[str, ProblemDocument | None]:
    for challenge in authorization.challenges:
        if challenge.error is not None:
            return challenge.type, challenge.error
    return "", None


def _failed_name(authorization: Authorization, found: tuple[str, ProblemDocument | None]) -> str:
    kind, error = found
    if error is None:
        return f"{authorization.ordered} (its authorization is {authorization.status})"
    return f"{authorization.ordered} ({kind}): {str(error).rstrip('.')}"
