"""A metadata-only watch of the Secrets that we wrote, so that a deleted or edited one is noticed at once.

Kopf would hold whole Secrets, keys and all. Absence here is a hint that something should be looked at, never proof.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from certwright.kube.client import METADATA_ONLY, METADATA_ONLY_LIST, APIServer
from certwright.kube.errors import ExpiredError, KubeError
from certwright.kube.objects import metadata_of
from certwright.model.metadata import LABEL_MANAGED, ObjectMetadata

_log = logging.getLogger(__name__)

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
    """Follows the managed Secrets of all namespaces, or of those named; ``notify`` hears of each change seen."""

    def __init__(
        self,
        server: APIServer,
        *,
        namespaces: Sequence[str] = (),
        summarise: Callable[[ObjectMetadata], Seen],
        notify: Notify,
    ) -> None:
        self._summarise = summarise
        self._notify = notify
        self._seen: dict[tuple[str, str], Seen] = {}
        self._followers = [_Follower(server, namespace, self) for namespace in namespaces or ("",)]
        self.synced = asyncio.Event()

    @property
    def trouble(self) -> str | None:
        """Why some Secrets are not followed at the moment; None: all are."""
        return next((follower.trouble for follower in self._followers if follower.trouble is not None), None)

    def get(self, namespace: str, name: str) -> Seen | None:
        """What the watch saw last; None is only a hint that it is not there."""
        return self._seen.get((namespace, name))

    def items(self) -> Iterator[tuple[tuple[str, str], Seen]]:
        """All that is seen now."""
        return iter(list(self._seen.items()))

    async def run(self) -> None:
        """List and watch for ever."""
        await asyncio.gather(*(follower.run() for follower in self._followers))

    def replace(self, namespace: str, found: Mapping[tuple[str, str], ObjectMetadata]) -> None:
        """A list of one namespace, or of all where it is empty, was read to its end."""
        for gone in self._seen.keys() - found.keys():
            if namespace in {"", gone[0]}:
                self.forget(*gone)
        for meta in found.values():
            self.upsert(meta)
        if all(follower.has_listed for follower in self._followers):
            self.synced.set()

    def upsert(self, meta: ObjectMetadata) -> None:
        """A Secret is there in this version."""
        seen = self._summarise(meta)
        if self._seen.get((meta.namespace, meta.name)) != seen:
            self._seen[meta.namespace, meta.name] = seen
            self._notify(meta.namespace, meta.name, seen, is_gone=False)

    def forget(self, namespace: str, name: str) -> None:
        """A Secret is gone."""
        seen = self._seen.pop((namespace, name), None)
        if seen is not None:
            self._notify(namespace, name, seen, is_gone=True)


class _Follower:
    """List and watch of one path; what it sees goes into the store that the others share."""

    def __init__(self, server: APIServer, namespace: str, store: SecretWatch) -> None:
        self._server = server
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"
        self._store = store
        self.has_listed = False
        self.trouble: str | None = None

    async def run(self) -> None:
        """Trouble is told once, kept for the probes, and tried again with growing pauses."""
        failures = 0
        while True:
            try:
                version = await self._list()
                self.trouble, failures = None, 0
                await self._follow(version)
            except ExpiredError:
                continue
            except KubeError as error:
                if self.trouble is None:
                    _log.warning("the Secret watch is interrupted: %s", error)
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
        self.has_listed = True
        self._store.replace(self._namespace, found)
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
                self._store.forget(meta.namespace, meta.name)
            case _:
                self._store.upsert(metadata_of(body))
        return str((body.get("metadata") or {}).get("resourceVersion", ""))
