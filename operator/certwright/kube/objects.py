"""Reads what every Kubernetes object has in common; the only place that knows metadata's spelling on the wire."""

from collections.abc import Mapping
from typing import Any

from certwright.model.metadata import API_VERSION, Kind, ObjectMetadata

PLURALS = {Kind.CERTIFICATE: "certificates", Kind.ISSUER: "issuers", Kind.CLUSTER_ISSUER: "clusterissuers"}


def metadata_of(body: Mapping[str, Any]) -> ObjectMetadata:
    """The metadata of any object; missing parts are empty."""
    meta = body.get("metadata") or {}
    return ObjectMetadata(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""),
        generation=meta.get("generation", 0),
        is_deleting=bool(meta.get("deletionTimestamp")),
        creation_timestamp=meta.get("creationTimestamp", ""),
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
    )


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """The path of an object of one of our kinds, or of their list in a namespace."""
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{API_VERSION}{where}/{PLURALS[kind]}" + (f"/{name}" if name else "")


def core_path(plural: str, namespace: str, name: str = "") -> str:
    """The path of a namespaced object of the core group."""
    return f"/api/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")
