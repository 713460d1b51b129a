"""Everything that can be raised has a row, and the rows say who must act."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from certwright.issuers.cmp.failures import FACTS, FAILURES, Asked, judged
from certwright.issuers.cmp.record import Origin
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.cmp import (
    BadSignature,
    CentralKeyFailed,
    CMPError,
    ErrorMessage,
    FailInfo,
    MalformedAnswer,
    PKIStatus,
    Refusal,
    Rejection,
    StatusInfo,
    UnexpectedBody,
    Unprotected,
    UntrustedSigner,
    WrongMAC,
    WrongNonce,
    WrongProtection,
)
from certwright.protocols.transport import ConnectionFailed, ServerNotVerified, TimedOut

MINUTE = timedelta(minutes=1)


def family(kind: type[CMPError]) -> Iterator[type[CMPError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


def test_every_fail_info_has_a_row() -> None:
    assert set(FailInfo) == set(FAILURES)
    assert len(FAILURES) == 27


def test_every_fact_has_a_row() -> None:
    assert set(family(CMPError)) == set(FACTS)


def judge(error: Exception, *, origin: Origin = Origin.ISSUER, is_ambiguous: bool = False) -> EnrolmentError:
    asked = Asked(server="ca.test", what="the request", origin=origin, is_ambiguous=is_ambiguous)
    with pytest.raises(EnrolmentError) as caught, judged(asked):
        raise error
    return caught.value


def refusal(*infos: FailInfo, authenticated: bool = True, text: str = "no") -> Refusal:
    return Rejection(
        StatusInfo(status=PKIStatus.REJECTION, texts=(text,), fail_info=infos), authenticated=authenticated
    )


@pytest.mark.parametrize("info", FailInfo)
def test_nothing_that_is_unprotected_is_a_rejection(info: FailInfo) -> None:
    for origin in Origin:
        found = judge(refusal(info, authenticated=False), origin=origin)
        assert isinstance(found, TransientError)
        assert found.retry_after == MINUTE
        assert "[unauthenticated]" in found.message


@pytest.mark.parametrize("kind", [kind for kind in FACTS if not issubclass(kind, Refusal)])
def test_nothing_that_anybody_can_cause_is_a_rejection(kind: type[CMPError]) -> None:
    error = UnexpectedBody("ip", expected="cp") if kind is UnexpectedBody else kind("x")
    is_after_a_grant = kind.__name__ in {"CentralKeyFailed", "WrongKey"}
    assert isinstance(judge(error), RejectedError) is is_after_a_grant


@pytest.mark.parametrize(
    ("error", "expected", "reason"),
    [
        pytest.param(refusal(FailInfo.BAD_ALG), RejectedError, Reason.REJECTED, id="badAlg"),
        pytest.param(
            refusal(FailInfo.BAD_MESSAGE_CHECK), IssuerError, Reason.INVALID_CREDENTIALS, id="badMessageCheck"
        ),
        pytest.param(refusal(FailInfo.BAD_TIME), TransientError, Reason.UNREACHABLE, id="badTime"),
        pytest.param(refusal(FailInfo.SYSTEM_FAILURE), TransientError, Reason.UNREACHABLE, id="systemFailure"),
        pytest.param(refusal(FailInfo.WRONG_AUTHORITY), IssuerError, Reason.INVALID_CONFIGURATION, id="wrongAuthority"),
        pytest.param(refusal(FailInfo.DUPLICATE_CERT_REQ), RejectedError, Reason.REJECTED, id="duplicateCertReq"),
        pytest.param(refusal(), RejectedError, Reason.REJECTED, id="no failInfo"),
        pytest.param(
            refusal(FailInfo.SYSTEM_FAILURE, FailInfo.NOT_AUTHORIZED), RejectedError, Reason.REJECTED, id="several"
        ),
        pytest.param(MalformedAnswer("x"), TransientError, Reason.UNREACHABLE, id="malformed"),
        pytest.param(WrongNonce("x"), TransientError, Reason.UNREACHABLE, id="nonce"),
        pytest.param(Unprotected("x"), TransientError, Reason.UNREACHABLE, id="unprotected"),
        pytest.param(WrongProtection("x"), TransientError, Reason.UNREACHABLE, id="wrong protection"),
        pytest.param(BadSignature("x"), TransientError, Reason.UNREACHABLE, id="bad signature"),
        pytest.param(WrongMAC("x"), IssuerError, Reason.INVALID_CREDENTIALS, id="wrong MAC"),
        pytest.param(UntrustedSigner("x"), IssuerError, Reason.INVALID_CONFIGURATION, id="untrusted signer"),
        pytest.param(CentralKeyFailed("x"), RejectedError, Reason.UNEXPECTED_CERTIFICATE, id="central key"),
        pytest.param(TimedOut("x"), TransientError, Reason.UNREACHABLE, id="no answer"),
        pytest.param(ServerNotVerified("x"), IssuerError, Reason.UNREACHABLE, id="TLS"),
    ],
)
def test_who_must_act(error: Exception, expected: type[EnrolmentError], reason: Reason) -> None:
    found = judge(error)
    assert (type(found), found.reason) == (expected, reason)


@pytest.mark.parametrize("info", [FailInfo.BAD_MESSAGE_CHECK, FailInfo.SIGNER_NOT_TRUSTED, FailInfo.WRONG_INTEGRITY])
@pytest.mark.parametrize(
    ("origin", "expected", "is_used"),
    [
        (Origin.ISSUER, IssuerError, None),
        (Origin.CERTIFICATE, RejectedError, True),
        (Origin.CURRENT, RejectedError, False),
    ],
    ids=str,
)
def test_a_credential_is_its_owners_affair(
    info: FailInfo,
    origin: Origin,
    expected: type[EnrolmentError],
    is_used: bool | None,  # noqa: FBT001 - a row of the table
) -> None:
    found = judge(refusal(info), origin=origin)
    assert type(found) is expected
    assert getattr(found, "is_credential_used", None) is is_used


def test_a_refusal_says_what_the_ca_said_and_what_to_do() -> None:
    status = StatusInfo(
        status=PKIStatus.REJECTION, texts=("unknown name",), fail_info=(FailInfo.BAD_CERT_TEMPLATE,), unknown_bits=(40,)
    )
    found = judge(ErrorMessage(status, authenticated=True, error_code=7, details=("see the log",)))
    assert found.message == (
        "ca.test refused the request: unknown name (badCertTemplate, failInfo bit 40); error code 7; see the log. See"
        " which names, keys and usages this CA allows."
    )
    assert found.code == "badCertTemplate"


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        pytest.param(TimedOut("x"), MINUTE, id="timed out"),
        pytest.param(ConnectionFailed("x", is_unsent=True), None, id="never sent"),
        pytest.param(MalformedAnswer("x"), MINUTE, id="malformed"),
        pytest.param(refusal(FailInfo.SYSTEM_UNAVAIL), MINUTE, id="busy"),
    ],
)
def test_what_may_have_been_granted_is_asked_for_again_a_minute_later(
    error: Exception, pause: timedelta | None
) -> None:
    found = judge(error, is_ambiguous=True)
    assert isinstance(found, TransientError)
    assert found.retry_after == pause


@pytest.mark.parametrize("kind", [WrongMAC, UntrustedSigner])
@pytest.mark.parametrize("origin", Origin)
def test_what_the_issuer_has_to_mend_may_have_been_granted_too(kind: type[CMPError], origin: Origin) -> None:
    found = judge(kind("x"), origin=origin, is_ambiguous=True)
    assert isinstance(found, TransientError)
    assert found.retry_after == MINUTE
    assert found.reason in {Reason.INVALID_CREDENTIALS, Reason.INVALID_CONFIGURATION}
