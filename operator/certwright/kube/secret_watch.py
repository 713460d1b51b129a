"""A metadata-only watch of the Secrets that we wrote, so that a deleted or edited one is noticed at once.

Kopf would hold whole Secrets, keys and all. Absence here is a hint that something should be looked at, never proof.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from certwright.kube.client import APIServer
from certwright.kube.following import Follower
from certwright.model.metadata import LABEL_MANAGED, ObjectMetadata, metadata_of

SELECTOR = {"labelSelector": f"{LABEL_MANAGED}=true"}


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
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._summarise = summarise
        self._notify = notify
        self._seen: dict[tuple[str, str], Seen] = {}
        self._parts = [_Part(namespace, self) for namespace in namespaces or ("",)]
        self._followers = [
            Follower(server, part.path, part, what="Secrets", selector=SELECTOR, is_metadata_only=True, pause=pause)
            for part in self._parts
        ]
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
        if all(part.has_listed for part in self._parts):
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


@dataclass(slots=True)
class _Part:
    """What is seen of one namespace, or of all where it is empty; it goes into the store that all parts share."""

    namespace: str
    store: SecretWatch
    has_listed: bool = False

    @property
    def path(self) -> str:
        """Where its Secrets are listed."""
        return f"/api/v1/namespaces/{self.namespace}/secrets" if self.namespace else "/api/v1/secrets"

    def listed(self, items: Sequence[Mapping[str, Any]], _version: str) -> None:
        """Everything there is."""
        self.has_listed = True
        found = {(meta.namespace, meta.name): meta for meta in map(metadata_of, items)}
        self.store.replace(self.namespace, found)

    def changed(self, body: Mapping[str, Any]) -> None:
        """One of them."""
        self.store.upsert(metadata_of(body))

    def deleted(self, body: Mapping[str, Any]) -> None:
        """One of them, gone."""
        meta = metadata_of(body)
        self.store.forget(meta.namespace, meta.name)
