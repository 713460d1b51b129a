"""One client for all requests: bounded connections, an own rate limit, typed errors, ``Retry-After`` obeyed.

The generated API classes of the official client parse every object into models that we would only take apart again;
its transport, configuration and authentication are used as they are.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import client

from certwright.kube.connection import Connection
from certwright.kube.errors import KubeError, UnavailableError, error_for

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_ONLY_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

REQUEST_TIMEOUT = 30.0
"""Seconds for one request; the API server itself gives up after 60."""

RETRIES_WHEN_THROTTLED = 3
LONGEST_THROTTLE = 10.0
"""Seconds: a longer Retry-After is an unavailable server, and the queue's backoff serves better than waiting."""

TOO_MANY_REQUESTS = 429
FIRST_NOT_GOOD = 300


class Throttle(Protocol):
    """The rate limit for the API server; ``runtime`` implements it."""

    async def take(self) -> None:
        """Returns when one more request may be sent."""
        ...


class Unthrottled:
    """No limit, for commands that send a handful of requests."""

    async def take(self) -> None:
        """Return at once."""


class APIServer:
    """The API server as JSON over HTTP. Raises `KubeError`s, and nothing else for whatever the server does."""

    def __init__(self, connection: Connection, *, throttle: Throttle | None = None, connections: int = 32) -> None:
        self._connection = connection
        self.may_write: Callable[[], bool] = lambda: True
        self._throttle = throttle or Unthrottled()
        connection.configuration.connection_pool_maxsize = connections
        # Else aiohttp looks for proxy variables and reads .netrc, in a thread, before every single request: a fifth of
        # our CPU time. A proxy for the API server is named in the kubeconfig.
        connection.configuration.client_session_kwargs = {"trust_env": False}
        self._client = client.ApiClient(connection.configuration)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def get(self, path: str, *, query: Mapping[str, str] | None = None, accept: str = JSON) -> Any:
        """GET one object or list."""
        return await self.request("GET", path, query=query, accept=accept)

    async def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST a new object; `ConflictError` where it exists."""
        return await self.request("POST", path, body=body)

    async def replace(self, path: str, body: Mapping[str, Any]) -> Any:
        """PUT a whole object; with ``metadata.resourceVersion``, `ConflictError` where it has changed."""
        return await self.request("PUT", path, body=body)

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str, force: bool) -> Any:
        """Server-side apply: creates, or changes the fields named and drops those that we no longer name."""
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return await self.request("PATCH", path, query=query, body=body, content_type=APPLY)

    async def merge(self, path: str, body: Mapping[str, Any], *, manager: str) -> Any:
        """JSON merge patch: null removes a key."""
        return await self.request("PATCH", path, query={"fieldManager": manager}, body=body, content_type=MERGE)

    async def delete(self, path: str, *, uid: str = "", resource_version: str = "") -> None:
        """DELETE one object, only if it still is the one that was looked at."""
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {name: value for name, value in wanted.items() if value}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions}
        await self.request("DELETE", path, body=body)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Any:
        """Send one request; wait and send it again where the server says that it is too busy.

        Nothing is written by a process that does not lead: one that was frozen knows it by its clock before its
        elector runs again.
        """
        if method != "GET" and not self.may_write():
            raise UnavailableError(f"{method} {path}: not sent, because this process does not lead")
        for attempt in range(RETRIES_WHEN_THROTTLED + 1):
            await self._throttle.take()
            async with self._answer(method, path, query, body, content_type, accept, REQUEST_TIMEOUT) as answer:
                told = await _decoded(answer)
                if answer.status < FIRST_NOT_GOOD:
                    return told
                error = error_for(answer.status, told, call=f"{method} {path}")
                delay = _throttle_delay(answer)
            if attempt == RETRIES_WHEN_THROTTLED or delay is None:
                raise error
            await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], accept: str, timeout_seconds: float
    ) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """Open a watch; yields the iterator of its events. `ExpiredError` where the version is too old."""
        await self._throttle.take()
        async with self._answer("GET", path, query, None, JSON, accept, timeout_seconds) as answer:
            if answer.status >= FIRST_NOT_GOOD:
                raise error_for(answer.status, await _decoded(answer), call=f"WATCH {path}")
            yield _lines(answer)

    @asynccontextmanager
    async def _answer(  # noqa: PLR0917 - one private call, two callers
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        content_type: str,
        accept: str,
        timeout: float,  # noqa: ASYNC109 - the transport enforces it
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = self._connection.server + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "certwright"}
        try:
            if authorization := await self._connection.authorization():
                headers["Authorization"] = authorization
            answer = await self._client.call_api(method, url, headers, body=body, _request_timeout=timeout)
            try:
                yield answer.response
            finally:
                answer.response.release()
        except KubeError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise UnavailableError(f"{method} {path}: {type(error).__name__}: {error}"[:512]) from error


async def _decoded(answer: aiohttp.ClientResponse) -> Any:
    body = await answer.read()
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return {}


def _throttle_delay(answer: aiohttp.ClientResponse) -> float | None:
    if answer.status != TOO_MANY_REQUESTS:
        return None
    asked = answer.headers.get("Retry-After", "1")
    delay = float(asked) if asked.isdecimal() else 1.0
    return delay if delay <= LONGEST_THROTTLE else None


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[Mapping[str, Any]]:
    async for line in answer.content:
        if line.strip():
            yield json.loads(line)
