"""An issuer's limits: who gets no slot comes back, and every end of an enrolment gives its slot back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from certwright.model.enrolment import Pending
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.metadata import Key, Kind
from tests.handlers.cluster import ISSUER_SPEC, WEB, Cluster

API = Key(Kind.CERTIFICATE, "shop", "api")
QUEUED = Pending(retry_after=timedelta(seconds=1), resume={}, message="queued")

Change: TypeAlias = Callable[[Cluster], Awaitable[object]]


async def nothing(_cluster: Cluster) -> None:
    """The CA's answer is all that happens."""


async def two_certificates(cluster: Cluster, **limits: int) -> None:
    """Of one issuer, and ``web`` has its slot and waits for the CA."""
    cluster.ca.script.append(QUEUED)
    await cluster.issuer(spec={**ISSUER_SPEC, "limits": limits})
    await cluster.certificate("web")
    await cluster.certificate("api")
    await cluster.handle(WEB)
    await cluster.woken()


async def test_who_gets_no_slot_comes_back_and_asks_nothing(cluster: Cluster) -> None:
    await two_certificates(cluster, concurrency=1)
    asked = len(cluster.ca.asked)

    assert await cluster.delay(API) == 5

    assert len(cluster.ca.asked) == asked
    assert cluster.status("api") == {}


async def test_attempts_in_a_minute_are_counted(cluster: Cluster) -> None:
    await two_certificates(cluster, perMinute=1)

    assert await cluster.delay(API) == 60
    text = "waits for a slot at Issuer shop/ca, whose limits.perMinute is 1"
    assert cluster.status("api")["enrolment"]["message"] == text
    await cluster.clock.advance(60)
    await cluster.handle(API)

    assert cluster.condition(name="api") == ("True", "Ready")


ENDS: dict[str, tuple[Exception | None, Change]] = {
    "issued": (None, nothing),
    "rejected": (RejectedError("no"), nothing),
    "transient": (TransientError("away"), nothing),
    "issuer's fault": (IssuerError("deactivated"), nothing),
    "our own fault": (ZeroDivisionError(), nothing),
    "certificate deleted": (None, lambda cluster: cluster.delete(WEB)),
    "suspended": (None, lambda cluster: cluster.edit(WEB, spec={"suspend": True})),
    "another name wanted": (None, lambda cluster: cluster.edit(WEB, spec={"dnsNames": ["other.example.com"]})),
    "another issuer wanted": (None, lambda cluster: cluster.edit(WEB, spec={"issuerRef": {"name": "other"}})),
}


@pytest.mark.parametrize(("failure", "change"), ENDS.values(), ids=ENDS.keys())
async def test_the_slot_is_given_back(cluster: Cluster, failure: Exception | None, change: Change) -> None:
    await two_certificates(cluster, concurrency=1)
    assert await cluster.delay(API) == 5
    if failure is not None:
        cluster.ca.script.append(failure)
    await change(cluster)
    try:
        await cluster.handle(WEB)
    except ZeroDivisionError as error:
        assert error is failure  # noqa: PT017 - a fault is raised for the log; the rows without one must not raise

    assert API in await cluster.woken()
    await cluster.handle(API)

    assert cluster.condition(name="api") == ("True", "Ready")
