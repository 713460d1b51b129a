"""A web in memory for self-checks, and a board."""

from collections.abc import Mapping

import httpx

from certwright.model.solving import Proof
from certwright.solvers.http01.self_check import SelfCheck

Web = Mapping[str, httpx.Response | Exception]


class FakeBoard:
    """Holds what is published."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], str] = {}

    async def publish(self, proof: Proof) -> None:
        self.pairs[proof.identity] = proof.key_authorization

    async def withdraw(self, proof: Proof) -> None:
        self.pairs.pop(proof.identity, None)


def looking_at(web: Web, *, hosts: Mapping[str, list[str]] | None = None, port: int = 80) -> SelfCheck:
    """A self-check that sees this web, by URL as a browser would show it; anything else is a 404.

    With ``hosts`` names are looked up in it, and requests go to addresses with the name in their Host header.
    """

    def answer(request: httpx.Request) -> httpx.Response:
        named = f"{request.url.scheme}://{request.headers['Host']}{request.url.path}"
        found = web.get(named) or web.get(str(request.url)) or httpx.Response(404)
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    async def resolve(host: str) -> list[str]:
        return (hosts or {}).get(host, [])

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return SelfCheck(http=http, port=port, resolve=resolve if hosts is not None else None)
