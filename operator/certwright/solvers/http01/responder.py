"""The web application that CAs reach on port 80: it knows the pending (host, token) pairs and nothing else.

``handlers`` serve it on every replica; ``kube`` keeps the mapping as the ConfigMap has it. Whoever asks for anything
else gets the same 404, without a word of what was asked.
"""

import ipaddress
import re
from collections.abc import Mapping

from aiohttp import web

Published = Mapping[tuple[str, str], str]
"""Key authorizations by host (lower case; an address in RFC 5952 form, without brackets) and token."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,255}")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def answer_for(published: Published, *, host: str, token: str) -> str | None:
    """The key authorization for a Host header and the last part of the path; None for all that is not pending."""
    if not _TOKEN.fullmatch(token):
        return None
    return published.get((published_host(host), token))


def published_host(header: str) -> str:
    """A Host header (RFC 9110 §7.2) in the form in which hosts are published: no port, no brackets, lower case."""
    host = header.strip().lower()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        return host.rstrip(".")


def responder(published: Published) -> web.Application:
    """The application. ``published`` is read at each request, so that its owner may change it at any time."""

    async def respond(request: web.Request) -> web.Response:
        answer = answer_for(published, host=request.host, token=request.match_info["token"])
        return _not_found() if answer is None else _response(answer, status=200)

    async def refuse(_request: web.Request) -> web.Response:
        return _not_found()

    application = web.Application(client_max_size=1024)
    application.router.add_get("/.well-known/acme-challenge/{token}", respond)
    application.router.add_route("*", "/{anything:.*}", refuse)
    return application


def _not_found() -> web.Response:
    return _response("not found\n", status=404)


def _response(text: str, *, status: int) -> web.Response:
    return web.Response(
        body=text.encode("ascii"),
        status=status,
        content_type="application/octet-stream",  # RFC 8555 §8.3; nothing that a browser would show
        headers=_HEADERS | {"Server": "certwright"},
    )
