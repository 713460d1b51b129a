"""What happens between a request and its answer: nonces, refusals, and answers that are none."""

from datetime import timedelta

import httpx
import pytest

from certwright.protocols.acme import ACMEClient, ErrorType, Identifier, MalformedAnswer, Problem
from certwright.protocols.acme.nonces import MAX_NONCES, Nonces
from certwright.protocols.acme.signed import MAX_TRIES
from certwright.protocols.transport import RedirectRefused, TooLarge, UnexpectedStatus, UnusableURL
from tests.fakes.acme import ORIGIN, FakeACMEServer, overloaded_html, rate_limited

EXAMPLE = [Identifier.dns("example.test")]


class TestNonces:
    async def test_a_rejected_one_is_replaced_by_that_of_the_rejection(
        self, client: ACMEClient, server: FakeACMEServer
    ) -> None:
        server.requests.clear()
        server.reject_nonces = 3
        assert (await client.new_order(EXAMPLE)).url
        assert [request.method for request in server.requests] == ["POST"] * 4

    async def test_a_server_that_rejects_all_is_not_hammered(self, client: ACMEClient, server: FakeACMEServer) -> None:
        server.requests.clear()
        server.reject_nonces = 1000
        with pytest.raises(Problem) as caught:
            await client.new_order(EXAMPLE)
        assert caught.value.type is ErrorType.BAD_NONCE
        assert len(server.requests) == MAX_TRIES

    async def test_the_first_is_asked_for_and_later_ones_come_with_answers(
        self, stranger: ACMEClient, server: FakeACMEServer
    ) -> None:
        await stranger.new_account(terms_agreed=True)
        await stranger.new_order(EXAMPLE)
        asked = [(request.method, request.url.path) for request in server.requests]
        assert asked == [("GET", "/dir"), ("POST", "/register"), ("POST", "/order")]

    async def test_one_is_asked_for_where_the_directory_brought_none(
        self, stranger: ACMEClient, server: FakeACMEServer
    ) -> None:
        directory = server.handle(httpx.Request("GET", server.directory_url, headers={"User-Agent": "x"}))
        directory.headers["Replay-Nonce"] = "not base64url!"
        server.next_answers["dir"].append(lambda: directory)
        await stranger.new_account(terms_agreed=True)
        assert ("HEAD", "/nonce") in [(request.method, request.url.path) for request in server.requests]

    async def test_a_server_without_any_is_malformed(self, stranger: ACMEClient, server: FakeACMEServer) -> None:
        await stranger.directory()
        for resource in ("register", "nonce"):
            server.next_answers[resource].append(lambda: httpx.Response(200, headers={"Replay-Nonce": "!"}))
        with pytest.raises(MalformedAnswer):
            await stranger.find_account()
        with pytest.raises(MalformedAnswer, match="Replay-Nonce"):
            await stranger.find_account()

    @pytest.mark.parametrize("value", ["", "a b", "a+b", "a=", "ü", "x" * 600, None])
    def test_what_is_none_is_ignored(self, value: str | None) -> None:
        nonces = Nonces()
        nonces.put(value)
        assert nonces.take() is None

    def test_each_is_given_once_the_newest_first_and_few_are_kept(self) -> None:
        nonces = Nonces()
        for number in range(1000):
            nonces.put(f"n{number}")
        taken = [nonces.take() for _ in range(MAX_NONCES)]
        assert taken[:3] == ["n999", "n998", "n997"]
        assert len(set(taken)) == MAX_NONCES
        assert nonces.take() is None


@pytest.mark.parametrize("url", ["http://acme.test/dir", "acme.test/dir", ""])
async def test_acme_is_https_only(client: ACMEClient, server: FakeACMEServer, url: str) -> None:
    server.requests.clear()
    client.directory_url = url
    with pytest.raises(UnusableURL):
        await client.refresh_directory()
    assert server.requests == []


class TestRefusals:
    async def test_a_rate_limit_says_when_and_where_to_read_on(
        self, client: ACMEClient, server: FakeACMEServer
    ) -> None:
        server.next_answers["order"].append(rate_limited)
        with pytest.raises(Problem, match="too many new orders") as caught:
            await client.new_order(EXAMPLE)
        assert caught.value.type is ErrorType.RATE_LIMITED
        assert caught.value.retry_after == timedelta(seconds=30)
        assert caught.value.document.help_url == f"{ORIGIN}/help/limits"

    async def test_a_page_of_html_is_no_answer_but_its_date_counts(
        self, client: ACMEClient, server: FakeACMEServer
    ) -> None:
        server.next_answers["order"].append(overloaded_html)
        with pytest.raises(UnexpectedStatus) as caught:
            await client.new_order(EXAMPLE)
        assert str(caught.value) == "acme.test: HTTP status 503 with 13 bytes of text/html"
        assert caught.value.retry_after == timedelta(days=1)

    async def test_a_redirect_is_not_followed(self, client: ACMEClient, server: FakeACMEServer) -> None:
        server.next_answers["order"].append(lambda: httpx.Response(307, headers={"Location": f"{ORIGIN}/order"}))
        with pytest.raises(RedirectRefused):
            await client.new_order(EXAMPLE)

    async def test_a_flood_is_cut_off(self, client: ACMEClient, server: FakeACMEServer) -> None:
        server.next_answers["order"].append(lambda: httpx.Response(201, content=b" " * (2 << 20)))
        with pytest.raises(TooLarge):
            await client.new_order(EXAMPLE)


class TestMalformedAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(httpx.Response(201, html="<p>"), id="html"),
            pytest.param(httpx.Response(201, json=[]), id="list"),
            pytest.param(httpx.Response(201, json={}), id="empty"),
            pytest.param(httpx.Response(201, content=b"[" * 100_000), id="deeply-nested"),
            pytest.param(httpx.Response(201, content=b'{"status": ' + b"9" * 5000 + b"}"), id="a-huge-number"),
        ],
    )
    async def test_an_order_that_is_none(
        self, client: ACMEClient, server: FakeACMEServer, answer: httpx.Response
    ) -> None:
        answer.headers["Location"] = f"{ORIGIN}/orders/1"
        server.next_answers["order"].append(lambda: answer)
        with pytest.raises(MalformedAnswer):
            await client.new_order(EXAMPLE)

    @pytest.mark.parametrize("location", [None, "/orders/1", "http://acme.test/orders/1", "https://u:p@acme.test/1"])
    async def test_an_order_without_a_usable_place(
        self, client: ACMEClient, server: FakeACMEServer, location: str | None
    ) -> None:
        headers = {} if location is None else {"Location": location}
        server.next_answers["order"].append(lambda: httpx.Response(201, json={}, headers=headers))
        with pytest.raises(MalformedAnswer, match="Location"):
            await client.new_order(EXAMPLE)

    async def test_a_plain_http_link_is_never_asked(self, client: ACMEClient, server: FakeACMEServer) -> None:
        order = {
            "status": "pending",
            "identifiers": [],
            "authorizations": ["http://169.254.169.254/latest"],
            "finalize": f"{ORIGIN}/f",
        }
        headers = {"Location": f"{ORIGIN}/orders/1"}
        server.next_answers["order"].append(lambda: httpx.Response(201, json=order, headers=headers))
        with pytest.raises(MalformedAnswer, match="authorizations"):
            await client.new_order(EXAMPLE)
