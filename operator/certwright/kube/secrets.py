"""Secrets: the key pairs that we deliver, the enrolments that we stage, the account keys that we make.

Each kind of write is safe on its own: a staged record is created or found, never overwritten; a delivered Secret is
applied without force the first time and with the version that was looked at ever after.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.errors import NotFoundError
from certwright.kube.objects import core_path
from certwright.kube.permissions import Rule, Scope
from certwright.model.metadata import FIELD_MANAGER, ObjectMetadata, metadata_of

RULES = (
    Rule("", ("secrets",), ("get", "list", "watch", "create", "update", "patch", "delete"), Scope.WATCHED),
    Rule("", ("secrets",), ("get", "create", "update"), Scope.OPERATOR),
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret as it was read; ``data`` is decoded and never shown."""

    metadata: ObjectMetadata
    type: str
    data: Mapping[str, bytes] = field(repr=False)
    is_immutable: bool = False
    owner_uids: tuple[str, ...] = ()


class Secrets:
    """The Secrets of one API server."""

    def __init__(self, server: APIServer) -> None:
        self._server = server

    async def get(self, namespace: str, name: str) -> Secret | None:
        """The Secret, or None where the API server says 404."""
        try:
            return _parsed(await self._server.get(core_path("secrets", namespace, name)))
        except NotFoundError:
            return None

    async def create(self, namespace: str, body: Mapping[str, Any]) -> Secret:
        """POST; `ConflictError` where one of that name exists."""
        return _parsed(await self._server.create(core_path("secrets", namespace), body))

    async def replace(self, namespace: str, name: str, body: Mapping[str, Any]) -> Secret:
        """PUT over exactly the version named in the body."""
        return _parsed(await self._server.replace(core_path("secrets", namespace, name), body))

    async def apply(self, namespace: str, name: str, body: Mapping[str, Any], *, force: bool) -> Secret:
        """Server-side apply under our field manager; other managers' fields survive."""
        path = core_path("secrets", namespace, name)
        return _parsed(await self._server.apply(path, body, manager=FIELD_MANAGER, force=force))

    async def delete(self, metadata: ObjectMetadata) -> None:
        """Delete exactly the version that was looked at; what is gone already is no error."""
        path = core_path("secrets", metadata.namespace, metadata.name)
        try:
            await self._server.delete(path, uid=metadata.uid, resource_version=metadata.resource_version)
        except NotFoundError:
            return


def encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Secret data as the API wants it."""
    return {name: base64.b64encode(value).decode("ascii") for name, value in data.items()}


def _parsed(body: Mapping[str, Any]) -> Secret:
    owners = (body.get("metadata") or {}).get("ownerReferences") or ()
    return Secret(
        metadata=metadata_of(body),
        type=str(body.get("type", "")),
        data={name: base64.b64decode(value) for name, value in (body.get("data") or {}).items()},
        is_immutable=bool(body.get("immutable", False)),
        owner_uids=tuple(str(owner.get("uid", "")) for owner in owners),
    )
