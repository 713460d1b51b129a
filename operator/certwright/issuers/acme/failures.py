"""Who must act on what went wrong: the one table from ACME's and HTTP's facts to the domain's three errors.

Everything that the ACME client raises passes through `judged`. The answers that reach the table came over verified
TLS, so they may become a `RejectedError`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols import transport
from certwright.protocols.acme import ErrorType, MalformedAnswer, Problem, ProblemDocument
from certwright.protocols.transport import TransportError, UnexpectedStatus, shown

TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
SERVER_ERRORS = 500
# Limits count in hours and days. A server that sets one and does not say how long must not be asked every few seconds.
RATE_LIMIT_PAUSE = timedelta(minutes=10)


class Actor(StrEnum):
    """Who must act next."""

    TIME = "time"
    CERTIFICATE = "the author of the Certificate"
    ISSUER = "the author of the Issuer"


@dataclass(frozen=True, slots=True)
class Row:
    """What follows from one kind of failure; ``remedy`` is a sentence for whoever must act."""

    actor: Actor
    reason: Reason
    remedy: str = ""


NEW_ORDER = "A new order is made after a pause."
_SUPPORT = "Ask the CA what it means, or look into its documentation."

PROBLEMS: Mapping[ErrorType, Row] = {
    ErrorType.ACCOUNT_DOES_NOT_EXIST: Row(
        Actor.ISSUER, Reason.INVALID_CREDENTIALS, "The server does not know the account; the issuer registers it again."
    ),
    ErrorType.ALREADY_REVOKED: Row(Actor.CERTIFICATE, Reason.REJECTED),
    ErrorType.BAD_CSR: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "See which key algorithms, names and usages this CA and profile allow."
    ),
    ErrorType.BAD_NONCE: Row(Actor.TIME, Reason.UNREACHABLE),
    ErrorType.BAD_PUBLIC_KEY: Row(
        Actor.ISSUER, Reason.INVALID_CREDENTIALS, "Use an account key of a type that this CA takes (ECDSA P-256)."
    ),
    ErrorType.BAD_REVOCATION_REASON: Row(Actor.CERTIFICATE, Reason.REJECTED, "Choose a reason that this CA takes."),
    ErrorType.BAD_SIGNATURE_ALGORITHM: Row(
        Actor.ISSUER, Reason.INVALID_CREDENTIALS, "Use an account key of a type that this CA takes (ECDSA P-256)."
    ),
    ErrorType.CAA: Row(Actor.CERTIFICATE, Reason.REJECTED, "Allow this CA in the CAA records of the domain."),
    ErrorType.COMPOUND: Row(Actor.CERTIFICATE, Reason.REJECTED),
    ErrorType.CONNECTION: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "See that port 80 of the name, over IPv4 and IPv6, is open to the CA."
    ),
    ErrorType.DNS: Row(Actor.CERTIFICATE, Reason.REJECTED, "See that the CA can resolve the name (DNSSEC included)."),
    ErrorType.EXTERNAL_ACCOUNT_REQUIRED: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Set acme.externalAccountBinding to what the CA gave you."
    ),
    ErrorType.INCORRECT_RESPONSE: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "See that every server of the name shows the same to the CA."
    ),
    ErrorType.INVALID_CONTACT: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Correct acme.contact or acme.email."),
    ErrorType.MALFORMED: Row(Actor.CERTIFICATE, Reason.REJECTED, "Change what the CA complains about."),
    ErrorType.ORDER_NOT_READY: Row(Actor.TIME, Reason.PENDING),
    ErrorType.RATE_LIMITED: Row(Actor.TIME, Reason.RATE_LIMITED),
    ErrorType.REJECTED_IDENTIFIER: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "The CA does not issue for this name: remove it, or use another issuer."
    ),
    ErrorType.SERVER_INTERNAL: Row(Actor.TIME, Reason.UNREACHABLE),
    ErrorType.TLS: Row(Actor.CERTIFICATE, Reason.REJECTED, "See that the name's TLS port can be used by the CA."),
    ErrorType.UNAUTHORIZED: Row(
        Actor.ISSUER, Reason.INVALID_CREDENTIALS, "The account may be deactivated or lack permissions at the CA."
    ),
    ErrorType.UNSUPPORTED_CONTACT: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Use a mailto: address in acme.contact."
    ),
    ErrorType.UNSUPPORTED_IDENTIFIER: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "This CA or profile does not issue for names of this kind."
    ),
    ErrorType.USER_ACTION_REQUIRED: Row(
        Actor.ISSUER,
        Reason.INVALID_CONFIGURATION,
        "Agree to the terms of service (acme.termsOfServiceAgreed), or do what the address given asks for.",
    ),
    ErrorType.AUTO_RENEWAL_CANCELED: Row(Actor.CERTIFICATE, Reason.REJECTED, NEW_ORDER),
    ErrorType.AUTO_RENEWAL_EXPIRED: Row(Actor.CERTIFICATE, Reason.REJECTED, NEW_ORDER),
    ErrorType.AUTO_RENEWAL_CANCELLATION_INVALID: Row(Actor.CERTIFICATE, Reason.REJECTED, NEW_ORDER),
    ErrorType.AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED: Row(Actor.CERTIFICATE, Reason.REJECTED),
    ErrorType.UNKNOWN_DELEGATION: Row(Actor.CERTIFICATE, Reason.REJECTED, _SUPPORT),
    ErrorType.ALREADY_REPLACED: Row(Actor.TIME, Reason.PENDING),
    ErrorType.ONION_CAA_REQUIRED: Row(Actor.CERTIFICATE, Reason.REJECTED, "Publish CAA in the onion service."),
    ErrorType.BAD_ATTESTATION_STATEMENT: Row(Actor.CERTIFICATE, Reason.REJECTED, _SUPPORT),
    ErrorType.INVALID_PROFILE: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "Set acme.profile, of the Certificate or the issuer, to one of the CA's."
    ),
    # Judged by its HTTP status where there is one, see `_row`.
    ErrorType.UNKNOWN: Row(Actor.TIME, Reason.UNREACHABLE, _SUPPORT),
}

TRANSPORT: Mapping[type[TransportError], Row] = {
    transport.AddressRefused: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Use another server, or start certwright with --allow-cidrs."
    ),
    transport.NameNotResolved: Row(Actor.TIME, Reason.UNREACHABLE, "See that acme.server is spelled right."),
    transport.ConnectionFailed: Row(Actor.TIME, Reason.UNREACHABLE),
    # A CA that is not trusted is most often one whose caBundle is missing, and nothing was sent.
    transport.TLSFailed: Row(
        Actor.ISSUER,
        Reason.UNREACHABLE,
        "Set tls.caBundle to the CA that certifies this server, if it is a private one.",
    ),
    transport.TimedOut: Row(Actor.TIME, Reason.UNREACHABLE),
    transport.ProxyFailed: Row(Actor.TIME, Reason.UNREACHABLE, "See that proxyURL is right and the proxy runs."),
    transport.RedirectRefused: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Set acme.server to the URL that answers itself."
    ),
    transport.UnusableURL: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Correct acme.server."),
    transport.NotHTTP: Row(Actor.TIME, Reason.UNREACHABLE, "See that acme.server points at an HTTPS port."),
    transport.TooLarge: Row(Actor.TIME, Reason.UNREACHABLE),
    transport.UnexpectedStatus: Row(Actor.TIME, Reason.UNREACHABLE, "See that acme.server is a directory's URL."),
}


@contextmanager
def judged(server: str, what: str) -> Iterator[None]:
    """Turn what the ACME client raises into an `EnrolmentError`; ``what`` completes "<server> refused …"."""
    try:
        yield
    except Problem as problem:
        raise judge_problem(problem.document, f"{server} refused {what}") from problem
    except TransportError as error:
        raise _judge_transport(error, f"{what} got no answer") from error
    except MalformedAnswer as error:
        raise TransientError(f"{server} gave an answer to {what} that is not ACME: {error}") from error


@contextmanager
def probing() -> Iterator[None]:
    """While an Issuer is probed no Certificate is at fault: what the CA refuses is then the Issuer's affair."""
    try:
        yield
    except RejectedError as error:
        raise IssuerError(error.message, reason=Reason.INVALID_CONFIGURATION, code=error.code) from error


