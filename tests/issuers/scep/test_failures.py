"""Everything that can be raised has a row, and the rows say who must act."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from certwright.issuers.scep.failures import FACTS, FAILURES, judged
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.scep import (
    AnotherKey,
    ChallengeNeeded,
    FailInfo,
    Failure,
    LegacyAlgorithm,
    MalformedAnswer,
    SCEPError,
    Unauthenticated,
    Undecryptable,
    UntrustedAuthority,
    WeakAnswer,
)
from certwright.protocols.transport import TimedOut


def family(kind: type[SCEPError]) -> Iterator[type[SCEPError]]:
    for child in kind.__subclasses__():
        yield child
        yield from family(child)


def test_every_fail_info_has_a_row() -> None:
    assert set(FailInfo) == set(FAILURES)


def test_every_fact_has_a_row() -> None:
    assert set(family(SCEPError)) == {*FACTS, Failure}


def judge(error: Exception, *, is_ambiguous: bool = False, is_credential_used: bool = False) -> EnrolmentError:
    with (
        pytest.raises(EnrolmentError) as caught,
        judged("ca.test", "the request", is_ambiguous=is_ambiguous, is_credential_used=is_credential_used),
    ):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "expected", "reason"),
    [
        pytest.param(Failure(FailInfo.BAD_ALG, ""), RejectedError, Reason.REJECTED, id="badAlg"),
        pytest.param(Failure(FailInfo.BAD_MESSAGE_CHECK, ""), RejectedError, Reason.REJECTED, id="badMessageCheck"),
        pytest.param(Failure(FailInfo.BAD_REQUEST, ""), RejectedError, Reason.REJECTED, id="badRequest"),
        pytest.param(Failure(FailInfo.BAD_TIME, ""), TransientError, Reason.UNREACHABLE, id="badTime"),
        pytest.param(Failure(FailInfo.BAD_CERT_ID, ""), RejectedError, Reason.REJECTED, id="badCertId"),
        pytest.param(Failure(None, "no"), RejectedError, Reason.REJECTED, id="unknown failInfo"),
        pytest.param(WeakAnswer([LegacyAlgorithm.DES]), IssuerError, Reason.INVALID_CONFIGURATION, id="weak"),
        pytest.param(UntrustedAuthority("x"), IssuerError, Reason.INVALID_CONFIGURATION, id="not the pinned CA"),
        pytest.param(Undecryptable("x"), IssuerError, Reason.INVALID_CONFIGURATION, id="for somebody else"),
        pytest.param(ChallengeNeeded("x"), IssuerError, Reason.INVALID_CONFIGURATION, id="challenge needed"),
        pytest.param(Unauthenticated("x"), TransientError, Reason.UNREACHABLE, id="not the CA's"),
        pytest.param(AnotherKey("x"), RejectedError, Reason.UNEXPECTED_CERTIFICATE, id="another key"),
        pytest.param(MalformedAnswer("x"), TransientError, Reason.UNREACHABLE, id="malformed"),
        pytest.param(TimedOut("ca.test: no answer"), TransientError, Reason.UNREACHABLE, id="no answer"),
    ],
)
def test_who_must_act(error: Exception, expected: type[EnrolmentError], reason: Reason) -> None:
    found = judge(error)
    assert (type(found), found.reason) == (expected, reason)


def test_a_refusal_says_what_the_ca_said_and_what_to_do() -> None:
    found = judge(Failure(FailInfo.BAD_CERT_ID, "never heard of it."), is_credential_used=True)
    assert isinstance(found, RejectedError)
    assert found.is_credential_used
    assert found.code == "badCertId"
    assert found.message == (
        "ca.test refused the request (badCertId: never heard of it). The CA does not know the transaction or the"
        " certificate any more."
    )


def test_a_clock_is_given_time_to_be_set() -> None:
    found = judge(Failure(FailInfo.BAD_TIME, ""))
    assert isinstance(found, TransientError)
    assert found.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize(
    "error", [Unauthenticated("x"), MalformedAnswer("x"), TimedOut("x")], ids=["not the CA's", "malformed", "no answer"]
)
def test_what_may_have_been_granted_is_not_repeated_at_once(error: Exception) -> None:
    found = judge(error, is_ambiguous=True)
    assert isinstance(found, TransientError)
    assert found.retry_after == timedelta(minutes=1)
