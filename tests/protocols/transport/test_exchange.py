"""One request, one bounded answer, one family of errors."""

import asyncio
import errno
import inspect
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.transport import (
    MAX_ERROR_BODY,
    Answer,
    ConnectionFailed,
    NotHTTP,
    RedirectRefused,
    TimedOut,
    TLSFailed,
    TooLarge,
    TransportError,
    UnusableURL,
    exchange,
    parse_retry_after,
    shown,
    translated,
)
from certwright.protocols.transport.errors import FOREIGN

NOW = datetime(2030, 1, 1, tzinfo=UTC)
Handler = Callable[[httpx.Request], httpx.Response]


async def ask(
    handler: Handler, *, method: str = "GET", url: str = "https://ca.test/a", limit: int = 100, seconds: float = 5
) -> Answer:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler), timeout=seconds) as http:
        return await exchange(http, method, url, clock=lambda: NOW, limit=limit)


class Drip(httpx.AsyncByteStream):
    """A body that comes byte by byte and never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"x"


class TestAnswers:
    async def test_whatever_the_status(self) -> None:
        answer = await ask(lambda _: httpx.Response(404, text="nothing here", headers={"Retry-After": "5"}))
        assert (answer.status, answer.body, answer.media_type) == (404, b"nothing here", "text/plain")
        assert answer.retry_after == timedelta(seconds=5)
        assert not answer.is_success
        assert str(answer.unexpected()) == "ca.test: HTTP status 404 with 12 bytes of text/plain"
        assert "nothing" not in repr(answer)

    async def test_a_long_one_is_refused(self) -> None:
        with pytest.raises(TooLarge, match="longer than 100 bytes"):
            await ask(lambda _: httpx.Response(200, content=b"x" * 101))
        assert len((await ask(lambda _: httpx.Response(200, content=b"x" * 100))).body) == 100

    async def test_an_endless_one_is_refused(self) -> None:
        with pytest.raises(TooLarge):
            await ask(lambda _: httpx.Response(200, stream=Drip()))

    async def test_one_that_drips_runs_out_of_time(self) -> None:
        with pytest.raises(TimedOut):
            await ask(lambda _: httpx.Response(200, stream=Drip()), limit=1 << 40, seconds=0.001)

    async def test_a_refusal_with_a_long_page_still_counts(self) -> None:
        page = b"x" * (2 * MAX_ERROR_BODY)
        answer = await ask(lambda _: httpx.Response(503, content=page, headers={"Retry-After": "9"}))
        assert (503, timedelta(seconds=9)) == (answer.status, answer.retry_after)

    @pytest.mark.parametrize("status", [200, 503])
    async def test_nothing_is_unpacked(self, status: int) -> None:
        def handler(_request: httpx.Request) -> httpx.Response:
            packed = httpx.ByteStream(b"\x1f\x8b")
            return httpx.Response(status, stream=packed, headers={"Content-Encoding": "gzip"})

        if status == 200:
            with pytest.raises(NotHTTP, match="compressed"):
                await ask(handler)
        else:
            assert (await ask(handler)).body == b""


class TestURLs:
    @pytest.mark.parametrize(
        ("url", "host", "target"),
        [
            pytest.param("https://ca.test:443/a", "ca.test:443", b"/a", id="default-port"),
            pytest.param("https://CA.test/a", "CA.test", b"/a", id="capitals"),
            pytest.param("https://ca.test/a/../b?x=[1]", "ca.test", b"/a/../b?x=[1]", id="dots-and-brackets"),
        ],
    )
    async def test_an_untidy_one_is_asked_as_it_was_spelled(self, url: str, host: str, target: bytes) -> None:
        seen: list[httpx.Request] = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200)

        answer = await ask(handler, url=url)
        assert (host, target) == (seen[0].headers["Host"], seen[0].extensions["target"])
        assert answer.url == url

    async def test_an_international_one_is_asked_in_ascii(self) -> None:
        answer = await ask(lambda request: httpx.Response(200, text=str(request.url)), url="https://bücher.test/ä b")
        assert answer.body == b"https://xn--bcher-kva.test/%C3%A4%20b"

    @pytest.mark.parametrize(
        "url",
        ["", "ca.test", "https://", "https://[::1", "ftp://ca.test/", "https://xn--0.test/", "https://ca.test:x/"],
    )
    async def test_what_is_none_is_not_asked(self, url: str) -> None:
        with pytest.raises(UnusableURL):
            await ask(lambda _: httpx.Response(200), url=url)


class TestRedirects:
    def to(self, location: str) -> Handler:
        def handler(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/b":
                return httpx.Response(200, text="here")
            return httpx.Response(302, headers={"Location": location})

        return handler

    @pytest.mark.parametrize("location", ["/b", "b", "https://ca.test/b"])
    async def test_within_the_origin_they_are_followed(self, location: str) -> None:
        answer = await ask(self.to(location))
        assert (answer.body, answer.url) == (b"here", "https://ca.test/b")

    @pytest.mark.parametrize(
        "location", ["https://other.test/b", "http://ca.test/b", "https://ca.test:444/b", "//other.test/b", "https://["]
    )
    async def test_elsewhere_they_are_not(self, location: str) -> None:
        with pytest.raises(RedirectRefused):
            await ask(self.to(location))

    async def test_round_and_round_they_are_not(self) -> None:
        with pytest.raises(RedirectRefused, match="more than 5"):
            await ask(self.to("/a"))

    async def test_what_was_posted_is_posted_once(self) -> None:
        with pytest.raises(RedirectRefused):
            await ask(self.to("/b"), method="POST")


def leaf_exceptions() -> list[type[Exception]]:
    """Every exception that httpx and httpcore publish, but for those that only a wrong use of httpx raises."""
    of_use = (httpx.StreamError, httpx.CookieConflict, httpx.HTTPStatusError)
    published = [getattr(module, name) for module in (httpx, httpcore) for name in module.__all__]
    found = [thing for thing in published if inspect.isclass(thing) and issubclass(thing, Exception)]
    bases = {httpx.HTTPError, httpx.RequestError, httpx.TransportError}
    return [thing for thing in found if not issubclass(thing, of_use) and thing not in bases]


class TestErrors:
    @pytest.mark.parametrize("foreign", leaf_exceptions())
    def test_each_published_by_the_libraries_has_a_row(self, foreign: type[Exception]) -> None:
        assert any(row in FOREIGN for row in foreign.__mro__), foreign
        with pytest.raises(TransportError, match=r"^ca\.test: ") as caught, translated("ca.test"):
            raise foreign("why")
        assert isinstance(caught.value.__cause__, foreign)

    @pytest.mark.parametrize(
        ("error", "cause", "kind", "text"),
        [
            pytest.param(
                httpcore.ConnectError(),
                OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"),
                ConnectionFailed,
                "ca.test: connection refused",
                id="refused",
            ),
            pytest.param(
                httpcore.ConnectError(),
                ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1002)"),
                TLSFailed,
                "ca.test: the TLS handshake failed (no reason given)",
                id="handshake",
            ),
            pytest.param(
                httpcore.ReadTimeout(), ssl.SSLWantReadError(), TimedOut, "ca.test: no answer in time", id="slow"
            ),
            pytest.param(httpcore.ConnectTimeout(), None, TimedOut, "ca.test: no connection in time", id="unreachable"),
            pytest.param(TimeoutError(), None, TimedOut, "ca.test: no answer in time", id="deadline"),
            pytest.param(
                httpcore.RemoteProtocolError("bad\nline " + "x" * 1000),
                None,
                NotHTTP,
                "ca.test: not an HTTP answer (bad line " + "x" * 190 + "…)",
                id="gibberish",
            ),
        ],
    )
    def test_the_text_is_short_and_names_the_host(
        self, error: Exception, cause: Exception | None, kind: type[TransportError], text: str
    ) -> None:
        with pytest.raises(kind) as caught, translated("ca.test"):
            raise error from cause
        assert str(caught.value) == text

    def test_a_certificate_that_does_not_verify_says_why(self) -> None:
        cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
        cause.verify_message = "self-signed certificate"
        with pytest.raises(TLSFailed, match=r"does not verify \(self-signed certificate\)"), translated("ca.test"):
            raise httpcore.ConnectError("…") from cause

    def test_ours_and_strangers_pass(self) -> None:
        ours = TooLarge("x", limit=1)
        with pytest.raises(TooLarge) as caught, translated("ca.test"):
            raise ours
        assert caught.value is ours
        with pytest.raises(KeyError), translated("ca.test"):
            raise KeyError


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "wait"),
        [
            pytest.param("0", 0, id="at-once"),
            pytest.param(" 120 ", 120, id="seconds"),
            pytest.param("999999999999999999999", 86400, id="for-ever"),
            pytest.param("Tue, 01 Jan 2030 00:02:00 GMT", 120, id="date"),
            pytest.param("Tue, 01 Jan 2030 01:02:00 +0100", 120, id="date-with-offset"),
            pytest.param("Tuesday, 01-Jan-30 00:02:00 GMT", 120, id="date-of-rfc-850"),
            pytest.param("Mon, 31 Dec 2029 00:00:00 GMT", 0, id="past"),
            pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 86400, id="far-future"),
        ],
    )
    def test_seconds_and_dates(self, value: str, wait: int) -> None:
        assert parse_retry_after(value, NOW) == timedelta(seconds=wait)

    @pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "٣", "Tue, 99 Jan 2030 00:00:00 GMT", "x" * 5000])
    def test_nonsense_is_none(self, value: str | None) -> None:
        assert parse_retry_after(value, NOW) is None

    @given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d (GMT|[+-]\d{1,6})"))
    def test_anything_is_none_or_up_to_a_day(self, value: str) -> None:
        wait = parse_retry_after(value, NOW)
        assert wait is None or timedelta(0) <= wait <= timedelta(days=1)


class TestShown:
    @given(text=st.text(), limit=st.integers(1, 50))
    def test_it_is_one_printable_line_of_bounded_length(self, text: str, limit: int) -> None:
        clean = shown(text, limit)
        assert len(clean) <= limit
        assert clean == "" or clean.isprintable()
        clean.encode()

    def test_it_says_where_it_was_cut(self) -> None:
        assert shown("x" * 2000) == "x" * 1023 + "…"

    def test_the_words_stay(self) -> None:
        assert shown("  no\r\n\tsuch\x00 name\u202e ") == "no such name"
