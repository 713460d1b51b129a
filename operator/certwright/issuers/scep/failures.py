"""Who must act on what went wrong: the one table from SCEP's facts to the domain's three errors.

Only `Failure` and `AnotherKey` were said by the CA in a message that verified. Anybody on the way can cause each of the
others, so that none of them may cost the staged key. An authenticated refusal ends its transaction (RFC 8894 §2.5.1):
the same request would get the same answer, so that the record is dropped even where the issuer's author has to act.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from certwright.issuers.judging import AMBIGUOUS_PAUSE, Actor, Place, Row, judge, judge_transport
from certwright.model.errors import EnrolmentError
from certwright.model.reasons import Reason
from certwright.protocols.scep import (
    AnotherKey,
    ChallengeNeeded,
    FailInfo,
    Failure,
    MalformedAnswer,
    SCEPError,
    Unauthenticated,
    Undecryptable,
    UntrustedAuthority,
    WeakAnswer,
)
from certwright.protocols.transport import TransportError, shown

PLACE = Place(field="scep.url", what="the URL of a SCEP server")

FAILURES: Mapping[FailInfo, Row] = {
    FailInfo.BAD_ALG: Row(
        Actor.CERTIFICATE,
        Reason.REJECTED,
        "See which algorithms the CA takes: an old one may need scep.legacyAlgorithms.send on the issuer, and many"
        " take RSA keys only.",
    ),
    FailInfo.BAD_MESSAGE_CHECK: Row(
        Actor.CERTIFICATE,
        Reason.REJECTED,
        "The CA does not trust what signed the request, or does not read its algorithms: see"
        " scep.legacyAlgorithms.send, and scep.renewalOperation if this was a renewal.",
    ),
    FailInfo.BAD_REQUEST: Row(
        Actor.CERTIFICATE,
        Reason.REJECTED,
        "See that the challenge is right and not used yet, that a renewal has one if the CA wants it"
        " (scep.challengeOnRenewal), and that the CA issues for these names.",
    ),
    # Nothing that is staged is at fault: once a clock is set right, the same request is good.
    FailInfo.BAD_TIME: Row(Actor.TIME, Reason.UNREACHABLE, "See that the clocks of both sides are right."),
    FailInfo.BAD_CERT_ID: Row(
        Actor.CERTIFICATE, Reason.REJECTED, "The CA does not know the transaction or the certificate any more."
    ),
}
UNKNOWN_FAILURE = Row(Actor.CERTIFICATE, Reason.REJECTED, "The log of the CA may say why.")

FACTS: Mapping[type[SCEPError], Row] = {
    AnotherKey: Row(Actor.CERTIFICATE, Reason.UNEXPECTED_CERTIFICATE, "Have the CA corrected."),
    WeakAnswer: Row(Actor.ISSUER, Reason.INVALID_CONFIGURATION),
    UntrustedAuthority: Row(
        Actor.ISSUER,
        Reason.INVALID_CONFIGURATION,
        "Compare scep.caFingerprintSHA256 with what the CA's operator tells you, and see that scep.caIdentifier names"
        " the right CA.",
    ),
    Unauthenticated: Row(
        Actor.TIME, Reason.UNREACHABLE, "If it stays so, see that nothing on the way alters messages."
    ),
    Undecryptable: Row(
        Actor.ISSUER,
        Reason.INVALID_CONFIGURATION,
        "Old servers do that to requests in AES: try DES3 and SHA-1 in scep.legacyAlgorithms.send.",
    ),
    ChallengeNeeded: Row(
        Actor.ISSUER,
        Reason.INVALID_CONFIGURATION,
        "The CA's key is none for encryption, so that a challenge must serve as one: set scep.challenge.",
    ),
    MalformedAnswer: Row(Actor.TIME, Reason.UNREACHABLE, "See that scep.url is the URL of a SCEP server."),
}


@contextmanager
def judged(server: str, what: str, *, is_ambiguous: bool = False, is_credential_used: bool = False) -> Iterator[None]:
    """Turn what the SCEP client raises into an `EnrolmentError`; ``what`` is "the enrolment request".

    ``is_ambiguous`` is for a request that the CA may have granted without our knowing.
    """
    try:
        yield
    except Failure as failure:
        raise judge_failure(failure, server, what, is_credential_used=is_credential_used) from failure
    except SCEPError as error:
        raise judge_fact(
            error, server, what, is_ambiguous=is_ambiguous, is_credential_used=is_credential_used
        ) from error
    except TransportError as error:
        raise judge_transport(error, f"{what} got no answer", PLACE, is_ambiguous=is_ambiguous) from error


def judge_failure(failure: Failure, server: str, what: str, *, is_credential_used: bool = False) -> EnrolmentError:
    """The error for a refusal of the CA's."""
    info = failure.fail_info
    row = FAILURES[info] if info is not None else UNKNOWN_FAILURE
    word = info.word if info is not None else "no failInfo"
    said = f"{word}: {failure.text.rstrip('.')}" if failure.text else word
    message = shown(f"{server} refused {what} ({said}). {row.remedy}")
    code = info.word if info is not None else ""
    pause = AMBIGUOUS_PAUSE if row.actor is Actor.TIME else None
    return judge(row, message, retry_after=pause, code=code, is_credential_used=is_credential_used)


def judge_fact(
    error: SCEPError, server: str, what: str, *, is_ambiguous: bool, is_credential_used: bool = False
) -> EnrolmentError:
    """The error for an answer that cannot be used, or a request that cannot be made."""
    if isinstance(error, WeakAnswer):
        return judge(FACTS[WeakAnswer], weak_answer(error, server))
    row = next(FACTS[kind] for kind in type(error).__mro__ if kind in FACTS)
    message = shown(f"{server}, asked for {what}: {str(error).rstrip('.')}. {row.remedy}")
    pause = AMBIGUOUS_PAUSE if is_ambiguous and row.actor is Actor.TIME else None
    return judge(row, message, retry_after=pause, is_credential_used=is_credential_used)


def weak_answer(error: WeakAnswer, server: str) -> str:
    """Which names to add to the issuer, if the server cannot do better."""
    names = " and ".join(str(name) for name in error.names)
    return (
        f"{server} answers with {names}, which certwright accepts only where it is told to: let the server use AES and"
        f" SHA-256, or add {names} to scep.legacyAlgorithms.accept."
    )
