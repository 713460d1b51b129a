"""Requests to an ACME server: signed, with a fresh nonce, sent again only when the server rejected the nonce.

``client`` asks through this; what the answers mean is the affair of the parsers of each noun.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx

from certwright.protocols.acme.errors import MalformedAnswer
from certwright.protocols.acme.jws import AccountKey, request_body
from certwright.protocols.acme.nonces import Nonces, checked_nonce
from certwright.protocols.acme.problems import ErrorType, Problem, ProblemDocument, parse_problem
from certwright.protocols.transport import Answer, exchange

# A server that rejects three nonces in ten (a test server can) fails ten times in a row once in 170,000 requests; one
# that rejects all of them must not be hammered.
MAX_TRIES = 10
REPLAY_NONCE = "replay-nonce"
_COMMON = {"Accept-Language": "en"}


class SignedRequests:
    """The transport of RFC 8555 §6 for one account key. ``new_nonce_url`` says where the pool is refilled."""

    def __init__(
        self,
        key: AccountKey,
        *,
        http: httpx.AsyncClient,
        clock: Callable[[], datetime],
        new_nonce_url: Callable[[], Awaitable[str]],
    ) -> None:
        self._key = key
        self._http = http
        self._clock = clock
        self._new_nonce_url = new_nonce_url
        self._nonces = Nonces()

    async def get(self, url: str) -> Answer:
        """An unsigned GET, which only the directory takes (§7.1.1)."""
        answer = await exchange(self._http, "GET", url, clock=self._clock, headers=_COMMON)
        self._nonces.put(answer.headers.get(REPLAY_NONCE))
        _refuse(answer)
        return answer

    async def post(
        self, url: str, payload: dict[str, Any] | None, *, kid: str | None, accept: str | None = None
    ) -> Answer:
        """A signed POST, a POST-as-GET if the payload is None; without ``kid`` it carries the public key.

        Sent again only after badNonce, which means that the server has not looked at the request, and then with the
        nonce of that very answer (§6.5).
        """
        headers = {**_COMMON, "Content-Type": "application/jose+json", **({"Accept": accept} if accept else {})}
        nonce = await self._nonce()
        for remaining in reversed(range(MAX_TRIES)):
            body = request_body(self._key, payload, nonce=nonce, url=url, kid=kid)
            answer = await exchange(self._http, "POST", url, clock=self._clock, content=body, headers=headers)
            fresh = answer.headers.get(REPLAY_NONCE)
            if remaining and _is_bad_nonce(answer):
                nonce = checked_nonce(fresh) or await self._nonce()
                continue
            self._nonces.put(fresh)
            break
        _refuse(answer)
        return answer

    async def _nonce(self) -> str:
        return self._nonces.take() or await self._new_nonce()

    async def _new_nonce(self) -> str:
        url = await self._new_nonce_url()
        answer = await exchange(self._http, "HEAD", url, clock=self._clock, headers=_COMMON)
        _refuse(answer)
        nonce = checked_nonce(answer.headers.get(REPLAY_NONCE))
        if nonce is None:
            raise MalformedAnswer("The answer to newNonce has no usable Replay-Nonce.")
        return nonce


def _is_bad_nonce(answer: Answer) -> bool:
    document = None if answer.is_success else parse_problem(answer)
    return document is not None and document.type is ErrorType.BAD_NONCE


def _refuse(answer: Answer) -> None:
    """Raise what a refusal says: its problem document, or else that there was none."""
    if answer.is_success:
        return
    document: ProblemDocument | None = parse_problem(answer)
    if document is None:
        raise answer.unexpected()
    raise Problem(document)
