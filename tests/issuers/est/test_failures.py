"""Everything that can be raised has a row, and the rows say who must act."""

from datetime import timedelta

import pytest

from certwright.issuers.est.failures import FAIL_INFOS, Asked, judged
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.est import (
    AuthenticationRequired,
    ESTError,
    FingerprintMismatch,
    MalformedAnswer,
    NoChannelBinding,
    Operation,
    Refused,
)
from certwright.protocols.est.cmc import FAIL_INFO
from certwright.protocols.transport import (
    ClientCertificateRefused,
    ConnectionFailed,
    ServerNotVerified,
    TransportError,
    UnusableIdentity,
    UnusableTrust,
)

QUESTION = Asked(server="est.test", what="its CA certificates")
REQUEST = Asked(server="est.test", what="the request", operation=Operation.SIMPLEENROLL)
OWN = Asked(server="est.test", what="the request", operation=Operation.SIMPLEENROLL, has_own_credential=True)
MINUTE = timedelta(minutes=1)


def judge(asked: Asked, error: Exception) -> EnrolmentError:
    with pytest.raises(EnrolmentError) as caught, judged(asked):
        raise error
    return caught.value


def test_every_failure_of_cmc_has_a_row() -> None:
    assert set(FAIL_INFO.values()) == set(FAIL_INFOS)


def test_every_exception_of_est_is_judged() -> None:
    made: list[ESTError] = [
        Refused(400, "no"),
        AuthenticationRequired(("basic",), was_refused=True),
        MalformedAnswer("it is broken"),
        NoChannelBinding("TLS 1.3"),
        FingerprintMismatch("None has it"),
    ]
    assert {type(error) for error in made} >= {kind for kind in ESTError.__subclasses__() if "est" in kind.__module__}
    for error in made:
        assert judge(REQUEST, error).message


@pytest.mark.parametrize(
    ("fail_info", "expected", "reason"),
    [
        pytest.param("badRequest", RejectedError, Reason.REJECTED, id="bad request"),
        pytest.param("badAlg", RejectedError, Reason.REJECTED, id="bad algorithm"),
        pytest.param("popRequired", IssuerError, Reason.INVALID_CONFIGURATION, id="binding required"),
        pytest.param("authDataFail", IssuerError, Reason.INVALID_CREDENTIALS, id="credential"),
        pytest.param("tryLater", TransientError, Reason.RATE_LIMITED, id="later"),
        pytest.param("internalCAError", TransientError, Reason.UNREACHABLE, id="the CA's fault"),
        pytest.param("failInfo 99", RejectedError, Reason.REJECTED, id="unknown"),
    ],
)
def test_a_cmc_failure_says_more_than_its_status(
    fail_info: str, expected: type[EnrolmentError], reason: Reason
) -> None:
    error = judge(REQUEST, Refused(400, "the CA said so", fail_info=fail_info))
    assert (type(error), error.reason) == (expected, reason)
    assert f"{fail_info}: the CA said so" in error.message


@pytest.mark.parametrize(
    ("asked", "error", "expected", "reason"),
    [
        pytest.param(
            QUESTION,
            AuthenticationRequired(("basic", "digest"), was_refused=False),
            IssuerError,
            Reason.INVALID_CREDENTIALS,
            id="no credential",
        ),
        pytest.param(
            OWN,
            AuthenticationRequired(("negotiate",), was_refused=False),
            IssuerError,
            Reason.INVALID_CREDENTIALS,
            id="no credential for this scheme",
        ),
        pytest.param(
            OWN,
            AuthenticationRequired(("basic",), was_refused=True),
            RejectedError,
            Reason.INVALID_CREDENTIALS,
            id="the Certificate's own",
        ),
        pytest.param(
            OWN,
            Refused(403, "no", fail_info="authDataFail"),
            RejectedError,
            Reason.INVALID_CREDENTIALS,
            id="the Certificate's own over CMC",
        ),
        pytest.param(
            REQUEST,
            ClientCertificateRefused("est.test: unknown CA"),
            IssuerError,
            Reason.INVALID_CREDENTIALS,
            id="the client certificate",
        ),
        pytest.param(REQUEST, UnusableIdentity("no"), IssuerError, Reason.INVALID_CREDENTIALS, id="unusable identity"),
        pytest.param(REQUEST, UnusableTrust("no"), IssuerError, Reason.INVALID_CONFIGURATION, id="unusable roots"),
        pytest.param(REQUEST, ServerNotVerified("no"), IssuerError, Reason.UNREACHABLE, id="unverified server"),
    ],
)
def test_credentials_and_trust_are_for_whoever_gave_them(
    asked: Asked, error: Exception, expected: type[EnrolmentError], reason: Reason
) -> None:
    found = judge(asked, error)
    assert (type(found), found.reason) == (expected, reason)


@pytest.mark.parametrize(
    ("error", "asked", "pause"),
    [
        pytest.param(ConnectionFailed("reset"), REQUEST, MINUTE, id="a lost answer to a request"),
        pytest.param(ConnectionFailed("reset"), QUESTION, None, id="a lost answer to a question"),
        pytest.param(ConnectionFailed("refused", is_unsent=True), REQUEST, None, id="a request that was not sent"),
        pytest.param(MalformedAnswer("broken"), REQUEST, MINUTE, id="an unreadable certificate"),
        pytest.param(MalformedAnswer("broken"), QUESTION, None, id="an unreadable answer"),
        pytest.param(Refused(500, "oops"), REQUEST, MINUTE, id="a fault over a request"),
        pytest.param(Refused(500, "oops"), QUESTION, None, id="a fault over a question"),
        pytest.param(Refused(500, "oops", retry_after=5 * MINUTE), REQUEST, 5 * MINUTE, id="the server's own wish"),
    ],
)
def test_what_may_have_been_granted_is_asked_for_again_no_sooner_than_after_a_minute(
    error: ESTError | TransportError, asked: Asked, pause: timedelta | None
) -> None:
    found = judge(asked, error)
    assert isinstance(found, TransientError)
    assert found.retry_after == pause


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_url_without_an_est_server_is_the_issuers_and_a_missing_key_generation_the_certificates(status: int) -> None:
    missing = Refused(status, "")
    asked = Asked(server="est.test", what="the request", operation=Operation.SERVERKEYGEN)
    assert judge(REQUEST, missing).reason is Reason.INVALID_CONFIGURATION
    assert isinstance(judge(asked, missing), RejectedError)


def test_a_message_says_who_refused_what_and_what_to_do() -> None:
    error = judge(REQUEST, Refused(403, "The name is taken."))
    assert error.message == (
        "est.test refused the request (HTTP status 403): The name is taken. See that the CA allows these names to"
        " whoever this issuer's credential is."
    )
    assert error.code == "403"
