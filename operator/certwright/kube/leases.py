"""The Lease by which replicas choose a leader; ``runtime`` elects, ``handlers`` hands this to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.errors import NotFoundError
from certwright.kube.permissions import Rule, Scope

RULES = (Rule("coordination.k8s.io", ("leases",), ("get", "create", "update"), Scope.OPERATOR),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A Lease's spec and the version that it was read at."""

    holder: str
    duration_seconds: int
    acquired_at: datetime | None
    renewed_at: datetime | None
    transitions: int
    version: str = ""


class Leases:
    """One named Lease."""

    def __init__(self, server: APIServer, *, namespace: str, name: str) -> None:
        self._server = server
        self._namespace = namespace
        self._name = name
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def get(self) -> Lease | None:
        """The Lease, or None where there is none."""
        try:
            return _parsed(await self._server.get(f"{self._path}/{self._name}"))
        except NotFoundError:
            return None

    async def create(self, lease: Lease) -> Lease:
        """POST; `ConflictError` where it exists."""
        return _parsed(await self._server.create(self._path, self._body(lease)))

    async def update(self, lease: Lease) -> Lease:
        """PUT over the version that the value carries; `ConflictError` where another stands there."""
        return _parsed(await self._server.replace(f"{self._path}/{self._name}", self._body(lease)))

    def _body(self, lease: Lease) -> Mapping[str, Any]:
        metadata = {"name": self._name, "namespace": self._namespace}
        if lease.version:
            metadata["resourceVersion"] = lease.version
        spec = {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": lease.duration_seconds,
            "leaseTransitions": lease.transitions,
            "acquireTime": _micro_time(lease.acquired_at),
            "renewTime": _micro_time(lease.renewed_at),
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {name: value for name, value in spec.items() if value is not None},
        }


def _micro_time(when: datetime | None) -> str | None:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if when is not None else None


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _parsed(body: Mapping[str, Any]) -> Lease:
    spec = body.get("spec") or {}
    return Lease(
        holder=str(spec.get("holderIdentity") or ""),
        duration_seconds=int(spec.get("leaseDurationSeconds") or 1),
        acquired_at=_instant(spec.get("acquireTime")),
        renewed_at=_instant(spec.get("renewTime")),
        transitions=int(spec.get("leaseTransitions") or 0),
        version=str(body["metadata"]["resourceVersion"]),
    )
