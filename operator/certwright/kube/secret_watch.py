"""A metadata-only watch of the Secrets that we wrote, so that a deleted or edited one is noticed at once.

Kopf would hold whole Secrets, keys and all. Absence here is a hint that something should be looked at, never proof.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from certwright.kube.client import METADATA_ONLY, METADATA_ONLY_LIST, APIServer
from certwright.kube.errors import ExpiredError, KubeError
from certwright.kube.objects import metadata_of
from certwright.model.metadata import LABEL_MANAGED, ObjectMetadata

SELECTOR = f"{LABEL_MANAGED}=true"
PAGE = "500"
SERVER_TIMEOUT = 290
CLIENT_TIMEOUT = 300.0
PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """A Secret as the watch saw it last."""

    uid: str
    resource_version: str
    role: str
    certificate: str


class Notify(Protocol):
    """Hears of one change."""

    def __call__(self, namespace: str, name: str, seen: Seen, *, is_gone: bool) -> None:
        """A Secret appeared, changed or went."""


class SecretWatch:
    """Follows the managed Secrets of one namespace, or of all; ``notify`` is called for each change seen."""

    def __init__(
        self,
        server: APIServer,
        *,
        namespace: str = "",
        summarise: Callable[[ObjectMetadata], Seen],
        notify: Notify,
    ) -> None:
        self._server = server
        self._path = f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"
        self._summarise = summarise
        self._notify = notify
        self._seen: dict[tuple[str, str], Seen] = {}
        self.synced = asyncio.Event()
        self.trouble: str | None = None

    def get(self, namespace: str, name: str) -> Seen | None:
        """What the watch saw last; None is only a hint that it is not there."""
        return self._seen.get((namespace, name))

    def items(self) -> Iterator[tuple[tuple[str, str], Seen]]:
        """All that is seen now."""
        return iter(list(self._seen.items()))

    async def run(self) -> None:
        """List and watch for ever. Trouble is kept in ``trouble`` for the probes and tried again with pauses."""
        failures = 0
        while True:
            try:
                version = await self._list()
                self.trouble, failures = None, 0
                await self._follow(version)
            except ExpiredError:
                continue
            except KubeError as error:
                self.trouble = f"the Secret watch has no connection: {error}"
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1

    async def _list(self) -> str:
        found: dict[tuple[str, str], ObjectMetadata] = {}
        query = {"labelSelector": SELECTOR, "limit": PAGE}
        while True:
            page = await self._server.get(self._path, query=query, accept=METADATA_ONLY_LIST)
            for item in page.get("items") or ():
                meta = metadata_of(item)
                found[meta.namespace, meta.name] = meta
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                break
            query = {"labelSelector": SELECTOR, "limit": PAGE, "continue": token}
        for gone in self._seen.keys() - found.keys():
            self._forget(*gone)
        for meta in found.values():
            self._upsert(meta)
        self.synced.set()
        return str(page["metadata"]["resourceVersion"])

    async def _follow(self, version: str) -> None:
        """Watch on from ``version``, reconnecting with the last version seen, until the server forgets it."""
        while True:
            query = {
                "labelSelector": SELECTOR,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(SERVER_TIMEOUT),
            }
            async with self._server.stream(
                self._path, query=query, accept=METADATA_ONLY, timeout_seconds=CLIENT_TIMEOUT
            ) as events:
                async for event in events:
                    version = self._take(event) or version

    def _take(self, event: Mapping[str, Any]) -> str:
        body = event.get("object") or {}
        match event.get("type"):
            case "ERROR":
                raise ExpiredError(f"the watch ended: {str(body.get('message', ''))[:200]}", status=410)
            case "BOOKMARK":
                pass
            case "DELETED":
                meta = metadata_of(body)
                self._forget(meta.namespace, meta.name)
            case _:
                self._upsert(metadata_of(body))
        return str((body.get("metadata") or {}).get("resourceVersion", ""))

    def _upsert(self, meta: ObjectMetadata) -> None:
        seen = self._summarise(meta)
        if self._seen.get((meta.namespace, meta.name)) != seen:
            self._seen[meta.namespace, meta.name] = seen
            self._notify(meta.namespace, meta.name, seen, is_gone=False)

    def _forget(self, namespace: str, name: str) -> None:
        seen = self._seen.pop((namespace, name), None)
        if seen is not None:
            self._notify(namespace, name, seen, is_gone=True)
