"""One request and its bounded answer: the only way in which the protocol clients use an ``httpx.AsyncClient``.

It adds what HTTP libraries leave to their callers: a bound on the body, a deadline for the whole exchange (a server
that drips bytes would keep a read timeout happy for ever), redirects that stay at the same origin, a request line that
is byte for byte the URL that was asked for, and one family of errors.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from certwright.protocols.transport.errors import (
    NotHTTP,
    RedirectRefused,
    TooLarge,
    UnexpectedStatus,
    UnusableURL,
    translated,
)
from certwright.protocols.transport.text import parse_retry_after, shown

MAX_BODY = 1 << 20  # 1 MB: a chain of ML-DSA certificates or an order for a thousand names is far smaller.
MAX_ERROR_BODY = 64 << 10  # 64 KB: a problem document for a thousand names.
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete HTTP answer. ``retry_after`` is its Retry-After header, already a duration.

    ``tls`` is the connection that it came over, for channel bindings; None without TLS.
    """

    url: str
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    retry_after: timedelta | None = None
    tls: ssl.SSLObject | None = field(default=None, repr=False, compare=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; empty where there is none."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def unexpected(self) -> UnexpectedStatus:
        """The error for a status that the protocol gives no meaning to."""
        return UnexpectedStatus(
            _host(httpx.URL(self.url)),
            status=self.status,
            media_type=self.media_type,
            length=len(self.body),
            retry_after=self.retry_after,
        )


async def exchange(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    clock: Callable[[], datetime],
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limit: int = MAX_BODY,
    extensions: Mapping[str, Any] | None = None,
) -> Answer:
    """Send one request and read its whole answer, whatever its status; raises only ``TransportError``.

    GET and HEAD follow redirects within the origin; any other method never does, as a signed request is for one URL.
    ``extensions`` are httpx's own; what a ``trace`` in them raises goes through unchanged.
    """
    for _ in range(MAX_REDIRECTS):
        request = _request(http, method, url, content=content, headers=headers)
        request.extensions.update(extensions or {})
        answer = await _send(http, request, url=url, clock=clock, limit=limit)
        if answer.status not in REDIRECTS:
            return answer
        url = _redirected(request, answer)
    raise RedirectRefused(f"{_host(request.url)}: more than {MAX_REDIRECTS} redirects")


async def read_bounded(response: httpx.Response, limit: int) -> bytes:
    """Read the body of a streamed response, no further than ``limit`` bytes; raises TooLarge beyond."""
    host = _host(response.request.url)
    if _is_packed(response):
        raise NotHTTP(f"{host}: the answer is compressed although that was not asked for")
    body = await _beginning(response, limit)
    if len(body) > limit:
        raise TooLarge(f"{host}: the answer is longer than {limit} bytes", limit=limit)
    return body


async def _beginning(response: httpx.Response, limit: int) -> bytes:
    """The body, or as much of it as goes beyond ``limit``; nothing of one that would have to be unpacked."""
    body = bytearray()
    if _is_packed(response):
        return b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > limit:
            break
    return bytes(body)


def _is_packed(response: httpx.Response) -> bool:
    """Unpacking could make gigabytes of a few bytes, and nobody who is asked for "identity" needs to pack."""
    return bool(response.headers.get("content-encoding", "identity").lower() != "identity")


def _request(
    http: httpx.AsyncClient, method: str, url: str, *, content: bytes | None, headers: Mapping[str, str] | None
) -> httpx.Request:
    try:
        request = http.build_request(method, url, content=content, headers=headers)
    except (httpx.InvalidURL, ValueError) as error:
        raise UnusableURL(f"{shown(url, 200)}: not a usable URL") from error
    if not request.url.raw_host or request.url.scheme not in ("https", "http"):
        raise UnusableURL(f"{shown(url, 200)}: not a usable URL")
    if str(request.url) != url and url.isascii() and url.isprintable() and " " not in url:
        _keep_spelling(request, url)
    return request


def _keep_spelling(request: httpx.Request, url: str) -> None:
    """Send the URL as it was spelled: httpx tidies it up, and a JWS names the URL byte for byte (RFC 8555 §6.4)."""
    origin, slash, path = url.partition("://")[2].partition("/")
    request.headers["Host"] = origin.rpartition("@")[2]
    if slash and "?" not in origin:
        request.extensions["target"] = f"/{path.partition('#')[0]}".encode()


async def _send(
    http: httpx.AsyncClient, request: httpx.Request, *, url: str, clock: Callable[[], datetime], limit: int
) -> Answer:
    with translated(_host(request.url)):
        async with asyncio.timeout(_longest(http.timeout)):
            response = await http.send(request, stream=True)
            try:
                # A refusal counts with its status and headers, even if its body is a long page of somebody's proxy.
                refused = not response.is_success
                body = await (_beginning(response, MAX_ERROR_BODY) if refused else read_bounded(response, limit))
            finally:
                await response.aclose()
    return Answer(
        url=url,
        status=response.status_code,
        headers=response.headers,
        body=body,
        retry_after=_retry_after(response, clock),
        tls=_tls(response),
    )


def _tls(response: httpx.Response) -> ssl.SSLObject | None:
    stream = response.extensions.get("network_stream")
    return None if stream is None else stream.get_extra_info("ssl_object")


def _retry_after(response: httpx.Response, clock: Callable[[], datetime]) -> timedelta | None:
    value = response.headers.get("retry-after")
    return None if value is None else parse_retry_after(value, clock())


def _longest(timeout: httpx.Timeout) -> float | None:
    """The whole exchange: connecting, and then as long as one read may take."""
    if timeout.connect is None or timeout.read is None:
        return None
    return timeout.connect + timeout.read


def _redirected(request: httpx.Request, answer: Answer) -> str:
    host = _host(request.url)
    if request.method not in ("GET", "HEAD"):
        raise RedirectRefused(f"{host}: HTTP status {answer.status}, a redirect of a request that is for one URL only")
    try:
        target = request.url.join(answer.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError) as error:
        raise RedirectRefused(f"{host}: HTTP status {answer.status} to something that is no URL") from error
    if _origin(target) != _origin(request.url):
        raise RedirectRefused(f"{host}: redirects to another origin, {shown(_host(target), 100)}, are not followed")
    return str(target)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def _host(url: httpx.URL) -> str:
    """The host as it is asked for: ``url.host`` would decode an internationalised name, which can fail."""
    return url.raw_host.decode("ascii")
