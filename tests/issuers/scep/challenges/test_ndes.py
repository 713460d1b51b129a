"""Getting at NDES's page: Basic, NTLM, and all that stands in the way."""

import asyncio
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.issuers.scep.challenges import Purpose
from certwright.issuers.scep.challenges.ndes import Account, NDESSource, offered_schemes
from certwright.issuers.scep.challenges.ntlm import Handshake, HandshakeFailed, endpoint_binding
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.ndes import FORBIDDEN_PAGE, FULL_PAGE, FakeNDES
from tests.issuers.scep.conftest import Stage


@pytest.fixture
def ndes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeNDES:
    fake = FakeNDES()
    users = tmp_path / "users"
    users.write_text(f"CORP:ra:{fake.password}\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    return fake


@pytest.fixture
def purpose(stage: Stage) -> Purpose:
    return Purpose(request=stage.request(), operation="PKCSReq")


def source(stage: Stage, ndes: FakeNDES, **account: str) -> NDESSource:
    reader = Account(**{"username": ndes.username, "password": ndes.password, **account})
    http = httpx.AsyncClient(transport=httpx.MockTransport(ndes.handle))
    return NDESSource(FakeNDES.url, reader, http=http, clock=stage.clock.now)


BASIC, NTLM = ['Basic realm="ndes.test"'], ["Negotiate", "NTLM"]


@pytest.mark.parametrize(
    ("schemes", "requests"),
    [
        pytest.param([], 1, id="open"),
        pytest.param(BASIC, 2, id="Basic"),
        pytest.param(NTLM, 3, id="NTLM"),
        pytest.param([*NTLM, *BASIC], 3, id="NTLM before Basic"),
        pytest.param(["Negotiate, NTLM"], 3, id="in one header"),
    ],
)
async def test_the_page_is_read_with_what_the_server_offers(
    stage: Stage, ndes: FakeNDES, purpose: Purpose, schemes: list[str], requests: int
) -> None:
    ndes.schemes = schemes if schemes != ["Negotiate, NTLM"] else NTLM
    fetched = await source(stage, ndes).fetch(purpose)
    assert [fetched.value] == ndes.issued
    assert len(ndes.requests) == requests


async def test_handshakes_do_not_mix(stage: Stage, ndes: FakeNDES, purpose: Purpose) -> None:
    ndes.schemes = NTLM
    one = source(stage, ndes)
    fetched = await asyncio.gather(*(one.fetch(purpose) for _ in range(4)))
    assert sorted(each.value for each in fetched) == ndes.issued


@pytest.mark.parametrize("schemes", [pytest.param(BASIC, id="Basic"), pytest.param(NTLM, id="NTLM")])
async def test_a_wrong_password_is_the_issuers_affair(
    stage: Stage, ndes: FakeNDES, purpose: Purpose, schemes: list[str]
) -> None:
    ndes.schemes = schemes
    with pytest.raises(IssuerError, match="credentialsSecretRef") as caught:
        await source(stage, ndes, password="wrong secret").fetch(purpose)
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
    assert "wrong secret" not in caught.value.message


async def test_a_server_that_wants_kerberos_is_told_what_certwright_knows(
    stage: Stage, ndes: FakeNDES, purpose: Purpose
) -> None:
    ndes.schemes = ["Negotiate"]
    with pytest.raises(IssuerError, match="offers negotiate to authenticate with, and certwright knows NTLM and Basic"):
        await source(stage, ndes).fetch(purpose)


@pytest.mark.parametrize(
    ("page", "status", "expected", "reason", "text"),
    [
        pytest.param(FULL_PAGE, 200, TransientError, Reason.RATE_LIMITED, "maxOutstanding", id="cache full"),
        pytest.param(FORBIDDEN_PAGE, 200, IssuerError, Reason.INVALID_CREDENTIALS, "permission", id="no permission"),
        pytest.param("Hello", 200, TransientError, Reason.UNREACHABLE, "without a challenge", id="another page"),
        pytest.param("No", 403, IssuerError, Reason.INVALID_CREDENTIALS, "account", id="forbidden"),
        pytest.param("Gone", 404, TransientError, Reason.UNREACHABLE, "HTTP status 404", id="not found"),
        pytest.param("Broken", 500, TransientError, Reason.UNREACHABLE, "HTTP status 500", id="broken"),
        pytest.param("x" * 70_000, 200, TransientError, Reason.UNREACHABLE, "longer than", id="too long"),
    ],
)
async def test_a_page_without_a_challenge(  # noqa: PLR0917 - two fixtures, and a row of the table
    stage: Stage,
    ndes: FakeNDES,
    purpose: Purpose,
    page: str,
    status: int,
    expected: type[EnrolmentError],
    reason: Reason,
    text: str,
) -> None:
    ndes.page, ndes.status = page, status
    with pytest.raises(expected, match=text) as caught:
        await source(stage, ndes).fetch(purpose)
    assert caught.value.reason is reason


async def test_a_handshake_that_breaks_off_is_tried_again_later(stage: Stage, ndes: FakeNDES, purpose: Purpose) -> None:
    ndes.schemes = NTLM
    ndes._step = lambda token: httpx.Response(401)  # type: ignore[method-assign]  # noqa: ARG005 - the fake's signature
    with pytest.raises(TransientError, match="did not go on with the handshake"):
        await source(stage, ndes).fetch(purpose)


@pytest.mark.parametrize("token", ["NTLM", "NTLM !!!", "NTLM AAAA", "NTLM " + "A" * 4000, "Basic realm=x"])
def test_a_challenge_that_is_none_ends_the_handshake(token: str) -> None:
    handshake = Handshake("CORP\\ra", "hidden", host="ndes.test")
    handshake.begin()
    with pytest.raises(HandshakeFailed) as caught:
        handshake.answer([token])
    assert "hidden" not in str(caught.value)


async def test_over_tls_the_handshake_is_bound_to_the_servers_certificate(stage: Stage) -> None:
    certificate = stage.server.authority.ca.certificate
    der = certificate.public_bytes(Encoding.DER)
    assert endpoint_binding(der) == b"tls-server-end-point:" + certificate.fingerprint(hashes.SHA256())
    assert Handshake("CORP\\ra", "hidden", host="ndes.test", certificate=der).begin().startswith("NTLM ")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(["Negotiate", "NTLM"], {"negotiate", "ntlm"}, id="two headers"),
        pytest.param(["Negotiate, NTLM"], {"negotiate", "ntlm"}, id="one header"),
        pytest.param(['Digest realm="a", nonce="b", Basic realm="c"'], {"digest", "basic"}, id="with parameters"),
        pytest.param([], set(), id="none"),
        pytest.param([",, ="], set(), id="rubbish"),
    ],
)
def test_offered_schemes(headers: list[str], expected: set[str]) -> None:
    assert offered_schemes(headers) == expected
