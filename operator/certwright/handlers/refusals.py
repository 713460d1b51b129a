"""What an author can do about a write that the API server refuses: the words that ``certificates`` puts into a status.

The answer itself names a path and a rule; who reads the status knows neither, but knows the spec.
"""

from certwright.kube.errors import ForbiddenError, InvalidError, TooLargeError
from certwright.model.errors import TransientError
from certwright.model.reasons import Reason

RETRIED = "what the CA has issued is kept, and is written as soon as that is possible"


def told_to_the_author(error: InvalidError | ForbiddenError) -> TransientError:
    """The refusal with its remedy. Time alone may mend it: a quota is raised, a role completed."""
    match error:
        case TooLargeError():
            remedy = (
                "ask for fewer names, or drop keystores and additionalOutputFormats, set chain.leafOnly, shorten"
                " secretTemplate.annotations"
            )
            text = f"the Secret would be larger than the API server takes: {remedy}; it said: {error.message}"
            reason = Reason.INVALID_SPEC
        case InvalidError():
            text = f"the API server refuses what was made of this Certificate: {error.message}; correct spec"
            reason = Reason.INVALID_SPEC
        case _:
            remedy = "raise the quota, or complete the role of the operator"
            text = f"the API server does not let certwright write: {error.message}; {remedy}"
            reason = Reason.FORBIDDEN
    return TransientError(f"{text}; {RETRIED}", reason=reason, code=str(error.status))
