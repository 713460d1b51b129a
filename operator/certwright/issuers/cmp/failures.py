"""Who must act on what went wrong over CMP: the one table from its facts to the domain's three errors.

Everything that the CMP client raises passes through `judged`. Only a refusal whose protection verified was said by the
CA, and only that may become a `RejectedError` and spend a Certificate's own secret. An unprotected one, which some CAs
send and ``interop.allowUnprotectedErrors`` lets through, is shown. What may have been granted all the same is asked for
again only after as long as has been waited already: each attempt may be another certificate.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from certwright.issuers.cmp.record import Origin
from certwright.issuers.judging import AMBIGUOUS_PAUSE, Actor, Place, Row, judge, judge_transport
from certwright.model.errors import EnrolmentError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.cmp import (
    BadSignature,
    CentralKeyFailed,
    CMPError,
    ErrorMessage,
    FailInfo,
    MalformedAnswer,
    Mismatch,
    ProtectionFailed,
    Refusal,
    Rejection,
    UnexpectedBody,
    Unprotected,
    UntrustedSigner,
    UntrustedUpdate,
    WrongCertReqId,
    WrongKey,
    WrongMAC,
    WrongNonce,
    WrongProtection,
    WrongSender,
    WrongTransaction,
    WrongVersion,
)
from certwright.protocols.transport import TransportError, shown

PLACE = Place(field="cmp.url", what="the URL of a CMP server, its path included")
LONGEST_PAUSE = timedelta(hours=1)
"""Between two attempts at a CA whose answers do not count."""

_ASK = "See which names, keys and usages this CA allows."
_CREDENTIALS = "See that reference and secret, or the certificate, of cmp.protection are those that the CA knows."
_LATER = Row(Actor.TIME, Reason.UNREACHABLE)

FAILURES: Mapping[FailInfo, Row] = {
    FailInfo.BAD_ALG: Row(
        Actor.CERTIFICATE,
        Reason.REJECTED,
        "Choose a privateKey and a signatureAlgorithm that this CA takes, and see algorithm and hash of"
        " cmp.protection.mac on the issuer.",
    ),
    FailInfo.BAD_MESSAGE_CHECK: Row(Actor.ISSUER, Reason.INVALID_CREDENTIALS, _CREDENTIALS),
    FailInfo.BAD_REQUEST: Row(
        Actor.CERTIFICATE,
        Reason.REJECTED,
        "See that the CA takes this operation (cmp.initialOperation, cmp.renewalOperation) and issues for these names.",
    ),
    # Nothing that is staged is at fault: once a clock is set right, the same request is good.
    FailInfo.BAD_TIME: Row(Actor.TIME, Reason.UNREACHABLE, "See that the clocks of both sides are right."),
    FailInfo.BAD_CERT_ID: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "The CA does not know the certificate that is meant."
    ),
    FailInfo.BAD_DATA_FORMAT: Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    FailInfo.WRONG_AUTHORITY: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "See that cmp.url and cmp.recipient name the right CA."
    ),
    FailInfo.INCORRECT_DATA: Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    FailInfo.MISSING_TIME_STAMP: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "The CA wants time stamps, which CMP clients cannot give."
    ),
    FailInfo.BAD_POP: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "The CA did not accept the proof of possession: try another privateKey."
    ),
    FailInfo.CERT_REVOKED: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "The certificate was revoked, and serves for no renewal."
    ),
    FailInfo.CERT_CONFIRMED: Row(Actor.CERTIFICATE, Reason.REJECTED, "The certificate was confirmed already."),
    FailInfo.WRONG_INTEGRITY: Row(
        Actor.ISSUER,
        Reason.INVALID_CREDENTIALS,
        "The CA wants the other kind of protection: use signature in place of mac, or mac in place of signature.",
    ),
    FailInfo.BAD_RECIPIENT_NONCE: _LATER,
    FailInfo.TIME_NOT_AVAILABLE: _LATER,
    FailInfo.UNACCEPTED_POLICY: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "See that certProfile and csr.extensions ask for a policy of this CA."
    ),
    FailInfo.UNACCEPTED_EXTENSION: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "Leave out the extension, or use another issuer."
    ),
    FailInfo.ADD_INFO_NOT_AVAILABLE: _LATER,
    FailInfo.BAD_SENDER_NONCE: _LATER,
    FailInfo.BAD_CERT_TEMPLATE: Row(Actor.CERTIFICATE, Reason.REJECTED, _ASK),
    FailInfo.SIGNER_NOT_TRUSTED: Row(Actor.ISSUER, Reason.INVALID_CREDENTIALS, _CREDENTIALS),
    # The next attempt takes another one.
    FailInfo.TRANSACTION_ID_IN_USE: _LATER,
    FailInfo.UNSUPPORTED_VERSION: Row(
        Actor.ISSUER, Reason.INVALID_CONFIGURATION, "The server speaks neither version 2 nor 3 of CMP as it was asked."
    ),
    FailInfo.NOT_AUTHORIZED: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "See that the CA allows these names to whoever this issuer's credential is."
    ),
    FailInfo.SYSTEM_UNAVAIL: _LATER,
    FailInfo.SYSTEM_FAILURE: _LATER,
    # Nobody gets a second certificate for this key: a rejection has a new one made.
    FailInfo.DUPLICATE_CERT_REQ: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "The CA has issued for this key or these names already."
    ),
}
UNKNOWN_FAILURE = Row(Actor.CERTIFICATE, Reason.REJECTED, "The log of the CA may say why.")
OWN_SECRET = Row(
    Actor.CERTIFICATE,
    Reason.INVALID_CREDENTIALS,
    "Put reference and secret as the CA gave them into spec.cmp.mac and its Secret.",
)
CURRENT_CERTIFICATE = Row(
    Actor.CERTIFICATE,
    Reason.REJECTED,
    "The CA does not take the certificate that was to be renewed: the next attempt enrols anew where the issuer or the"
    " Certificate has a credential for that.",
)

_STRANGE = Row(Actor.TIME, Reason.UNREACHABLE, "If it stays so, see that nothing on the way alters messages.")

FACTS: Mapping[type[CMPError], Row] = {
    MalformedAnswer: Row(Actor.TIME, Reason.UNREACHABLE, "See that cmp.url is the URL of a CMP server."),
    Mismatch: _STRANGE,
    WrongVersion: _STRANGE,
    WrongTransaction: _STRANGE,
    WrongNonce: _STRANGE,
    WrongSender: _STRANGE,
    UnexpectedBody: _STRANGE,
    WrongCertReqId: _STRANGE,
    WrongKey: Row(Actor.CERTIFICATE, Reason.UNEXPECTED_CERTIFICATE),
    Unprotected: Row(
        Actor.TIME,
        Reason.UNREACHABLE,
        "It counts as no answer. Some CAs do not protect their errors: cmp.interop.allowUnprotectedErrors on the issuer"
        " shows what they say.",
    ),
    ProtectionFailed: _STRANGE,
    WrongProtection: _STRANGE,
    WrongMAC: Row(
        Actor.ISSUER,
        Reason.INVALID_CREDENTIALS,
        "See that the secret is the one that the CA knows under this reference.",
    ),
    BadSignature: _STRANGE,
    UntrustedSigner: Row(
        Actor.ISSUER,
        Reason.INVALID_CONFIGURATION,
        "Set cmp.trust to the CA that certifies the signer of its answers; for one that may not sign by its key usage,"
        " there is cmp.interop.ignoreKeyUsage.",
    ),
    CentralKeyFailed: Row(
        Actor.CERTIFICATE,
        Reason.UNEXPECTED_CERTIFICATE,
        "See that cmp.protection is by a secret or by an RSA or EC key, and that cmp.trust knows who makes the keys.",
    ),
    UntrustedUpdate: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION),
    CMPError: _STRANGE,
    # What the CA itself said is sorted by its failInfo.
    Refusal: UNKNOWN_FAILURE,
    Rejection: UNKNOWN_FAILURE,
    ErrorMessage: UNKNOWN_FAILURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One message, for telling what became of it; ``what`` completes "<server> refused …".

    ``is_ambiguous``: a lost answer may have been a certificate. ``waited`` is how long the request has been tried.
    """

    server: str
    what: str
    origin: Origin = Origin.ISSUER
    is_ambiguous: bool = False
    waited: timedelta = timedelta(0)

    @property
    def patience(self) -> timedelta:
        """A minute, and then as long as has been waited, so that it doubles."""
        return min(max(self.waited, AMBIGUOUS_PAUSE), LONGEST_PAUSE)

    @property
    def pause(self) -> timedelta | None:
        """The shortest time until this is tried again."""
        return self.patience if self.is_ambiguous else None


