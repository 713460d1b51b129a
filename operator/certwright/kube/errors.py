"""What the API server may answer instead of what was asked for.

KubeError
├── NotFoundError        404: the object is not there; the only proof of absence
├── ConflictError        409: someone else was faster, or the object belongs to someone else
├── InvalidError         422 and 400: the object breaks a rule of its schema
│   └── TooLargeError    413, and what stands for it: the object is larger than the API server or etcd takes
├── ForbiddenError       401 and 403: the operator's role or a quota does not allow it
│   └── TerminatingError the namespace is being deleted, and nothing new may be made in it
├── ExpiredError         410: the list or watch must start anew
└── UnavailableError     no answer, or 429 and 5xx: the same call may succeed later
"""

import re
from collections.abc import Mapping
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


class TooLargeError(InvalidError):
    """413; a 422 for the size of data or annotations; a 500 in which etcd says so."""


class ForbiddenError(KubeError):
    """401 or 403."""


class TerminatingError(ForbiddenError):
    """403 with the cause NamespaceTerminating."""


class ExpiredError(KubeError):
    """410."""


class UnavailableError(KubeError):
    """No answer, 429 or 5xx."""


_TOO_LARGE = re.compile(
    r"Too long: may not be more than \d+ bytes|request is too large|exceeds the limit", re.IGNORECASE
)
_TERMINATING = "NamespaceTerminating"

_BY_STATUS: dict[int, type[KubeError]] = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    413: TooLargeError,
    422: InvalidError,
}


def error_for(status: int, answer: Any, *, call: str) -> KubeError:
    """The exception for an answer of ``status`` whose decoded body, a ``metav1.Status`` at best, is ``answer``."""
    told = answer if isinstance(answer, dict) else {}
    full = str(told.get("message", ""))
    message = full[:MESSAGE_LIMIT] or f"HTTP {status}"
    kind = _BY_STATUS.get(status, UnavailableError)
    if status in {422, 500} and _TOO_LARGE.search(full):
        kind = TooLargeError
    if kind is ForbiddenError and _TERMINATING in _causes(told):
        kind = TerminatingError
    return kind(f"{call}: {message}", status=status, reason=str(told.get("reason", ""))[:64])


def _causes(told: Mapping[str, Any]) -> set[str]:
    details = told.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return {str(cause.get("reason")) for cause in causes or () if isinstance(cause, dict)}
