"""Who must act on what went wrong over EST: the one table from its facts to the domain's three errors.

Everything that the EST client raises passes through `judged`. EST has no error codes of its own but for those of CMC:
what a refusal means is its HTTP status, and what must be told is the server's text. The answers that reach the table
came over verified TLS, so they may become a `RejectedError`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from certwright.issuers.judging import AMBIGUOUS_PAUSE, Actor, Place, Row, judge, judge_transport
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.est import (
    AuthenticationRequired,
    FingerprintMismatch,
    MalformedAnswer,
    NoChannelBinding,
    Operation,
    Refused,
)
from certwright.protocols.transport import (
    ClientCertificateRefused,
    TransportError,
    UnexpectedStatus,
    UnusableIdentity,
    UnusableTrust,
    shown,
)

PLACE = Place(field="est.url", what="an EST server's URL")

SERVER_ERRORS = 500
UNAVAILABLE = 503
UNAUTHORIZED = 401
BINDING_REMEDY = (
    "Channel binding needs TLS 1.2: have the server speak it, or set est.channelBinding to Never if the CA allows that."
)

NOT_OFFERED = frozenset({404, 405, 501})
"""The statuses of a server that has nothing under this URL."""

_ASK = "See which names, keys and usages this CA allows."
_WRONG_URL = "See that est.url and est.label are those that the CA gave you."

STATUSES: Mapping[int, Row] = {
    400: Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    401: Row(Actor.ISSUER, Reason.INVALID_CREDENTIALS),
    403: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "See that the CA allows these names to whoever this issuer's credential is."
    ),
    404: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, _WRONG_URL),
    405: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, _WRONG_URL),
    408: Row(Actor.TIME, Reason.UNREACHABLE),
    425: Row(Actor.TIME, Reason.UNREACHABLE),
    429: Row(Actor.TIME, Reason.RATE_LIMITED),
    501: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, _WRONG_URL),
}
"""HTTP statuses that say more than their hundreds do."""

OTHER_REFUSAL = Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK)
OTHER_FAILURE = Row(Actor.TIME, Reason.UNREACHABLE)
OWN_CREDENTIAL = Row(
    Actor.CERTIFICATE, Reason.INVALID_CREDENTIALS, "Put the right password into the Secret of est.password."
)
"""The Certificate's own password was refused, and not the issuer's."""

FAIL_INFOS: Mapping[str, Row] = {
    "authDataFail": Row(Actor.ISSUER, Reason.INVALID_CREDENTIALS, "See that the issuer's credentials are right."),
    "badAlg": Row(
        Actor.CERTIFICATE, Reason.REJECTED, "Choose a privateKey and a signatureAlgorithm that this CA takes."
    ),
    "badCertId": Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    "badIdentity": Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    "badMessageCheck": Row(Actor.TIME, Reason.UNREACHABLE),
    "badRequest": Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    "badTime": Row(Actor.TIME, Reason.UNREACHABLE, "See that the clocks are right."),
    "internalCAError": Row(Actor.TIME, Reason.UNREACHABLE),
    "mustArchiveKeys": Row(Actor.CERTIFICATE, Reason.REJECTED, "Set est.serverKeyGeneration, or use another issuer."),
    "noKeyReuse": Row(Actor.CERTIFICATE, Reason.REJECTED, "Set privateKey.rotationPolicy to Always."),
    "popFailed": Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    "popRequired": Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION, "Set est.channelBinding to Required."),
    "tryLater": Row(Actor.TIME, Reason.RATE_LIMITED),
    "unsupportedExt": Row(Actor.CERTIFICATE, Reason.REJECTED, "Leave out the extension, or use another issuer."),
}
"""The CMCFailInfo of a CMC response (RFC 5272 §6.1.4): where a server sends one, it knows better than HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to the server, for telling what became of it.

    ``what`` completes "<server> refused …". ``operation`` is there where a certificate is asked for: an answer that is
    lost may then have been one. ``has_own_credential`` says that the Certificate's own one-time password is sent.
    """

    server: str
    what: str
    operation: Operation | None = None
    has_own_credential: bool = False

    @property
    def is_ambiguous(self) -> bool:
        """Whether a lost answer may have been a certificate."""
        return self.operation is not None


@contextmanager
def judged(asked: Asked) -> Iterator[None]:
    """Turn what the EST client raises into an `EnrolmentError`."""
    try:
        yield
    except Refused as refused:
        raise judge_refusal(asked, refused) from refused
    except UnexpectedStatus as error:
        raise _judge_page(asked, error) from error
    except AuthenticationRequired as error:
        raise _judge_authentication(asked, error) from error
    except TransportError as error:
        raise _judge_transport(asked, error) from error
    except MalformedAnswer as error:
        said = shown(str(error)).rstrip(".")
        message = f"{asked.server} gave an answer to {asked.what} that is not EST: {said}."
        raise TransientError(message, retry_after=AMBIGUOUS_PAUSE if asked.is_ambiguous else None) from error
    except (FingerprintMismatch, NoChannelBinding, UnusableIdentity, UnusableTrust) as error:
        raise _judge_settings(asked, error) from error


def judge_refusal(asked: Asked, refused: Refused) -> EnrolmentError:
    """The error for a refusal in EST's terms."""
    said = ": ".join(part for part in (refused.fail_info, refused.text.rstrip(".")) if part)
    context = f"{asked.server} refused {asked.what} (HTTP status {refused.status})"
    row = FAIL_INFOS.get(refused.fail_info or "") or _row(asked, refused.status, refused.retry_after)
    if row.reason is Reason.INVALID_CREDENTIALS and asked.has_own_credential:
        row = OWN_CREDENTIAL
    message = _sentence(f"{context}: {said}" if said else context, row.remedy)
    return _judge(asked, row, message, status=refused.status, retry_after=refused.retry_after)


