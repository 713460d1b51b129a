"""The responder knows the pending pairs and nothing else."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from certwright.solvers.http01.responder import answer_for, published_host, responder

PUBLISHED = {
    ("www.shop.test", "tok-en_1"): "tok-en_1.thumbprint",
    ("2001:db8::1", "tok-en_1"): "six.thumbprint",
    ("192.0.2.7", "tok-en_1"): "four.thumbprint",
}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("www.shop.test", "tok-en_1.thumbprint", id="name"),
        pytest.param("WWW.Shop.TEST.", "tok-en_1.thumbprint", id="any case, final dot"),
        pytest.param("www.shop.test:80", "tok-en_1.thumbprint", id="port"),
        pytest.param("[2001:db8:0::1]:80", "six.thumbprint", id="IPv6 with port"),
        pytest.param("[2001:DB8::1]", "six.thumbprint", id="IPv6"),
        pytest.param("192.0.2.7:80", "four.thumbprint", id="IPv4"),
        pytest.param("shop.test", None, id="another name"),
        pytest.param("", None, id="no host"),
    ],
)
def test_the_host_decides(host: str, expected: str | None) -> None:
    assert answer_for(PUBLISHED, host=host, token="tok-en_1") == expected


@pytest.mark.parametrize("token", ["", "other", "tok-en_1 ", "../tok-en_1", "tok-en_1/", "t" * 256, "tökén"])
def test_the_token_decides(token: str) -> None:
    assert answer_for(PUBLISHED, host="www.shop.test", token=token) is None


@given(st.text(max_size=300))
def test_any_host_header_can_be_read(header: str) -> None:
    assert published_host(published_host(header)) == published_host(published_host(header))


async def ask(path: str, *, method: str = "GET", host: str = "www.shop.test") -> web.Response:
    """What the application answers, router and all."""
    application = responder(PUBLISHED)
    request = make_mocked_request(method, path, headers={"Host": host}, app=application)
    answer = await application._handle(request)
    assert isinstance(answer, web.Response)
    return answer


async def test_a_pending_pair_is_answered_exactly() -> None:
    answer = await ask("/.well-known/acme-challenge/tok-en_1")
    assert (answer.status, answer.body) == (200, b"tok-en_1.thumbprint")
    assert answer.content_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        pytest.param("GET", "/.well-known/acme-challenge/other", "www.shop.test", id="other token"),
        pytest.param("GET", "/.well-known/acme-challenge/tok-en_1", "bank.test", id="other host"),
        pytest.param("GET", "/.well-known/acme-challenge/", "www.shop.test", id="no token"),
        pytest.param("GET", "/.well-known/acme-challenge/a/tok-en_1", "www.shop.test", id="deeper"),
        pytest.param("GET", "/<script>", "www.shop.test", id="root"),
        pytest.param("POST", "/.well-known/acme-challenge/tok-en_1", "www.shop.test", id="POST"),
    ],
)
async def test_everything_else_gets_the_same_answer(method: str, path: str, host: str) -> None:
    answer = await ask(path, method=method, host=host)
    assert (answer.status, answer.body) == (404, b"not found\n")
    assert answer.headers["Server"] == "certwright"


async def test_what_is_withdrawn_is_not_answered_any_more() -> None:
    published = dict(PUBLISHED)
    application = responder(published)
    published.clear()
    path = "/.well-known/acme-challenge/tok-en_1"
    answer = await application._handle(make_mocked_request("GET", path, headers={"Host": "www.shop.test"}))
    assert answer.status == 404
