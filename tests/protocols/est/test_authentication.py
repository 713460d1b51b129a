"""Who we are, told over HTTP: challenges answered, and nothing told that was not asked for.

Basic is proved against a real server too (e2e); Digest and Bearer are proved only here, against tests.fakes.est.
"""

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.est import (
    AuthenticationRequired,
    BearerToken,
    Credentials,
    Deferred,
    Enrolled,
    HTTPScheme,
    Password,
)
from certwright.protocols.est.challenges import Challenge, parse_challenges
from certwright.protocols.est.credentials import Authenticator
from certwright.protocols.est.digest import DigestSession
from tests.fakes.est import FakeESTServer
from tests.protocols.est.conftest import Connect
from tests.protocols.est.csrs import csr

SECRET = "pass:word"
PASSWORD = Credentials(password=Password(username="device", password=SECRET))
TOKEN = Credentials(bearer=BearerToken(token="t0ken"))
EVERY_SCHEME = ("Basic", "Bearer", "Digest MD5", "Digest SHA-256", "Digest SHA-256-sess", "Digest MD5-sess")


def password(scheme: HTTPScheme, secret: str = SECRET) -> Credentials:
    return Credentials(password=Password(username="device", password=secret, scheme=scheme))


@pytest.mark.parametrize("scheme", EVERY_SCHEME)
async def test_a_challenge_is_answered_once_for_all(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, scheme: str
) -> None:
    server.authentication.schemes = (scheme,)
    client = connect(credentials=Credentials(password=PASSWORD.password, bearer=TOKEN.bearer))
    for _ in range(3):
        assert isinstance(await client.simpleenroll(csr(key)), Enrolled)
    assert server.authentication.refusals == 1