@contextmanager
def judged(asked: Asked) -> Iterator[None]:
    """Turn what the CMP client raises into an `EnrolmentError`."""
    try:
        yield
    except Refusal as refusal:
        raise judge_refusal(refusal, asked) from refusal
    except CMPError as error:
        raise judge_fact(error, asked) from error
    except TransportError as error:
        context = f"{asked.what} got no answer"
        raise judge_transport(error, context, PLACE, is_ambiguous=asked.is_ambiguous) from error


def judge_refusal(refusal: Refusal, asked: Asked) -> EnrolmentError:
    """The error for a refusal, by its failInfo if the CA has vouched for it."""
    said = f"{asked.server} refused {asked.what}: {str(refusal).rstrip('.')}."
    code = refusal.status.codes[0] if refusal.status.codes else ""
    if not refusal.authenticated:
        text = f"{said} Nobody vouches for that, so it is asked again later."
        return TransientError(shown(text), retry_after=asked.patience, code=code)
    row = row_of(refusal, asked.origin)
    pause = AMBIGUOUS_PAUSE if row.actor is Actor.TIME else None
    message = shown(f"{said} {row.remedy}".strip())
    is_used = asked.origin is Origin.CERTIFICATE
    return judge(row, message, retry_after=pause, code=code, is_credential_used=is_used)