def _judge_page(asked: Asked, error: UnexpectedStatus) -> EnrolmentError:
    """Some servers dress their refusals as web pages: the status counts all the same, the page is not shown."""
    if error.status < min(STATUSES) or error.status >= SERVER_ERRORS:
        return _judge_transport(asked, error)
    row = _row(asked, error.status, error.retry_after)
    message = _sentence(f"{asked.server} refused {asked.what}: {error}", row.remedy)
    return _judge(asked, row, message, status=error.status, retry_after=error.retry_after)


def _row(asked: Asked, status: int, retry_after: timedelta | None) -> Row:
    if status in NOT_OFFERED and asked.operation is Operation.SERVERKEYGEN:
        remedy = "It makes no keys here: remove est.serverKeyGeneration, or use another issuer."
        return Row(Actor.CERTIFICATE, Reason.REJECTED, remedy)
    if status == UNAVAILABLE and retry_after is not None:
        return Row(Actor.TIME, Reason.RATE_LIMITED)
    return STATUSES.get(status, OTHER_FAILURE if status >= SERVER_ERRORS else OTHER_REFUSAL)


def _judge(asked: Asked, row: Row, message: str, *, status: int, retry_after: timedelta | None) -> EnrolmentError:
    if row.actor is Actor.TIME and row.reason is Reason.UNREACHABLE and asked.is_ambiguous:
        # A server that failed over a request may have issued before it did.
        retry_after = max(retry_after or AMBIGUOUS_PAUSE, AMBIGUOUS_PAUSE)
    return judge(row, message, retry_after=retry_after, code=str(status), is_credential_used=asked.has_own_credential)


def _judge_authentication(asked: Asked, error: AuthenticationRequired) -> EnrolmentError:
    code = str(UNAUTHORIZED)
    schemes = ", ".join(error.schemes) or "an unknown kind of"
    if not error.was_refused:
        message = (
            f"{asked.server} asks for {shown(schemes, 100)} authentication for {asked.what}, and there is no credential"
            " for it: set est.auth of the issuer, or est.password of the Certificate."
        )
        return IssuerError(message, reason=Reason.INVALID_CREDENTIALS, code=code)
    if asked.has_own_credential:
        row = OWN_CREDENTIAL
        message = f"{asked.server} does not accept the Certificate's own password. {row.remedy}"
        return judge(row, message, code=code, is_credential_used=True)
    message = f"{asked.server} does not accept the issuer's credential for {asked.what}: correct est.auth."
    return IssuerError(message, reason=Reason.INVALID_CREDENTIALS, code=code)


def _judge_transport(asked: Asked, error: TransportError) -> EnrolmentError:
    if isinstance(error, ClientCertificateRefused):
        message = (
            f"{asked.what[:1].upper()}{asked.what[1:]} got no answer: {error}. Correct est.auth.clientCertificate."
        )
        return IssuerError(shown(message), reason=Reason.INVALID_CREDENTIALS)
    return judge_transport(error, f"{asked.what} got no answer", PLACE, is_ambiguous=asked.is_ambiguous)


def _judge_settings(asked: Asked, error: Exception) -> IssuerError:
    """What the issuer's own settings make impossible."""
    match error:
        case FingerprintMismatch():
            text = f"{asked.server}: {error}. Correct est.bootstrap.fingerprintSHA256"
            text += ", and see that nobody stands between this cluster and the server."
        case NoChannelBinding():
            text = f"{asked.server}: {error}. {BINDING_REMEDY}"
        case UnusableIdentity():
            return IssuerError(f"est.auth.clientCertificate: {error}", reason=Reason.INVALID_CREDENTIALS)
        case _:
            text = f"tls: {error}"
    return IssuerError(shown(text), reason=Reason.INVALID_CONFIGURATION)


def _sentence(said: str, remedy: str) -> str:
    return shown(" ".join(filter(None, (f"{said.rstrip('.')}.", remedy))))
