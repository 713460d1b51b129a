"""Everything that can be raised has a row, and the rows say who must act."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from certwright.issuers.acme.failures import PROBLEMS, judge_problem, judged
from certwright.issuers.judging import TRANSPORT, probing
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.acme import ErrorType, MalformedAnswer, Problem, ProblemDocument
from certwright.protocols.transport import TransportError, UnexpectedStatus


def family(kind: type[TransportError]) -> Iterator[type[TransportError]]:
    for child in kind.__subclasses__():
        yield child
        yield from family(child)


def test_every_error_type_of_acme_has_a_row() -> None:
    assert set(ErrorType) == set(PROBLEMS)


def test_every_failure_of_the_transport_has_a_row() -> None:
    assert set(family(TransportError)) == set(TRANSPORT)


@pytest.mark.parametrize(
    ("kind", "status", "expected", "reason"),
    [
        pytest.param("rejectedIdentifier", 403, RejectedError, Reason.REJECTED, id="name refused"),
        pytest.param("badCSR", 400, RejectedError, Reason.REJECTED, id="bad CSR"),
        pytest.param("caa", 403, RejectedError, Reason.REJECTED, id="CAA"),
        pytest.param("accountDoesNotExist", 400, IssuerError, Reason.INVALID_CREDENTIALS, id="account gone"),
        pytest.param("externalAccountRequired", 403, IssuerError, Reason.INVALID_CONFIGURATION, id="binding needed"),
        pytest.param("userActionRequired", 403, IssuerError, Reason.INVALID_CONFIGURATION, id="user must act"),
        pytest.param("unauthorized", 401, IssuerError, Reason.INVALID_CREDENTIALS, id="account deactivated"),
        pytest.param("badNonce", 400, TransientError, Reason.UNREACHABLE, id="nonce"),
        pytest.param("serverInternal", 500, TransientError, Reason.UNREACHABLE, id="server's fault"),
        pytest.param("rateLimited", 429, TransientError, Reason.RATE_LIMITED, id="rate limit"),
        pytest.param("malformed", 429, TransientError, Reason.RATE_LIMITED, id="rate limit under another name"),
        pytest.param("malformed", 400, RejectedError, Reason.REJECTED, id="malformed"),
        pytest.param("malformed", 503, TransientError, Reason.UNREACHABLE, id="overloaded"),
        pytest.param("strange", 400, RejectedError, Reason.REJECTED, id="unknown refusal"),
        pytest.param("strange", 500, TransientError, Reason.UNREACHABLE, id="unknown failure"),
        pytest.param("strange", None, TransientError, Reason.UNREACHABLE, id="unknown altogether"),
    ],
)
def test_a_problem_is_for_whoever_can_act(
    kind: str, status: int | None, expected: type[EnrolmentError], reason: Reason
) -> None:
    document = ProblemDocument(type=ErrorType(kind), type_uri=f"urn:ietf:params:acme:error:{kind}", status=status)
    error = judge_problem(document, "acme.test refused the order")
    assert (type(error), error.reason, error.code) == (expected, reason, kind)


def test_a_message_holds_what_the_ca_said_what_to_do_and_where_to_read() -> None:
    document = ProblemDocument(
        type=ErrorType.CAA,
        type_uri="urn:ietf:params:acme:error:caa",
        detail="CAA record for shop.test prevents issuance.",
        status=403,
        help_url="https://acme.test/caa",
    )
    assert judge_problem(document, "acme.test refused the order").message == (
        "acme.test refused the order: CAA record for shop.test prevents issuance. (caa)."
        " Allow this CA in the CAA records of the domain. See https://acme.test/caa"
    )


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param(timedelta(seconds=30), timedelta(seconds=30), id="the server's wish"),
        pytest.param(None, timedelta(minutes=10), id="long where the server says nothing"),
    ],
)
def test_a_rate_limit_is_waited_out(wish: timedelta | None, expected: timedelta) -> None:
    document = ProblemDocument(type=ErrorType.RATE_LIMITED, status=429, retry_after=wish)
    error = judge_problem(document, "acme.test refused the order")
    assert isinstance(error, TransientError)
    assert error.retry_after == expected


@pytest.mark.parametrize("kind", TRANSPORT, ids=lambda kind: kind.__name__)
def test_no_failure_of_the_transport_throws_staged_data_away(kind: type[TransportError]) -> None:
    error = kind.__new__(kind)
    TransportError.__init__(error, "acme.test: no luck")
    if isinstance(error, UnexpectedStatus):
        error.status = 502
    told = pytest.raises((TransientError, IssuerError), match=r"^The order got no answer: acme\.test: no luck\.")
    with told, judged("acme.test", "the order"):
        raise error


def overloaded(status: int, wish: timedelta | None) -> UnexpectedStatus:
    return UnexpectedStatus("acme.test", status=status, media_type="text/html", length=9, retry_after=wish)


@pytest.mark.parametrize(
    ("error", "reason", "wait"),
    [
        pytest.param(overloaded(429, None), Reason.RATE_LIMITED, timedelta(minutes=10), id="too many requests"),
        pytest.param(overloaded(503, timedelta(5)), Reason.RATE_LIMITED, timedelta(5), id="come back later"),
        pytest.param(overloaded(503, None), Reason.UNREACHABLE, None, id="down"),
    ],
)
def test_an_overloaded_server_is_obeyed(error: UnexpectedStatus, reason: Reason, wait: timedelta | None) -> None:
    with pytest.raises(TransientError) as caught, judged("acme.test", "the order"):
        raise error
    assert (caught.value.reason, caught.value.retry_after, caught.value.code) == (reason, wait, str(error.status))


def test_an_answer_that_is_not_acme_is_transient() -> None:
    told = pytest.raises(TransientError, match=r"acme\.test gave an answer to the order that is not ACME: no status")
    with told, judged("acme.test", "the order"):
        raise MalformedAnswer("no status")


def test_a_probe_blames_no_certificate() -> None:
    problem = Problem(ProblemDocument(type=ErrorType.MALFORMED, type_uri="malformed", status=400))
    with pytest.raises(IssuerError) as caught, probing(), judged("acme.test", "the account"):
        raise problem
    assert caught.value.reason is Reason.INVALID_CONFIGURATION
