"""Certificates, Issuers and ClusterIssuers: read whole, listed by metadata.

Nothing of them is written but their status and, where ``spec.revocation`` asks for it, a Certificate's finalizer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from certwright.kube.client import METADATA_ONLY_LIST, APIServer
from certwright.kube.errors import NotFoundError
from certwright.kube.objects import PLURALS, path_of
from certwright.kube.permissions import Rule, Scope
from certwright.model.metadata import API_VERSION, FIELD_MANAGER, GROUP, Key, Kind, ObjectMetadata, metadata_of

RULES = (
    Rule(GROUP, (PLURALS[Kind.CERTIFICATE], PLURALS[Kind.ISSUER]), ("get", "list", "watch"), Scope.WATCHED),
    Rule(GROUP, ("certificates/status", "issuers/status"), ("patch",), Scope.WATCHED),
    Rule(GROUP, (PLURALS[Kind.CERTIFICATE],), ("patch",), Scope.WATCHED),
    Rule(GROUP, (PLURALS[Kind.CLUSTER_ISSUER],), ("get", "list", "watch"), Scope.CLUSTER),
    Rule(GROUP, ("clusterissuers/status",), ("patch",), Scope.CLUSTER),
)

PAGE = "500"


class Resources:
    """The three kinds on one API server."""

    def __init__(self, server: APIServer) -> None:
        self._server = server

    async def get(self, key: Key) -> Mapping[str, Any] | None:
        """The object as the API server holds it now, or None where it says 404."""
        try:
            body: Mapping[str, Any] = await self._server.get(path_of(*key))
        except NotFoundError:
            return None
        return body

    async def list_metadata(self, kind: str, namespace: str = "") -> list[ObjectMetadata]:
        """Every object's metadata, page by page; the bodies stay where they are."""
        found: list[ObjectMetadata] = []
        query = {"limit": PAGE}
        while True:
            page = await self._server.get(path_of(kind, namespace), query=query, accept=METADATA_ONLY_LIST)
            found += [metadata_of(item) for item in page.get("items") or ()]
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return found
            query = {"limit": PAGE, "continue": token}

    async def write_status(self, kind: str, metadata: ObjectMetadata, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Apply the whole status that we own; returns the object as it is now.

        `ConflictError` where the object was changed or made anew since ``metadata`` was read: a decision that rests on
        what it was then must be taken again.
        """
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": metadata.name, "uid": metadata.uid, "resourceVersion": metadata.resource_version},
            "status": status,
        }
        path = path_of(kind, metadata.namespace, metadata.name) + "/status"
        written: Mapping[str, Any] = await self._server.apply(path, body, manager=FIELD_MANAGER, force=True)
        return written

    async def write_finalizers(self, metadata: ObjectMetadata, finalizers: Sequence[str]) -> Mapping[str, Any]:
        """Set all finalizers of a Certificate; returns it as it is now, or was when the last of them let it go.

        A merge patch replaces the list, so that `ConflictError` where the object was changed since it was read is what
        keeps another controller's finalizer from being lost.
        """
        pinned = {"uid": metadata.uid, "resourceVersion": metadata.resource_version, "finalizers": list(finalizers)}
        path = path_of(Kind.CERTIFICATE, metadata.namespace, metadata.name)
        written: Mapping[str, Any] = await self._server.merge(path, {"metadata": pinned}, manager=FIELD_MANAGER)
        return written
