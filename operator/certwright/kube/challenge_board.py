"""The one ConfigMap with the pending HTTP-01 answers, and the watch that shows it to every replica.

``handlers.challenge_board`` writes to it in batches. Every replica follows it, because a CA may reach any of them,
whichever of them leads.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.errors import ConflictError, KubeError, NotFoundError
from certwright.kube.following import Follower
from certwright.kube.objects import core_path
from certwright.kube.permissions import Rule, Scope
from certwright.model.metadata import FIELD_MANAGER, LABEL_MANAGED, LABEL_ROLE, ROLE_HTTP01_BOARD

RULES = (Rule("", ("configmaps",), ("get", "list", "watch", "create", "patch"), Scope.OPERATOR),)

NAME = "certwright-http01"
LARGEST = 1024 * 1024
"""Bytes of keys and values that the API server accepts in one ConfigMap: about 3,000 pending names."""


Pair = tuple[str, str]
"""A host and a token."""


class BoardFullError(KubeError):
    """More names are being proved at once than one ConfigMap holds; room comes back as proofs are withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One pending answer and the Certificate that it is for."""

    host: str
    token: str
    key_authorization: str = field(repr=False)
    certificate_uid: str

    @property
    def pair(self) -> Pair:
        """What a request must ask for to get this answer."""
        return (self.host, self.token)


class ChallengeConfigMap:
    """The ConfigMap ``certwright-http01`` of the operator's namespace; made by whoever writes first.

    ``answers`` is one dict for the whole life of the process, always as new as the newest version seen: our own
    writes are in it when `write` returns, everybody's come by the watch.
    """

    def __init__(
        self, server: APIServer, *, namespace: str, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._server = server
        self._namespace = namespace
        self._list_path = core_path("configmaps", namespace)
        self._path = core_path("configmaps", namespace, NAME)
        self._data: dict[str, str] = {}
        self._version = 0
        self.answers: dict[Pair, str] = {}
        self.synced = asyncio.Event()
        self._follower = Follower(
            server,
            self._list_path,
            self,
            what=f"ConfigMap {namespace}/{NAME}",
            selector={"fieldSelector": f"metadata.name={NAME}"},
            pause=pause,
        )

    @property
    def trouble(self) -> str | None:
        """Why answers of other replicas may be missing at the moment."""
        return self._follower.trouble

    async def run(self) -> None:
        """List and watch for ever."""
        await self._follower.run()

    async def write(self, changes: Mapping[Pair, Entry | None]) -> frozenset[Pair]:
        """Store entries and remove those that are None, with one request; returns the pairs there was no room for.

        Raises `KubeError` if nothing was written, as far as one can know.
        """
        wanted = {_key(pair): _encoded(entry) for pair, entry in changes.items()}
        refused = self._beyond_limit(wanted)
        if wanted.keys() - refused:
            await self._patch({key: value for key, value in wanted.items() if key not in refused})
        return frozenset(pair for pair in changes if _key(pair) in refused)

    async def sweep(self, live_uids: Callable[[], Collection[str]]) -> int:
        """Remove what no enrolment needs any more, and what nobody can read; returns how many entries that were.

        ``live_uids`` is asked at the last moment, so that an enrolment that began meanwhile keeps its answers.
        """
        await self.synced.wait()
        live = frozenset(live_uids())
        dead = [key for key, value in self._data.items() if not _is_for(_decoded(value), live)]
        if dead:
            await self._patch(dict.fromkeys(dead))
        return len(dead)

    def _beyond_limit(self, wanted: Mapping[str, str | None]) -> frozenset[str]:
        """The newest of ``wanted`` that would make the ConfigMap larger than the API server takes."""
        total = sum(_size(key, value) for key, value in self._data.items() if key not in wanted)
        refused = set[str]()
        for key, value in wanted.items():
            if value is not None and total + _size(key, value) > LARGEST:
                refused.add(key)
            total += _size(key, value) if value is not None and key not in refused else 0
        return frozenset(refused)

    async def _patch(self, data: Mapping[str, str | None]) -> None:
        try:
            written = await self._server.merge(self._path, {"data": data}, manager=FIELD_MANAGER)
        except NotFoundError:
            written = await self._create(data)
        self._take(written)

    async def _create(self, data: Mapping[str, str | None]) -> Mapping[str, Any]:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": NAME,
                "namespace": self._namespace,
                "labels": {LABEL_MANAGED: "true", LABEL_ROLE: ROLE_HTTP01_BOARD},
            },
            "data": {key: value for key, value in data.items() if value is not None},
        }
        try:
            made: Mapping[str, Any] = await self._server.create(self._list_path, body)
        except ConflictError:  # Someone was faster: theirs takes the change as well.
            made = await self._server.merge(self._path, {"data": data}, manager=FIELD_MANAGER)
        return made

    def listed(self, items: Sequence[Mapping[str, Any]], version: str) -> None:
        """The ConfigMap as it is, or nothing."""
        self._take(next(iter(items), {"metadata": {"resourceVersion": version}}))
        self.synced.set()

    def changed(self, body: Mapping[str, Any]) -> None:
        """Somebody wrote it."""
        self._take(body)

    def deleted(self, body: Mapping[str, Any]) -> None:
        """Somebody took it away."""
        self._take({**body, "data": None})

    def _take(self, body: Mapping[str, Any]) -> None:
        """Show one version of the ConfigMap, unless a newer one, such as our own last write, is already shown."""
        version = int(_version_of(body) or 0)
        if version < self._version:
            return
        data: Mapping[str, str] = body.get("data") or {}
        # Entries are parsed once: with thousands pending, every write brings all of them again.
        for key in [key for key, value in self._data.items() if data.get(key) != value]:
            self._forget(key)
        for key in data.keys() - self._data.keys():
            self._remember(key, data[key])
        self._version = version

    def _remember(self, key: str, value: str) -> None:
        self._data[key] = value
        entry = _decoded(value)
        if entry is not None:
            self.answers[entry.pair] = entry.key_authorization

    def _forget(self, key: str) -> None:
        entry = _decoded(self._data.pop(key))
        if entry is not None:
            self.answers.pop(entry.pair, None)


def _key(pair: Pair) -> str:
    """A name that a ConfigMap's data may have, the same for the same pair; hosts and tokens may not be such names."""
    return hashlib.sha256("\n".join(pair).encode()).hexdigest()[:40]


def _encoded(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    host, token, key_authorization, certificate_uid = asdict(entry).values()
    told = {"host": host, "token": token, "keyAuthorization": key_authorization, "certificateUID": certificate_uid}
    return json.dumps(told, separators=(",", ":"))


def _decoded(value: str) -> Entry | None:
    """The entry, or None for what someone else wrote there."""
    try:
        told = json.loads(value)
        return Entry(
            host=str(told["host"]),
            token=str(told["token"]),
            key_authorization=str(told["keyAuthorization"]),
            certificate_uid=str(told["certificateUID"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _is_for(entry: Entry | None, live: Collection[str]) -> bool:
    return entry is not None and entry.certificate_uid in live


def _size(key: str, value: str | None) -> int:
    return len(key) + len((value or "").encode())


def _version_of(body: Mapping[str, Any]) -> str:
    return str((body.get("metadata") or {}).get("resourceVersion", ""))
