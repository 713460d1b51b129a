"""Connections are kept, taken again and given up; a client trusts whom it was told to trust."""

import asyncio
import ssl
from datetime import UTC, datetime

import httpcore
import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.transport import TransportSettings, UnusableTrust, open_client, tls_context
from certwright.protocols.transport.pool import MAX_CONNECTIONS, ConnectionPool
from tests.fakes.ca import FakeCA
from tests.fakes.network import FakeNetwork

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LAST_ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


def pool_over(network: FakeNetwork) -> ConnectionPool:
    return ConnectionPool(tls=ssl.create_default_context(), backend=network)


async def ask(pool: ConnectionPool, url: str = "http://ca.test/") -> bytes:
    answer = await pool.handle_async_request(httpcore.Request("GET", url, headers={"Host": "ca.test"}))
    try:
        return await answer.aread()
    finally:
        await answer.aclose()


async def test_a_connection_is_used_again() -> None:
    network = FakeNetwork(ANSWER, ANSWER, ANSWER)
    pool = pool_over(network)
    assert [await ask(pool) for _ in range(3)] == [b"ok"] * 3
    assert network.opened == 1
    await pool.aclose()


async def test_another_origin_gets_another_one() -> None:
    network = FakeNetwork(ANSWER, ANSWER)
    pool = pool_over(network)
    for url in ("http://ca.test/", "http://ca.test:81/", "http://other.test/", "http://ca.test/"):
        await ask(pool, url)
    assert network.opened == 3
    await pool.aclose()


async def test_a_server_that_names_many_hosts_keeps_few_connections_open() -> None:
    network = FakeNetwork(ANSWER, ANSWER)
    pool = pool_over(network)
    for number in range(2 * MAX_CONNECTIONS):
        await ask(pool, f"http://ca{number}.test/")
    for number in reversed(range(2 * MAX_CONNECTIONS)):
        await ask(pool, f"http://ca{number}.test/")
    assert network.opened == 3 * MAX_CONNECTIONS
    await pool.aclose()


async def test_what_comes_back_after_the_end_is_closed() -> None:
    network = FakeNetwork(ANSWER, ANSWER)
    pool = pool_over(network)
    answer = await pool.handle_async_request(httpcore.Request("GET", "http://ca.test/", headers={"Host": "ca.test"}))
    await pool.aclose()
    assert await answer.aread() == b"ok"
    await answer.aclose()
    await ask(pool)
    assert network.opened == 2


async def test_one_that_the_server_closes_is_not_used_again() -> None:
    network = FakeNetwork(LAST_ANSWER)
    pool = pool_over(network)
    assert [await ask(pool) for _ in range(2)] == [b"ok"] * 2
    assert network.opened == 2


async def test_one_whose_answer_was_not_read_is_not_used_again() -> None:
    network = FakeNetwork(ANSWER, ANSWER)
    pool = pool_over(network)
    answer = await pool.handle_async_request(httpcore.Request("GET", "http://ca.test/", headers={"Host": "ca.test"}))
    await answer.aclose()
    await answer.aclose()
    assert await ask(pool) == b"ok"
    assert network.opened == 2


async def test_a_failed_one_makes_room() -> None:
    network = FakeNetwork(b"gibberish\r\n\r\n")
    pool = pool_over(network)
    for _ in range(MAX_CONNECTIONS + 1):
        with pytest.raises(httpcore.RemoteProtocolError):
            await ask(pool)
    assert network.opened == MAX_CONNECTIONS + 1


async def test_more_than_there_is_room_for_wait_their_turn() -> None:
    network = FakeNetwork(*[ANSWER] * 10)
    pool = pool_over(network)
    answers = await asyncio.gather(*(ask(pool) for _ in range(3 * MAX_CONNECTIONS)))
    assert answers == [b"ok"] * (3 * MAX_CONNECTIONS)
    assert network.opened <= MAX_CONNECTIONS
    await pool.aclose()


async def test_whoever_is_cancelled_while_waiting_takes_no_room() -> None:
    pool = pool_over(FakeNetwork(ANSWER))
    held = [
        await pool.handle_async_request(httpcore.Request("GET", "http://ca.test/", headers={"Host": "ca.test"}))
        for _ in range(MAX_CONNECTIONS)
    ]
    waiting = asyncio.create_task(ask(pool))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for answer in held:
        await answer.aclose()
    assert await asyncio.gather(*(ask(pool) for _ in range(MAX_CONNECTIONS))) == [b"ok"] * MAX_CONNECTIONS
    await pool.aclose()


class TestTrust:
    @pytest.fixture
    def root(self) -> bytes:
        authority = FakeCA(clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
        return authority.roots["Fake Root"].public_bytes(Encoding.PEM)

    def test_given_roots_replace_those_of_the_system(self, root: bytes) -> None:
        context = tls_context("# Größte Wurzel\n".encode("latin-1") + root + b"\n# end")
        assert [entry["subject"] for entry in context.get_ca_certs()] == [((("commonName", "Fake Root"),),)]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname

    @pytest.mark.parametrize(
        "bundle",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\n", id="blank"),
            pytest.param(b"a certificate", id="text"),
            pytest.param(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="broken"),
        ],
    )
    def test_a_useless_bundle_is_no_leave_to_trust_everybody(self, bundle: bytes) -> None:
        with pytest.raises(UnusableTrust):
            tls_context(bundle)

    async def test_a_client_says_who_it_is_and_unpacks_nothing(self) -> None:
        async with open_client(TransportSettings(user_agent="certwright/1 httpx")) as http:
            request = http.build_request("HEAD", "https://ca.test/")
            assert (
                request.headers["User-Agent"],
                request.headers["Accept-Encoding"],
            ) == ("certwright/1 httpx", "identity")

    async def test_a_client_keeps_no_cookies(self) -> None:
        async with open_client(TransportSettings(user_agent="x")) as http:
            request = http.build_request("GET", "https://ca.test/")
            http.cookies.extract_cookies(httpx.Response(200, headers={"Set-Cookie": "a=b"}, request=request))
            assert "Cookie" not in http.build_request("GET", "https://ca.test/").headers

    async def test_a_proxy_is_opened_and_its_password_not_shown(self) -> None:
        settings = TransportSettings(user_agent="x", proxy_url="http://u:secret@proxy.test:3128")
        assert "secret" not in repr(settings)
        async with open_client(settings):
            pass
