"""Who must act on what went wrong: the one table from ACME's facts to the domain's three errors.

Everything that the ACME client raises passes through `judged`. The answers that reach the table came over verified
TLS, so they may become a `RejectedError`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from certwright.issuers.judging import TOO_MANY_REQUESTS, UNAVAILABLE, Actor, Place, Row, judge, judge_transport
from certwright.model.errors import EnrolmentError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.acme import ErrorType, MalformedAnswer, Problem, ProblemDocument
from certwright.protocols.transport import TransportError, UnexpectedStatus, shown

SERVER_ERRORS = 500

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

PLACE = Place(field="acme.server", what="a directory's URL")


@contextmanager
def judged(server: str, what: str) -> Iterator[None]:
    """Turn what the ACME client raises into an `EnrolmentError`; ``what`` completes "<server> refused …"."""
    try:
        yield
    except Problem as problem:
        raise judge_problem(problem.document, f"{server} refused {what}") from problem
    except TransportError as error:
        raise judge_transport(error, f"{what} got no answer", PLACE) from error
    except MalformedAnswer as error:
        raise TransientError(f"{server} gave an answer to {what} that is not ACME: {error}") from error


def judge_problem(document: ProblemDocument, context: str) -> EnrolmentError:
    """The error for a problem document."""
    row = _row(document)
    message = sentence(context, document, row.remedy)
    return judge(row, message, retry_after=document.retry_after, code=document.code)


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
