"""Who must act when no usable answer came: the part of judging that is the same for every protocol.

Each driver has one table for its own protocol's refusals; what fails at or below HTTP is judged here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols import transport
from certwright.protocols.transport import TransportError, UnexpectedStatus, shown

TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
# Limits count in hours and days. A server that sets one and does not say how long must not be asked every few seconds.
RATE_LIMIT_PAUSE = timedelta(minutes=10)
# A request for a certificate whose answer was lost may have been granted: whoever asks again at once asks for two.
AMBIGUOUS_PAUSE = timedelta(minutes=1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an issuer's URL stands, for the remedies: ``acme.server`` as the field, ``a directory's URL`` as what."""

    field: str
    what: str


_PRIVATE_CA = "Set tls.caBundle to the CA that certifies this server, if it is a private one."
_SILENT = "See that the server of {field} runs, and that the network lets certwright reach it."

TRANSPORT: Mapping[type[TransportError], Row] = {
    transport.AddressRefused: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Use another server, or start certwright with --allow-cidrs."
    ),
    transport.NameNotResolved: Row(Actor.TIME, Reason.UNREACHABLE, "See that {field} is spelled right."),
    transport.ConnectionFailed: Row(Actor.TIME, Reason.UNREACHABLE, _SILENT),
    # A CA that is not trusted is most often one whose caBundle is missing, and nothing was sent.
    transport.ServerNotVerified: Row(Actor.ISSUER, Reason.UNREACHABLE, _PRIVATE_CA),
    transport.ClientCertificateRefused: Row(
        Actor.ISSUER, Reason.INVALID_CREDENTIALS, "Use a client certificate that this server accepts."
    ),
    transport.TLSFailed: Row(Actor.ISSUER, Reason.UNREACHABLE, _PRIVATE_CA),
    transport.TimedOut: Row(Actor.TIME, Reason.UNREACHABLE, _SILENT),
    transport.ProxyFailed: Row(Actor.TIME, Reason.UNREACHABLE, "See that proxyURL is right and the proxy runs."),
    transport.RedirectRefused: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Set {field} to the URL that answers itself."
    ),
    transport.UnusableURL: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Correct {field}."),
    transport.NotHTTP: Row(Actor.TIME, Reason.UNREACHABLE, "See that {field} points at the right port."),
    transport.TooLarge: Row(Actor.TIME, Reason.UNREACHABLE),
    transport.UnexpectedStatus: Row(Actor.TIME, Reason.UNREACHABLE, "See that {field} is {what}."),
}


def judge_transport(
    error: TransportError, context: str, place: Place, *, is_ambiguous: bool = False
) -> IssuerError | TransientError:
    """The error for an exchange without an answer; ``context`` is its subject and verb ("The order got no answer").

    ``is_ambiguous`` is for a request that the protocol cannot resume: the server may have granted it.
    """
    row = next(TRANSPORT[kind] for kind in type(error).__mro__ if kind in TRANSPORT)
    code = str(error.status) if isinstance(error, UnexpectedStatus) else ""
    remedy = row.remedy.format(field=place.field, what=place.what)
    message = shown(" ".join(filter(None, (f"{context[:1].upper()}{context[1:]}: {error}.", remedy))))
    if row.actor is Actor.ISSUER:
        return IssuerError(message, reason=row.reason, code=code)
    pause, reason = error.retry_after, row.reason
    if isinstance(error, UnexpectedStatus) and (
        error.status == TOO_MANY_REQUESTS or (error.status == UNAVAILABLE and pause)
    ):
        pause, reason = pause or RATE_LIMIT_PAUSE, Reason.RATE_LIMITED
    if is_ambiguous and not error.is_unsent:
        pause = max(pause or AMBIGUOUS_PAUSE, AMBIGUOUS_PAUSE)
    return TransientError(message, retry_after=pause, reason=reason, code=code)


def judge(
    row: Row, message: str, *, retry_after: timedelta | None = None, code: str = "", is_credential_used: bool = False
) -> EnrolmentError:
    """The error of a row for an authenticated answer."""
    match row.actor:
        case Actor.CERTIFICATE:
            return RejectedError(
                message,
                retry_after=retry_after,
                reason=row.reason,
                code=code,
                is_credential_used=is_credential_used,
            )
        case Actor.ISSUER:
            return IssuerError(message, reason=row.reason, code=code)
        case Actor.TIME:
            pause = retry_after
            if pause is None and row.reason is Reason.RATE_LIMITED:
                pause = RATE_LIMIT_PAUSE
            return TransientError(message, retry_after=pause, reason=row.reason, code=code)


@contextmanager
def probing() -> Iterator[None]:
    """While an Issuer is probed no Certificate is at fault: what the CA refuses is then the Issuer's affair."""
    try:
        yield
    except RejectedError as error:
        raise IssuerError(error.message, reason=Reason.INVALID_CONFIGURATION, code=error.code) from error
