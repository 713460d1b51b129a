"""What all objects have in common that lead HTTP-01 requests to the operator: names, labels, and how they are found.

One challenge has one name, so that making its route twice finds the first one; the label with the Certificate's UID
tells the sweep whom it is for, since an ownerReference cannot cross namespaces.
"""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from certwright.kube.client import METADATA_ONLY_LIST, APIServer
from certwright.kube.errors import NotFoundError
from certwright.model.metadata import (
    LABEL_CERTIFICATE_UID,
    LABEL_MANAGED,
    LABEL_ROLE,
    ROLE_HTTP01_ROUTE,
    ObjectMetadata,
    metadata_of,
)
from certwright.model.solving import Proof

PREFIX = "certwright-http01-"
SELECTOR = f"{LABEL_MANAGED}=true,{LABEL_ROLE}={ROLE_HTTP01_ROUTE}"
PAGE = "500"

LiveUIDs = Callable[[], Collection[str]]
"""The UIDs of the Certificates that have an enrolment under way; asked after the objects to sweep were listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderService:
    """The Service in front of the operator's HTTP-01 responders. Its port is a number: other namespaces need that."""

    namespace: str
    name: str
    port: int
    cluster_domain: str = "cluster.local"

    @property
    def dns_name(self) -> str:
        """The name that every pod of the cluster can look up."""
        return f"{self.name}.{self.namespace}.svc.{self.cluster_domain}"


class Turns:
    """One at a time for each key; keys that nobody waits for take no memory."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for the turn of ``key``."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield


def route_name(proof: Proof) -> str:
    """The name of the objects for one (host, token), a valid name even for a Service."""
    return PREFIX + hashlib.sha256("\n".join(proof.identity).encode()).hexdigest()[:20]


def route_labels(proof: Proof | None = None) -> dict[str, str]:
    """Our labels; without a proof those of an object that several challenges share."""
    labels = {LABEL_MANAGED: "true", LABEL_ROLE: ROLE_HTTP01_ROUTE}
    return labels | ({LABEL_CERTIFICATE_UID: proof.certificate.uid} if proof else {})


def hostname(proof: Proof) -> str:
    """The host that a route may name; empty for an IP address, which neither Ingress nor HTTPRoute can name."""
    try:
        ipaddress.ip_address(proof.name)
    except ValueError:
        return proof.name
    return ""


async def listed(server: APIServer, path: str) -> list[ObjectMetadata]:
    """The metadata of our route objects under a collection's path; none where the API server has no such kind.

    Labels are anybody's to set, so an object needs a name of ours as well before the sweep may touch it.
    """
    found: list[ObjectMetadata] = []
    query = {"labelSelector": SELECTOR, "limit": PAGE}
    while True:
        try:
            page: Mapping[str, Any] = await server.get(path, query=query, accept=METADATA_ONLY_LIST)
        except NotFoundError:
            return found
        objects = [metadata_of(item) for item in page.get("items") or ()]
        found += [each for each in objects if each.name.startswith(PREFIX)]
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return found
        query = {"labelSelector": SELECTOR, "limit": PAGE, "continue": token}


def dead(objects: Sequence[ObjectMetadata], live_uids: LiveUIDs) -> list[ObjectMetadata]:
    """Those that no enrolment needs any more."""
    live = frozenset(live_uids())
    return [each for each in objects if each.labels.get(LABEL_CERTIFICATE_UID) not in live]


async def gone(server: APIServer, path: str, *, uid: str = "") -> None:
    """Delete; what is gone already is no error."""
    try:
        await server.delete(path, uid=uid)
    except NotFoundError:
        return