def row_of(refusal: Refusal, origin: Origin) -> Row:
    """Of several bits the one that somebody can act on; a credential is its owner's affair."""
    rows = [FAILURES[info] for info in refusal.status.fail_info]
    order = (Actor.ISSUER, Actor.CERTIFICATE, Actor.TIME)
    row = min(rows, key=lambda one: order.index(one.actor)) if rows else UNKNOWN_FAILURE
    if row.reason is not Reason.INVALID_CREDENTIALS:
        return row
    return {Origin.ISSUER: row, Origin.CERTIFICATE: OWN_SECRET, Origin.CURRENT: CURRENT_CERTIFICATE}[origin]


def judge_fact(error: CMPError, asked: Asked) -> EnrolmentError:
    """The error for an answer that cannot be used."""
    row = next(FACTS[kind] for kind in type(error).__mro__ if kind in FACTS)
    if isinstance(error, WrongMAC) and asked.origin is Origin.CERTIFICATE:
        row = replace(row, remedy=OWN_SECRET.remedy)
    said = f"{asked.server}'s answer to {asked.what} does not count: {str(error).rstrip('.')}."
    message = shown(f"{said} {row.remedy}".strip())
    if row.actor is Actor.ISSUER and asked.is_ambiguous:
        # The CA may have granted it, and an `IssuerError` would be tried again after seconds.
        return TransientError(message, retry_after=asked.pause, reason=row.reason)
    is_used = asked.origin is Origin.CERTIFICATE
    return judge(row, message, retry_after=asked.pause, is_credential_used=is_used)
