"""An API server in memory behind the real client's interface: what `APIServer` sends is answered without a socket.

It keeps resourceVersions, UIDs, generations, preconditions, selectors, watches and (by `tests.fakes.ownership`) what
server-side apply owns. It knows no schema: what a real API server refuses as invalid is accepted here.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from certwright.kube.client import APPLY, JSON, METADATA_ONLY, METADATA_ONLY_LIST, APIServer
from certwright.kube.errors import KubeError, UnavailableError, error_for
from tests.fakes.api_paths import Identity, Place, place_of
from tests.fakes.ownership import Ownership, merged

BUILT_IN = frozenset(
    {
        "/api/v1",
        "/apis/certwright.io/v1alpha1",
        "/apis/coordination.k8s.io/v1",
        "/apis/events.k8s.io/v1",
        "/apis/networking.k8s.io/v1",
    }
)
GATEWAY_API = frozenset({"/apis/gateway.networking.k8s.io/v1", "/apis/gateway.networking.k8s.io/v1beta1"})


@dataclass(slots=True)
class Stored:
    """One object and who owns which of its fields."""

    body: dict[str, Any]
    ownership: Ownership = field(default_factory=Ownership)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history from which watches are fed."""

    version: int
    kind: str
    identity: Identity
    body: dict[str, Any]


