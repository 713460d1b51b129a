"""Events of the watches: stored and enqueued, and nothing that they hold stops the intake."""

from typing import Any

import pytest

from certwright.handlers.intake import Intake, kinds_watched
from certwright.handlers.inventory import Inventory
from certwright.model.metadata import Key, Kind
from certwright.runtime.queue import WorkQueue
from tests.fakes.clock import FakeClock
from tests.handlers.cluster import CA, WEB, Cluster
from tests.handlers.test_inventory import body


class Gate:
    """An intake with what it fills."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.queue: WorkQueue[Key] = WorkQueue(FakeClock())
        self.intake = Intake(self.inventory, self.queue)

    def take(self, type_: str | None, shown: dict[str, Any], *, kind: str = Kind.CERTIFICATE) -> int:
        """Take one event; how many keys wait now."""
        self.intake.take(kind, {"type": type_, "object": shown})
        return len(self.queue)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.mark.parametrize("type_", [None, "ADDED", "MODIFIED"], ids=["listed", "added", "modified"])
def test_what_is_shown_is_stored_and_enqueued(gate: Gate, type_: str | None) -> None:
    assert gate.take(type_, body()) == 1
    assert WEB in gate.inventory.certificates


def test_what_is_deleted_is_forgotten_and_enqueued(gate: Gate) -> None:
    gate.inventory.upsert_certificate(WEB, body())

    assert gate.take("DELETED", body()) == 1

    assert gate.inventory.certificates == {}


async def test_what_we_wrote_ourselves_is_no_news(gate: Gate) -> None:
    gate.inventory.upsert_certificate(WEB, body(10))

    assert gate.take("MODIFIED", body(10)) == 0
    assert gate.take("MODIFIED", body(11)) == 1


async def test_an_issuer_s_own_echo_is_no_news_either(gate: Gate) -> None:
    issuer = body(10) | {"metadata": {**body(10)["metadata"], "name": "ca"}}
    gate.inventory.upsert_issuer(CA, issuer)

    assert gate.take("MODIFIED", issuer, kind=Kind.ISSUER) == 0


async def test_a_status_that_we_wrote_does_not_come_back_to_us(cluster: Cluster) -> None:
    await cluster.certificate()
    await cluster.woken()

    await cluster.handle()

    assert cluster.condition() == ("False", "IssuerNotFound")
    assert await cluster.woken() == set()


async def test_what_expires_first_goes_first(gate: Gate) -> None:
    for name, not_after in (("late", "2031-01-01T00:00:00Z"), ("soon", "2030-02-01T00:00:00Z")):
        shown = body() | {"status": {"notAfter": not_after}}
        shown["metadata"]["name"] = name
        gate.take("ADDED", shown)

    assert (await gate.queue.get()).name == "soon"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"spec": {"secretName": 5}}, id="wrong types"),
        pytest.param({"spec": None}, id="no spec"),
        pytest.param({"spec": {}, "status": {"conditions": "none"}}, id="a broken status"),
        pytest.param({"metadata": {"name": "web", "namespace": "shop"}}, id="no version"),
        pytest.param(
            {"metadata": {"name": "web", "namespace": "shop", "resourceVersion": "x", "uid": "u"}}, id="an odd version"
        ),
    ],
)
@pytest.mark.parametrize("kind", [Kind.CERTIFICATE, Kind.ISSUER])
def test_nothing_that_is_shown_stops_it(gate: Gate, kind: str, broken: dict[str, Any]) -> None:
    gate.take("ADDED", body() | broken, kind=kind)

    assert gate.take("ADDED", {**body(), "metadata": {**body()["metadata"], "name": "next"}}) >= 1


def test_once_closed_it_takes_nothing(gate: Gate) -> None:
    gate.intake.is_open = False

    assert gate.take("ADDED", body()) == 0
    assert gate.inventory.certificates == {}


def test_cluster_issuers_are_watched_only_clusterwide() -> None:
    assert Kind.CLUSTER_ISSUER in kinds_watched(is_clusterwide=True)
    assert Kind.CLUSTER_ISSUER not in kinds_watched(is_clusterwide=False)
