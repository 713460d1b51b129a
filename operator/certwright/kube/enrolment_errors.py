"""What an answer of the API server means for an enrolment, for those modules of ``kube`` that solvers call directly."""

from collections.abc import Iterator
from contextlib import contextmanager

from certwright.kube.errors import ForbiddenError, InvalidError, KubeError
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason


@contextmanager
def told_as_enrolment_errors(what: str) -> Iterator[None]:
    """Turn the `KubeError`s of the block into `EnrolmentError`s; ``what`` is the object, as ``Ingress shop/web``."""
    try:
        yield
    except KubeError as error:
        raise enrolment_error(what, error) from error


def enrolment_error(what: str, error: KubeError) -> EnrolmentError:
    """Time mends what was not answered; a person must mend what is refused for what it says."""
    match error:
        case InvalidError():
            message = f"The API server refuses {what} ({error.message}): correct http01 in the issuer's solvers."
            return IssuerError(message, reason=Reason.INVALID_CONFIGURATION)
        case ForbiddenError():
            message = (
                f"The operator may not read or write {what} ({error.message}): complete its role, or free the name."
            )
            return TransientError(message, code=str(error.status))
        case _:
            return TransientError(f"{what} could not be read or written: {error.message}", code=str(error.status or ""))