def judge_problem(document: ProblemDocument, context: str) -> EnrolmentError:
    """The error for a problem document."""
    row = _row(document)
    message = sentence(context, document, row.remedy)
    match row.actor:
        case Actor.CERTIFICATE:
            return RejectedError(message, retry_after=document.retry_after, reason=row.reason, code=document.code)
        case Actor.ISSUER:
            return IssuerError(message, reason=row.reason, code=document.code)
        case Actor.TIME:
            pause = document.retry_after
            if pause is None and row.reason is Reason.RATE_LIMITED:
                pause = RATE_LIMIT_PAUSE
            return TransientError(message, retry_after=pause, reason=row.reason, code=document.code)


def is_gone(error: BaseException | None) -> bool:
    """Whether the server does not know the order or authorization (any more)."""
    status = 404
    if isinstance(error, Problem):
        return error.document.status == status
    return isinstance(error, UnexpectedStatus) and error.status == status


def sentence(context: str, document: ProblemDocument, remedy: str = "") -> str:
    """What the CA said, what to do about it and where to read on, as users see it."""
    pages = [page for page in (document.instance, document.terms_of_service, document.help_url) if page]
    parts = [f"{context}: {str(document).rstrip('.')}.", remedy, f"See {' and '.join(pages)}" if pages else ""]
    return shown(" ".join(filter(None, parts)))


def _row(document: ProblemDocument) -> Row:
    """The row for a problem; a few HTTP statuses say more than the type does."""
    row = PROBLEMS[document.type]
    status = document.status or 0
    if status == TOO_MANY_REQUESTS:
        return PROBLEMS[ErrorType.RATE_LIMITED]
    if status >= SERVER_ERRORS and row.actor is not Actor.ISSUER:
        reason = Reason.RATE_LIMITED if document.retry_after and status == UNAVAILABLE else Reason.UNREACHABLE
        return Row(Actor.TIME, reason)
    if document.type is ErrorType.UNKNOWN and status:
        return Row(Actor.CERTIFICATE, Reason.REJECTED, row.remedy)
    return row


def _judge_transport(error: TransportError, context: str) -> EnrolmentError:
    row = TRANSPORT.get(type(error), Row(Actor.TIME, Reason.UNREACHABLE))
    code = str(error.status) if isinstance(error, UnexpectedStatus) else ""
    message = shown(" ".join(filter(None, (f"{context[:1].upper()}{context[1:]}: {error}.", row.remedy))))
    if row.actor is Actor.ISSUER:
        return IssuerError(message, reason=row.reason, code=code)
    pause, reason = error.retry_after, row.reason
    if isinstance(error, UnexpectedStatus) and (
        error.status == TOO_MANY_REQUESTS or (error.status == UNAVAILABLE and pause)
    ):
        pause, reason = pause or RATE_LIMIT_PAUSE, Reason.RATE_LIMITED
    return TransientError(message, retry_after=pause, reason=reason, code=code)
