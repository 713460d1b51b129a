"""Why an enrolment stopped, sorted by who must act next.

EnrolmentError
├── TransientError   time: the same request may succeed later; everything staged is kept
├── RejectedError    the author of the Certificate: the CA said no to this very request
└── IssuerError      the author of the Issuer: this Certificate is not at fault, the Issuer's configuration is

Anything else that is raised is a fault of certwright's own and is reported as ``InternalError``.

Only an *authenticated* answer (verified TLS, valid CMP protection, valid SCEP signature) may become a `RejectedError`:
whoever can forge one could make the operator throw away a key whose certificate is on its way.
"""

from datetime import timedelta

from certwright.model.reasons import Reason


class EnrolmentError(Exception):
    """What a driver, solver or check raises when it cannot go on.

    ``message`` is shown to users: a full sentence that names the object, the cause and the remedy, free of secrets.
    ``code`` is the protocol's own word for it (an ACME error type, a PKIFailureInfo name, an HTTP status).
    """

    default_reason = Reason.UNREACHABLE

    def __init__(self, message: str, *, reason: Reason | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.code = code


class TransientError(EnrolmentError):
    """Time must pass. Do not raise it for an answer that will be the same tomorrow: that is a `RejectedError`."""

    def __init__(
        self, message: str, *, retry_after: timedelta | None = None, reason: Reason | None = None, code: str = ""
    ) -> None:
        super().__init__(message, reason=reason, code=code)
        self.retry_after = retry_after


class RejectedError(EnrolmentError):
    """The author of the Certificate must act. Never raise it for an answer that was not authenticated.

    ``retry_after`` is the CA's own wish where it gave one; the backoff is never shorter than that.
    ``is_credential_used`` says that the refused request carried the Certificate's own one-time credential.
    """

    default_reason = Reason.REJECTED

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        reason: Reason | None = None,
        code: str = "",
        is_credential_used: bool = False,
    ) -> None:
        super().__init__(message, reason=reason, code=code)
        self.retry_after = retry_after
        self.is_credential_used = is_credential_used


class IssuerError(EnrolmentError):
    """The author of the Issuer must act. Everything staged is kept, and the Issuer is probed again."""

    default_reason = Reason.ISSUER_NOT_READY
