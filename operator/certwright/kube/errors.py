"""What the API server may answer instead of what was asked for.

KubeError
├── NotFoundError        404: the object is not there; the only proof of absence
├── ConflictError        409: someone else was faster, or the object belongs to someone else
├── InvalidError         422 and 400: the object breaks a rule of its schema
├── ForbiddenError       401 and 403: the operator's role does not allow it
├── ExpiredError         410: the list or watch must start anew
└── UnavailableError     no answer, or 429 and 5xx: the same call may succeed later
"""

from typing import Any

MESSAGE_LIMIT = 512
"""Characters of an API server's message that are kept: it may quote parts of the object that was sent."""


class KubeError(Exception):
    """A call that did not do what was asked. ``status`` is the HTTP status, 0 where there was no answer."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason


class NotFoundError(KubeError):
    """404."""


class ConflictError(KubeError):
    """409."""


class InvalidError(KubeError):
    """400 or 422."""


class ForbiddenError(KubeError):
    """401 or 403."""


class ExpiredError(KubeError):
    """410."""


class UnavailableError(KubeError):
    """No answer, 429 or 5xx."""


_BY_STATUS: dict[int, type[KubeError]] = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    422: InvalidError,
}


def error_for(status: int, answer: Any, *, call: str) -> KubeError:
    """The exception for an answer of ``status`` whose decoded body, a ``metav1.Status`` at best, is ``answer``."""
    told = answer if isinstance(answer, dict) else {}
    message = str(told.get("message", ""))[:MESSAGE_LIMIT] or f"HTTP {status}"
    kind = _BY_STATUS.get(status, UnavailableError)
    return kind(f"{call}: {message}", status=status, reason=str(told.get("reason", ""))[:64])