class FakeAPIServer(APIServer):
    """Objects by place. ``trouble`` is asked before each request: a status that is not None is the answer.

    ``groups`` are the API groups that are served; every path of another answers 404, as without its CRDs.
    """

    def __init__(self, *, groups: Collection[str] = BUILT_IN) -> None:  # not super(): there is nothing to connect to
        self.groups = set(groups)
        self.objects: dict[Identity, Stored] = {}
        self.requests: list[tuple[str, str]] = []
        self.trouble: Callable[[str, str], int | None] = lambda _method, _path: None
        self.terminating: set[str] = set()
        """Namespaces in which nothing new may be made."""
        self.oldest_version = 0
        self.version = 100
        self.connections = 0
        self.now: Callable[[], datetime] = lambda: datetime(2030, 1, 1, tzinfo=UTC)
        """The time of deletions that a finalizer holds up."""
        self._history: list[Change] = []
        self._changed = asyncio.Condition()

    async def close(self) -> None:
        """There is nothing to close."""

    def names(self, plural: str, namespace: str = "") -> list[str]:
        """The names of what is stored, for expectations."""
        return sorted(key[3] for key in self.objects if key[1] == plural and namespace in {"", key[2]})

    def body(self, plural: str, name: str) -> dict[str, Any]:
        """The one stored object of that name."""
        (found,) = (stored for key, stored in self.objects.items() if (key[1], key[3]) == (plural, name))
        return copy.deepcopy(found.body)

    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [request for request in self.requests if request[0] != "GET"]

    async def break_connections(self, *, forget: bool = False) -> None:
        """End every watch; with ``forget`` older versions answer 410 from now on."""
        if forget:
            self.version += 1
            self.oldest_version = self.version
        self.connections += 1
        await self._announce()

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
        """Answer one request, or raise what the real client would."""
        await asyncio.sleep(0)
        self.requests.append((method, path))
        place = self._place(method, path)
        manager = (query or {}).get("fieldManager", "certwright")
        match method:
            case "GET":
                answer = self._read(place, query or {}, accept)
            case "POST":
                answer = self._create(place, body or {}, manager)
            case "PUT":
                answer = self._replace(place, body or {}, manager)
            case "PATCH" if content_type == APPLY:
                answer = self._apply(place, body or {}, manager, force=(query or {}).get("force") == "true")
            case "PATCH":
                answer = self._merge(place, body or {}, manager)
            case _:
                answer = self._delete(place, (body or {}).get("preconditions") or {})
        await self._announce()
        return copy.deepcopy(answer)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        query: Mapping[str, str],
        accept: str,
        timeout_seconds: float,  # noqa: ARG002
    ) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """Open a watch; it ends when `break_connections` says so."""
        self.requests.append(("WATCH", path))
        place = self._place("WATCH", path)
        since = int(query.get("resourceVersion", "0"))
        if since < self.oldest_version:
            raise error_for(410, {"message": "too old resource version"}, call=f"WATCH {path}")
        yield self._events(place, query, since, accept)

    async def _events(
        self, place: Place, query: Mapping[str, str], since: int, accept: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        connection = self.connections
        while True:
            for change in [change for change in self._history if change.version > since]:
                since = change.version
                if place.holds(change.identity) and _is_selected(change.body, query):
                    yield {"type": change.kind, "object": _shown(change.body, accept)}
            if connection != self.connections:
                raise UnavailableError(f"WATCH {place.plural}: the connection was lost")
            async with self._changed:
                if not self._history or self._history[-1].version <= since:
                    await self._changed.wait()

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _place(self, method: str, path: str) -> Place:
        status = self.trouble(method, path)
        if status == 0:
            raise UnavailableError(f"{method} {path}: no answer")
        if status is not None:
            raise _refusal(status, f"{method} {path}")
        place = place_of(path)
        if place is None or place.root not in self.groups:
            raise _refusal(404, f"{method} {path}")
        return place

    def _read(self, place: Place, query: Mapping[str, str], accept: str) -> dict[str, Any]:
        if place.name:
            return _shown(self._stored(place).body, accept)
        found = [stored.body for identity, stored in sorted(self.objects.items()) if place.holds(identity)]
        items = [_shown(body, accept) for body in found if _is_selected(body, query)]
        return {"kind": "List", "metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _create(self, place: Place, body: Mapping[str, Any], manager: str) -> dict[str, Any]:
        meta = body["metadata"]
        named = Place(place.root, place.namespace, place.plural, meta["name"], is_status=False)
        if named.identity in self.objects:
            raise _refusal(409, f"POST {place.plural} {meta['name']}", reason="AlreadyExists")
        return self._insert(named, body, manager).body

    def _insert(self, place: Place, body: Mapping[str, Any], manager: str) -> Stored:
        if place.namespace in self.terminating:
            told = {"message": "being terminated", "details": {"causes": [{"reason": "NamespaceTerminating"}]}}
            raise error_for(403, told, call=f"POST {place.plural}")
        stored = Stored(copy.deepcopy(dict(body)))
        meta = stored.body["metadata"] = dict(stored.body.get("metadata") or {})
        meta |= {"name": place.name, "uid": f"uid-{self.version}", "generation": 1}
        meta |= {"namespace": place.namespace} if place.namespace else {}
        stored.ownership.claim(manager, stored.body)
        self.objects[place.identity] = stored
        self._record("ADDED", place, stored.body)
        return stored

    def _replace(self, place: Place, body: Mapping[str, Any], manager: str) -> dict[str, Any]:
        stored = self._stored(place)
        self._check(stored, body.get("metadata") or {})
        wanted = copy.deepcopy(dict(body))
        wanted["metadata"] = {**wanted["metadata"], **_kept(stored.body["metadata"])}
        return self._update(place, stored, wanted, manager)

    def _merge(self, place: Place, body: Mapping[str, Any], manager: str) -> dict[str, Any]:
        stored = self._stored(place)
        self._check(stored, body.get("metadata") or {})
        wanted: dict[str, Any] = merged(stored.body, body)
        wanted["metadata"] |= _kept(stored.body["metadata"])
        return self._update(place, stored, wanted, manager)

    def _apply(self, place: Place, body: Mapping[str, Any], manager: str, *, force: bool) -> dict[str, Any]:
        stored = self.objects.get(place.identity)
        if stored is None:
            if (body.get("metadata") or {}).get("uid") or place.is_status:
                raise _refusal(409, f"PATCH {place.plural} {place.name}", reason="Conflict")
            return self._insert(place, body, manager).body
        self._check(stored, body.get("metadata") or {})
        wanted, conflicts = stored.ownership.applied(stored.body, body, manager)
        if conflicts and not force:
            raise _refusal(409, f"PATCH {place.plural} {place.name}: {conflicts}", reason="Conflict")
        wanted["metadata"] |= _kept(stored.body["metadata"])
        return self._update(place, stored, wanted, "")

    def _update(self, place: Place, stored: Stored, wanted: dict[str, Any], manager: str) -> dict[str, Any]:
        before = stored.body
        if wanted == before:
            return before
        if manager:
            stored.ownership.changed(manager, before, wanted)
        stored.body = wanted
        wanted["metadata"]["generation"] += int(before.get("spec") != wanted.get("spec"))
        self._record("MODIFIED", place, wanted)
        if before["metadata"].get("finalizers") and _is_released(wanted["metadata"]):
            self._remove(place, stored)
        return wanted

    def _delete(self, place: Place, preconditions: Mapping[str, str]) -> dict[str, Any]:
        stored = self._stored(place)
        self._check(stored, preconditions)
        if stored.body["metadata"].get("finalizers"):
            return self._begin_deletion(place, stored)
        return self._remove(place, stored)

    def _begin_deletion(self, place: Place, stored: Stored) -> dict[str, Any]:
        """Whoever put a finalizer on it must take it away first."""
        if "deletionTimestamp" not in stored.body["metadata"]:
            stored.body = copy.deepcopy(stored.body)
            stored.body["metadata"]["generation"] += 1
            stored.body["metadata"]["deletionTimestamp"] = self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            self._record("MODIFIED", place, stored.body)
        return stored.body

    def _remove(self, place: Place, stored: Stored) -> dict[str, Any]:
        del self.objects[place.identity]
        self._record("DELETED", place, stored.body)
        return {"kind": "Status", "status": "Success"}

    def _record(self, kind: str, place: Place, body: dict[str, Any]) -> None:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self._history.append(Change(self.version, kind, place.identity, copy.deepcopy(body)))

    def _stored(self, place: Place) -> Stored:
        try:
            return self.objects[place.identity]
        except KeyError:
            raise _refusal(404, f"{place.plural} {place.name}", reason="NotFound") from None

    def _check(self, stored: Stored, wanted: Mapping[str, Any]) -> None:
        meta = stored.body["metadata"]
        for name in ("uid", "resourceVersion"):
            if wanted.get(name) and wanted[name] != meta[name]:
                raise _refusal(409, f"{meta['name']}: {name} is another", reason="Conflict")


def _kept(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion", "generation") if name in meta}


def _is_released(meta: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in meta and not meta.get("finalizers")


def _shown(body: dict[str, Any], accept: str) -> dict[str, Any]:
    is_metadata_only = accept in {METADATA_ONLY, METADATA_ONLY_LIST}
    return {"kind": "PartialObjectMetadata", "metadata": body["metadata"]} if is_metadata_only else body


def _is_selected(body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    meta = body["metadata"]
    labels = meta.get("labels") or {}
    by_label = [part.partition("=") for part in query.get("labelSelector", "").split(",") if part]
    by_field = [part.partition("=") for part in query.get("fieldSelector", "").split(",") if part]
    named = {"metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", "")}
    return all((name in labels) if not is_ else labels.get(name) == value for name, is_, value in by_label) and all(
        named[name] == value for name, _, value in by_field
    )


def _refusal(status: int, call: str, *, reason: str = "") -> KubeError:
    return error_for(status, {"message": f"refused with {status}", "reason": reason}, call=call)
