"""Mark and sweep: one metadata-only list per kind, at the start and every ten minutes.

At the start it tells when the watches have shown everything that exists, before which nobody works; later it finds
what the watches missed, for a watch that was cut off never tells what was deleted meanwhile.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from certwright.handlers.inventory import Inventory
from certwright.kube.errors import KubeError
from certwright.kube.resources import Resources
from certwright.kube.secret_watch import SecretWatch
from certwright.model.metadata import Key, Kind, ObjectMetadata
from certwright.runtime.clock import Clock, sleep
from certwright.runtime.queue import WorkQueue

_log = logging.getLogger(__name__)

PERIOD = timedelta(minutes=10)
FIRST_LOOK = timedelta(milliseconds=20)
LATER_LOOK = timedelta(milliseconds=200)
LIST_AGAIN = 25
"""Looks after which the lists are read again: an object of the first one may have been deleted unseen."""


class Sweep:
    """Compares the inventory with what the API server lists."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        resources: Resources,
        watch: SecretWatch | None,
        queue: WorkQueue[Key],
        kinds: Sequence[str],
        namespaces: Sequence[str],
        clock: Clock,
    ) -> None:
        self._inventory = inventory
        self._resources = resources
        self._watch = watch
        self._queue = queue
        self._kinds = kinds
        self._namespaces = namespaces or ("",)
        self._clock = clock
        self.is_synced = False
        self.on_synced: list[Callable[[], object]] = []

    async def run(self) -> None:
        """Wait until the watches are complete, then sweep for ever."""
        await self._sync()
        for hook in self.on_synced:
            hook()
        while True:
            await sleep(self._clock, PERIOD)
            try:
                await self._sweep()
            except KubeError as error:
                _log.warning("the periodic list failed and is made again in %s: %s", PERIOD, error)

    async def _sync(self) -> None:
        looks = 0
        listed = await self._list_patiently()
        while not self._has_all(listed):
            await sleep(self._clock, FIRST_LOOK if looks < LIST_AGAIN else LATER_LOOK)
            looks += 1
            if looks % LIST_AGAIN == 0:
                listed = await self._list_patiently()
        if self._watch is not None:
            await self._watch.synced.wait()
        self._compare_with_secrets()
        self.is_synced = True

    async def _list_patiently(self) -> dict[Key, ObjectMetadata]:
        while True:
            try:
                return await self._list()
            except KubeError as error:
                _log.warning("the first list failed and is made again: %s", error)
                await sleep(self._clock, timedelta(seconds=2))

    async def _list(self) -> dict[Key, ObjectMetadata]:
        found: dict[Key, ObjectMetadata] = {}
        for kind in self._kinds:
            for namespace in self._namespaces if kind != Kind.CLUSTER_ISSUER else ("",):
                for meta in await self._resources.list_metadata(kind, namespace):
                    found[Key(kind, meta.namespace, meta.name)] = meta
        return found

    def _has_all(self, listed: dict[Key, ObjectMetadata]) -> bool:
        return all(self._inventory.holds(key, meta) for key, meta in listed.items())

    def _compare_with_secrets(self) -> None:
        """Each settled Certificate once: one whose Secret changed while nobody watched is not settled."""
        for key in self._inventory.keys(Kind.CERTIFICATE):
            self._queue.add(key)

    async def _sweep(self) -> None:
        before = {kind: set(self._inventory.keys(kind)) for kind in self._kinds}
        listed = await self._list()
        for kind in self._kinds:
            for key in before[kind] - listed.keys():
                _log.info("%s was deleted unseen", key)
                self._inventory.forget(key)
                self._queue.add(key)
        for key, meta in listed.items():
            if not self._inventory.holds(key, meta):
                await self._read(key)
            elif self._watch is None:
                self._queue.add(key)

    async def _read(self, key: Key) -> None:
        """A change that no watch has shown yet, and perhaps never will: whoever looks at the key would not see it."""
        body = await self._resources.get(key)
        if body is None:
            self._inventory.forget(key)
        elif key.kind == Kind.CERTIFICATE:
            self._inventory.upsert_certificate(key, body)
        else:
            self._inventory.upsert_issuer(key, body)
        self._queue.add(key)
