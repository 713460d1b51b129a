"""Kopf's watches: every event is stored and its key enqueued, in microseconds, and nothing else happens here.

Kopf is used for what it does well, watching; its change detection, timers, finalizers and retries would cost a write
and tens of kilobytes per object, so none of them is used. What its watches cannot do (tell what was deleted while they
were away, say when the first list is complete) is in ``handlers.sweep``.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import kopf

from certwright.handlers.inventory import Inventory
from certwright.kube.connection import Connection
from certwright.kube.objects import PLURALS
from certwright.model.metadata import GROUP, VERSION, Key, Kind
from certwright.runtime.queue import WorkQueue

CONNECTIONS = 10

_log = logging.getLogger(__name__)


class Intake:
    """Turns events into inventory and keys."""

    def __init__(self, inventory: Inventory, queue: WorkQueue[Key]) -> None:
        self._inventory = inventory
        self._queue = queue
        self.is_open = True

    def take(self, kind: str, event: Mapping[str, Any]) -> None:
        """One watch event. An object without the metadata that every object has is logged and left alone."""
        body = event["object"]
        key = Key(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])
        if not self.is_open:
            return
        try:
            if event["type"] == "DELETED":
                self._inventory.forget(key)
                self._queue.add(key)
            elif kind == Kind.CERTIFICATE:
                self._take_certificate(key, body)
            else:
                self._take_issuer(key, body)
        except (ValueError, KeyError, TypeError) as error:
            _log.error("%s cannot be read and is left alone: %s", key, str(error)[:500])

    def _take_certificate(self, key: Key, body: Mapping[str, Any]) -> None:
        known = self._inventory.certificates.get(key)
        if known is not None and (known.uid, known.version) == _identity(body):
            return  # Our own write, come back.
        record = self._inventory.upsert_certificate(key, body)
        self._queue.add(key, urgency=record.not_after.timestamp() if record.not_after else None)

    def _take_issuer(self, key: Key, body: Mapping[str, Any]) -> None:
        known = self._inventory.issuers.get(key)
        if known is not None and _identity(known) == _identity(body):
            return
        self._inventory.upsert_issuer(key, body)
        self._queue.add(key)


def _identity(body: Mapping[str, Any]) -> tuple[str, int]:
    return body["metadata"]["uid"], int(body["metadata"]["resourceVersion"])


def kinds_watched(*, is_clusterwide: bool) -> tuple[str, ...]:
    """ClusterIssuers are neither watched nor served where only some namespaces are."""
    return (Kind.CERTIFICATE, Kind.ISSUER, Kind.CLUSTER_ISSUER) if is_clusterwide else (Kind.CERTIFICATE, Kind.ISSUER)


def registry(intake: Intake, connection: Connection, *, is_clusterwide: bool) -> kopf.OperatorRegistry:
    """The handlers: a login that uses our connection's settings, and one intake per kind."""
    made = kopf.OperatorRegistry()

    @kopf.on.login(registry=made)
    async def login(**_: Any) -> kopf.AiohttpSession:
        session = await connection.session(connections=CONNECTIONS)
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=session)

    for kind in kinds_watched(is_clusterwide=is_clusterwide):
        _register(made, intake, kind)
    return made


def _register(made: kopf.OperatorRegistry, intake: Intake, kind: str) -> None:
    @kopf.on.event(GROUP, VERSION, PLURALS[kind], registry=made, id=kind)
    async def take(event: kopf.RawEvent, **_: Any) -> None:
        intake.take(kind, event)


class NoProgress(kopf.ProgressStorage):
    """Kopf keeps no progress of handlers: there is none."""

    def fetch(self, **_: Any) -> None:
        """Nothing was ever stored."""

    def store(self, **_: Any) -> None:
        """Nothing is stored."""

    def purge(self, **_: Any) -> None:
        """Nothing is there to purge."""

    def touch(self, **_: Any) -> None:
        """Nothing is written to an object."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Leave the body as it is: copying it is a third of the cost of an event."""
        return essence


class NoDifferences(kopf.DiffBaseStorage):
    """Kopf compares nothing: generations tell what changed."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """No essence."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        """None was stored."""

    def store(self, **_: Any) -> None:
        """None is stored."""


class EndlessBackoffs:
    """Never gives up on a watch, and can be iterated anew: an API server that is away is waited for."""

    def __iter__(self) -> Iterator[float]:
        """Growing pauses, then always the longest."""
        yield from (1, 2, 5, 10)
        while True:
            yield 30


def settings() -> kopf.OperatorSettings:
    """Kopf tuned for ten thousand objects and no writes; each value's reason is in docs/decisions."""
    tuned = kopf.OperatorSettings()
    tuned.peering.standalone = True
    tuned.posting.enabled = False
    tuned.scanning.disabled = True
    tuned.watching.chunk_size = 500
    tuned.watching.inactivity_timeout = 70
    tuned.watching.connect_timeout = 10
    tuned.queueing.worker_limit = 100
    tuned.queueing.idle_timeout = 0.01
    tuned.networking.error_backoffs = EndlessBackoffs()
    tuned.networking.request_timeout = 60
    tuned.persistence.progress_storage = NoProgress()
    tuned.persistence.diffbase_storage = NoDifferences()
    return tuned
