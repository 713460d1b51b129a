"""The watch of our Secrets: what appears, changes and goes is told, whatever happens to the connection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from certwright.kube.secret_watch import Notify, SecretWatch, Seen
from certwright.model.metadata import LABEL_MANAGED, ObjectMetadata
from tests.fakes.api_server import FakeAPIServer
from tests.fakes.clock import settle

Told = list[tuple[str, str, bool]]


def secret(namespace: str, name: str, *, is_ours: bool = True) -> dict[str, Any]:
    labels = {LABEL_MANAGED: "true"} if is_ours else {}
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels}, "data": {"tls.key": "c2VjcmV0"}}


def summarise(meta: ObjectMetadata) -> Seen:
    return Seen(uid=meta.uid, resource_version=meta.resource_version, role="certificate", certificate=meta.name)


async def create(server: FakeAPIServer, namespace: str, name: str, *, is_ours: bool = True) -> None:
    await server.create(f"/api/v1/namespaces/{namespace}/secrets", secret(namespace, name, is_ours=is_ours))
    await settle()


class Gate:
    """A pause that ends when the test says so."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, _seconds: float) -> None:
        await self.opened.wait()


@asynccontextmanager
async def following(
    server: FakeAPIServer, namespaces: Sequence[str] = (), *, gate: Gate | None = None
) -> AsyncIterator[tuple[SecretWatch, Told]]:
    gate = gate or Gate()
    told: Told = []

    def notify(namespace: str, name: str, seen: Seen, *, is_gone: bool) -> None:  # noqa: ARG001 - its shape is given
        told.append((namespace, name, is_gone))

    hears: Notify = notify
    watch = SecretWatch(server, namespaces=namespaces, summarise=summarise, notify=hears, pause=gate)
    task = asyncio.create_task(watch.run())
    await settle()
    yield watch, told
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_was_there_and_what_comes_is_told_once() -> None:
    server = FakeAPIServer()
    await create(server, "shop", "old")
    async with following(server) as (watch, told):
        assert watch.synced.is_set()
        await create(server, "shop", "new")
        assert told == [("shop", "old", False), ("shop", "new", False)]
        assert watch.get("shop", "new") is not None


async def test_what_is_not_ours_is_not_seen() -> None:
    server = FakeAPIServer()
    async with following(server) as (_, told):
        await create(server, "shop", "theirs", is_ours=False)
        assert told == []


async def test_what_goes_is_told() -> None:
    server = FakeAPIServer()
    await create(server, "shop", "web")
    async with following(server) as (watch, told):
        await server.delete("/api/v1/namespaces/shop/secrets/web")
        await settle()
        assert told[-1] == ("shop", "web", True)
        assert watch.get("shop", "web") is None


async def test_only_the_named_namespaces_are_followed_and_all_of_them_must_be_listed() -> None:
    server = FakeAPIServer()
    async with following(server, ["shop", "blog"]) as (watch, told):
        assert watch.synced.is_set()
        for namespace in ("shop", "blog", "other"):
            await create(server, namespace, "web")
        assert told == [("shop", "web", False), ("blog", "web", False)]


@pytest.mark.parametrize("forgets", [False, True], ids=["the version is known", "the version is forgotten"])
async def test_a_deletion_while_nobody_watched_is_found(*, forgets: bool) -> None:
    server = FakeAPIServer()
    await create(server, "shop", "web")
    gate = Gate()
    async with following(server, gate=gate) as (watch, told):
        await server.break_connections(forget=forgets)
        await server.delete("/api/v1/namespaces/shop/secrets/web")
        gate.opened.set()
        await settle()
        assert told[-1] == ("shop", "web", True)
        assert watch.get("shop", "web") is None


async def test_trouble_is_told_to_the_probes_until_it_ends() -> None:
    server, gate = FakeAPIServer(), Gate()
    away: list[int] = [503]
    server.trouble = lambda _method, _path: away[0] if away else None
    async with following(server, gate=gate) as (watch, _):
        assert "Secrets" in str(watch.trouble)
        assert not watch.synced.is_set()
        away.clear()
        gate.opened.set()
        await settle()
        assert watch.synced.is_set()
        assert [watch.trouble] == [None]
