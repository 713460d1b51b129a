"""List and watch: how every watch of our own begins, goes on, and begins anew.

Kopf watches the three kinds; `secret_watch` and `challenge_board` say what they want to see of everything else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from certwright.kube.client import JSON, METADATA_ONLY, METADATA_ONLY_LIST, APIServer
from certwright.kube.errors import ExpiredError, KubeError, error_for

_log = logging.getLogger(__name__)

PAGE = "500"
SERVER_TIMEOUT = 290
CLIENT_TIMEOUT = 300.0
PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)

Body = Mapping[str, Any]


class Sink(Protocol):
    """Where what is seen goes."""

    def listed(self, items: Sequence[Body], version: str) -> None:
        """Everything that there is: what is not among the items is gone."""
        ...

    def changed(self, body: Body) -> None:
        """One object is there in this version."""
        ...

    def deleted(self, body: Body) -> None:
        """One object is gone; the body is its last version."""
        ...


class Follower:
    """Follows one path for ever. ``trouble`` says why it cannot at the moment, for the probes."""

    def __init__(
        self,
        server: APIServer,
        path: str,
        sink: Sink,
        *,
        what: str,
        selector: Mapping[str, str],
        is_metadata_only: bool = False,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server = server
        self._path = path
        self._sink = sink
        self._what = what
        self._selector = selector
        self._accept = (METADATA_ONLY_LIST, METADATA_ONLY) if is_metadata_only else (JSON, JSON)
        self._pause = pause
        self.trouble: str | None = None

    async def run(self) -> None:
        """Trouble is told once, and tried again with growing pauses."""
        failures = 0
        while True:
            try:
                version = await self._list()
                self.trouble, failures = None, 0
                await self._follow(version)
            except ExpiredError:
                await self._pause(PAUSES[0])
            except KubeError as error:
                if self.trouble is None:
                    _log.warning("the watch of %s is interrupted: %s", self._what, error)
                self.trouble = f"the watch of {self._what} has no connection: {error}"
                await self._pause(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1

    async def _list(self) -> str:
        items: list[Body] = []
        query = {**self._selector, "limit": PAGE}
        while True:
            page = await self._server.get(self._path, query=query, accept=self._accept[0])
            items += page.get("items") or ()
            metadata = page["metadata"]
            token = metadata.get("continue")
            if not token:
                version = str(metadata["resourceVersion"])
                self._sink.listed(items, version)
                return version
            query = {**self._selector, "limit": PAGE, "continue": token}

    async def _follow(self, version: str) -> None:
        """Watch on from ``version``, reconnecting with the last version seen, until the server forgets it."""
        while True:
            query = {
                **self._selector,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(SERVER_TIMEOUT),
            }
            async with self._server.stream(
                self._path, query=query, accept=self._accept[1], timeout_seconds=CLIENT_TIMEOUT
            ) as events:
                async for event in events:
                    version = self._take(event) or version

    def _take(self, event: Body) -> str:
        body = event.get("object") or {}
        match event.get("type"):
            case "ERROR":
                raise error_for(int(body.get("code") or 0), body, call=f"WATCH {self._path}")
            case "BOOKMARK":
                pass
            case "DELETED":
                self._sink.deleted(body)
            case _:
                self._sink.changed(body)
        return str((body.get("metadata") or {}).get("resourceVersion", ""))