async def test_digest_without_quality_of_protection(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.authentication.schemes, server.authentication.has_qop = ("Digest MD5",), False
    assert isinstance(await connect(credentials=PASSWORD).simpleenroll(csr(key)), Enrolled)


async def test_a_nonce_that_has_aged_is_replaced(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.authentication.schemes, server.authentication.nonce_uses = ("Digest SHA-256",), 2
    client = connect(credentials=PASSWORD)
    for _ in range(5):
        assert isinstance(await client.simpleenroll(csr(key)), Enrolled)
    assert server.authentication.refusals == 3


@pytest.mark.parametrize(
    ("credentials", "scheme"),
    [
        pytest.param(password(HTTPScheme.BASIC), "Basic", id="basic"),
        pytest.param(TOKEN, "Bearer", id="bearer"),
    ],
)
async def test_what_could_only_be_sent_is_sent_at_once(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, credentials: Credentials, scheme: str
) -> None:
    server.authentication.schemes = (scheme,)
    await connect(credentials=credentials).simpleenroll(csr(key))
    assert server.authentication.refusals == 0


@pytest.mark.parametrize(
    ("scheme", "offered", "expected"),
    [
        pytest.param(HTTPScheme.AUTO, EVERY_SCHEME, 'algorithm=SHA-256, opaque="o,p", qop=auth', id="digest-first"),
        pytest.param(HTTPScheme.AUTO, ("Bearer", "Basic"), "Basic ", id="else-basic"),
        pytest.param(HTTPScheme.AUTO, ("Bearer",), "Bearer t0ken", id="else-the-token"),
        pytest.param(HTTPScheme.DIGEST, ("Basic", "Digest MD5"), "Digest ", id="only-digest"),
        pytest.param(HTTPScheme.BASIC, ("Digest MD5", "Basic"), "Basic ", id="only-basic"),
    ],
)
def test_the_best_of_what_is_offered(
    server: FakeESTServer, scheme: HTTPScheme, offered: tuple[str, ...], expected: str
) -> None:
    server.authentication.schemes = offered
    refusal = server.authentication.refuse(httpx.Request("GET", "https://est.test/a"))
    assert refusal is not None
    challenges = parse_challenges(refusal.headers.get_list("www-authenticate"))
    secrets = Credentials(password=password(scheme).password, bearer=TOKEN.bearer)
    assert expected in (Authenticator(secrets).answer(challenges, "GET", "/a") or "")


@pytest.mark.parametrize(
    ("credentials", "schemes", "was_refused"),
    [
        pytest.param(Credentials(), ("Basic", "Digest MD5"), False, id="nothing-to-tell"),
        pytest.param(password(HTTPScheme.DIGEST), ("Basic",), False, id="not-in-the-clear"),
        pytest.param(password(HTTPScheme.BASIC, "wrong"), ("Basic",), True, id="wrong-password-sent-at-once"),
        pytest.param(password(HTTPScheme.AUTO, "wrong"), ("Basic",), True, id="wrong-password"),
        pytest.param(password(HTTPScheme.AUTO, "wrong"), ("Digest MD5",), True, id="wrong-digest"),
        pytest.param(Credentials(bearer=BearerToken(token="wrong")), ("Bearer",), True, id="wrong-token"),
        pytest.param(PASSWORD, ("Digest SHA-512-256",), False, id="unknown-algorithm"),
        pytest.param(PASSWORD, ("Negotiate",), False, id="unknown-scheme"),
    ],
)
async def test_a_refusal_says_what_the_server_offers(
    connect: Connect,
    server: FakeESTServer,
    key: ec.EllipticCurvePrivateKey,
    credentials: Credentials,
    schemes: tuple[str, ...],
    *,
    was_refused: bool,
) -> None:
    server.authentication.schemes = schemes
    with pytest.raises(AuthenticationRequired) as caught:
        await connect(credentials=credentials).simpleenroll(csr(key))
    assert caught.value.schemes == tuple(dict.fromkeys(scheme.split()[0].lower() for scheme in schemes))
    assert caught.value.was_refused is was_refused
    assert server.authentication.refusals <= 2
    assert server.received == []


async def test_nothing_is_told_to_a_server_that_does_not_ask(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.deferrals = 1
    assert isinstance(await connect(credentials=PASSWORD).simpleenroll(csr(key)), Deferred)
    assert server.authentication.seen == [""]


def test_no_secret_is_shown() -> None:
    shown = repr(Credentials(password=PASSWORD.password, bearer=TOKEN.bearer))
    assert SECRET not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize("token", ["", "a b", "token\n", "tökén"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="bearer token") as caught:
        BearerToken(token=token)
    assert "tök" not in str(caught.value)


async def test_a_name_beyond_ascii(connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey) -> None:
    server.authentication.users = {"Jürgen": "Straße"}
    for scheme in ("Basic", "Digest SHA-256"):
        server.authentication.schemes = (scheme,)
        client = connect(credentials=Credentials(password=Password(username="Jürgen", password="Straße")))
        assert isinstance(await client.simpleenroll(csr(key)), Enrolled)


class TestChallenges:
    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            pytest.param(["Basic"], [("basic", {})], id="bare"),
            pytest.param(["Basic realm=x"], [("basic", {"realm": "x"})], id="unquoted"),
            pytest.param(
                ['Digest realm="a, b", nonce="c\\"d", BASIC REALM="e"'],
                [("digest", {"realm": "a, b", "nonce": 'c"d'}), ("basic", {"realm": "e"})],
                id="two-in-one-header",
            ),
            pytest.param(["Negotiate", 'Basic realm="x"'], [("negotiate", {}), ("basic", {"realm": "x"})], id="two"),
            pytest.param(
                ["Negotiate YWJj==, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})], id="token68"
            ),
            pytest.param(["Negotiate, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})], id="list"),
            pytest.param(["Basic realm=x, realm=y"], [("basic", {"realm": "x"})], id="twice"),
            pytest.param(["", "  ", ", ,", '"'], [], id="nothing"),
        ],
    )
    def test_one_header_may_hold_several(self, headers: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
        assert [(entry.scheme, dict(entry.parameters)) for entry in parse_challenges(headers)] == expected

    @given(st.lists(st.text(max_size=200), max_size=4))
    def test_any_header_is_read(self, headers: list[str]) -> None:
        assert len(parse_challenges(headers)) <= 16

    @given(st.text(alphabet='Digest "\\,=nocralm50MDxü\x07', max_size=120))
    def test_any_challenge_is_answered_or_not(self, header: str) -> None:
        found = parse_challenges([f'Digest realm="r", nonce="n", {header}', header])
        answer = Authenticator(PASSWORD).answer(found, "POST", "/x")
        assert answer is None or (answer.isascii() and answer.isprintable())

    @pytest.mark.parametrize(
        ("algorithm", "expected"),
        [
            pytest.param("MD5", "8ca523f5e9506fed4657c9700eebdbec", id="md5"),
            pytest.param("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", id="sha-256"),
        ],
    )
    def test_the_proof_is_that_of_the_rfc(self, algorithm: str, expected: str) -> None:
        """RFC 7616 §3.9.1."""
        challenge = Challenge(
            "digest",
            {
                "realm": "http-auth@example.org",
                "qop": "auth, auth-int",
                "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
                "algorithm": algorithm,
            },
        )
        session = DigestSession(
            "Mufasa",
            "Circle of Life",
            [challenge],
            client_nonce=lambda: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        assert f'response="{expected}"' in session.header("GET", "/dir/index.html")
