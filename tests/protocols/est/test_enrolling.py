"""Enrolling at a server in memory (tests.fakes.est, written from the RFC): every operation, every outcome."""

from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.est import Deferred, Enrolled, ESTClient, MalformedAnswer, Refused
from certwright.protocols.transport import ConnectionFailed, UnusableURL
from tests.fakes.clock import FakeClock
from tests.fakes.est import URL, FakeESTServer, certs_only, refused
from tests.protocols.est.conftest import Connect
from tests.protocols.est.csrs import NAME, csr, identity


async def test_the_cas_certificates(client: ESTClient, server: FakeESTServer) -> None:
    found = await client.cacerts()
    assert found.roots == tuple(server.ca.roots.values())
    assert found.others == tuple(server.ca.intermediates.values())


async def test_a_label_names_the_ca(connect: Connect, server: FakeESTServer) -> None:
    server.label = "tenant 1"
    await connect(label="tenant 1").cacerts()
    with pytest.raises(Refused, match="nothing of that name"):
        await connect(label="tenant 2").cacerts()


@pytest.mark.parametrize("sends_chain", [pytest.param(False, id="alone"), pytest.param(True, id="after-its-chain")])
async def test_a_certificate_is_issued(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, *, sends_chain: bool
) -> None:
    server.sends_chain = sends_chain
    outcome = await client.simpleenroll(csr(key))
    assert isinstance(outcome, Enrolled)
    leaf, rest = outcome.split(key.public_key())
    assert [leaf] == server.issued
    assert list(rest) == (list(server.ca.intermediates.values()) if sends_chain else [])


async def test_a_certificate_for_another_key_is_not_taken(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    del server
    outcome = await client.simpleenroll(csr(key))
    assert isinstance(outcome, Enrolled)
    with pytest.raises(MalformedAnswer, match="has the key"):
        outcome.split(ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("600", timedelta(minutes=10), id="seconds"),
        pytest.param("Tue, 01 Jan 2030 01:00:00 GMT", timedelta(hours=1), id="date"),
        pytest.param("99999999", timedelta(days=1), id="too-long"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param(None, None, id="missing"),
    ],
)
async def test_the_same_request_again_when_it_is_deferred(
    client: ESTClient,
    server: FakeESTServer,
    key: ec.EllipticCurvePrivateKey,
    header: str | None,
    expected: timedelta | None,
) -> None:
    server.deferrals, server.retry_after = 2, header
    asked = csr(key)
    assert [await client.simpleenroll(asked) for _ in range(2)] == [Deferred(expected), Deferred(expected)]
    assert isinstance(await client.simpleenroll(asked), Enrolled)
    assert server.received == [asked] * 3


async def test_a_renewal_shows_the_certificate_that_it_renews(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    holder = connect(identity=identity(server.ca, key))
    assert isinstance(await holder.simplereenroll(csr(key)), Enrolled)
    with pytest.raises(Refused, match="names have changed"):
        await holder.simplereenroll(csr(key, "b.example.test"))
    with pytest.raises(Refused, match="authenticated by the certificate"):
        await connect().simplereenroll(csr(key))


class TestRefusals:
    @pytest.mark.parametrize("status", [400, 403, 409, 500, 503])
    async def test_the_servers_text_is_told(
        self, client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, status: int
    ) -> None:
        server.refusals[NAME] = refused(status, "not\x1b[31m today\n" + "x" * 5000)
        with pytest.raises(Refused) as caught:
            await client.simpleenroll(csr(key))
        assert caught.value.status == status
        assert caught.value.text.startswith("not [31m today xxx")
        assert len(caught.value.text) == 1024

    async def test_a_text_without_a_type_counts(
        self, client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
    ) -> None:
        server.refusals[NAME] = httpx.Response(400, content=b"no type", headers={"Retry-After": "5"})
        with pytest.raises(Refused, match=r"400 \(no type\)") as caught:
            await client.simpleenroll(csr(key))
        assert caught.value.retry_after == timedelta(seconds=5)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(httpx.Response(502, html="<h1>secret page</h1>"), id="page"),
            pytest.param(httpx.Response(503, json={"secret": 1}), id="json"),
            pytest.param(httpx.Response(302, text="secret", headers={"Location": URL}), id="redirect"),
            pytest.param(httpx.Response(201, text="secret"), id="another-success"),
        ],
    )
    async def test_what_is_not_est_is_not_shown(
        self, client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, answer: httpx.Response
    ) -> None:
        server.refusals[NAME] = answer
        with pytest.raises(Exception, match="HTTP status") as caught:
            await client.simpleenroll(csr(key))
        assert "secret" not in str(caught.value)

    async def test_a_page_without_a_type_is_not_shown(
        self, client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
    ) -> None:
        server.refusals[NAME] = httpx.Response(500, content=b" <html>secret")
        with pytest.raises(Refused) as caught:
            await client.simpleenroll(csr(key))
        assert (caught.value.text, str(caught.value)) == ("", "HTTP status 500")

    async def test_no_certificates_at_all(
        self, client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
    ) -> None:
        server.refusals[NAME] = certs_only([])
        with pytest.raises(MalformedAnswer):
            await client.simpleenroll(csr(key))


async def test_a_lost_answer_is_no_refusal(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.loses_answers = 1
    with pytest.raises(ConnectionFailed) as caught:
        await client.simpleenroll(csr(key))
    assert not caught.value.is_unsent
    assert len(server.issued) == 1


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://est.test", id="plain"),
        pytest.param("https://user:secret@est.test", id="credentials"),
        pytest.param("https://", id="no-host"),
        pytest.param("est.test", id="no-scheme"),
        pytest.param("https://est.test:port", id="no-port"),
    ],
)
async def test_what_is_no_url_for_est_is_not_asked(server: FakeESTServer, clock: FakeClock, url: str) -> None:
    async with server.opener().open(anchors=None) as http:
        with pytest.raises(UnusableURL):
            await ESTClient(url, http=http, clock=clock.now).cacerts()
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://est.test", "/.well-known/est/cacerts", id="bare"),
        pytest.param("https://est.test/", "/.well-known/est/cacerts", id="slash"),
        pytest.param("https://est.test/.well-known/est", "/.well-known/est/cacerts", id="complete"),
        pytest.param("https://est.test/.well-known/est/a", "/.well-known/est/a/cacerts", id="with-label"),
        pytest.param("https://est.test/ca/", "/ca/.well-known/est/cacerts", id="below-a-path"),
        pytest.param("https://est.test/.well-known/estate", "/.well-known/estate/.well-known/est/cacerts", id="alike"),
        pytest.param("https://est.test/?a=b#c", "/.well-known/est/cacerts", id="query"),
    ],
)
async def test_the_well_known_path_is_added_where_it_is_missing(
    server: FakeESTServer, clock: FakeClock, url: str, expected: str
) -> None:
    async with server.opener().open(anchors=None) as http:
        with suppress(Refused):
            await ESTClient(url, http=http, clock=clock.now).cacerts()
    assert server.requests == [f"GET {expected}"]


async def test_the_order_of_certificates_means_nothing(server: FakeESTServer, client: ESTClient) -> None:
    server.extra_ca_certificates = tuple(server.ca.roots.values())
    found = await client.cacerts()
    assert {certificate.public_bytes(Encoding.DER) for certificate in found.certificates} == {
        certificate.public_bytes(Encoding.DER) for certificate in server.ca_certificates()
    }
