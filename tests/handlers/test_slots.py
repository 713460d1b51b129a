"""The slots of an issuer's ``limits.concurrency``: who waits in line for one, and who gives it back."""

from datetime import timedelta

import pytest

from certwright.model.enrolment import Pending
from certwright.model.metadata import Key, Kind
from tests.handlers.cluster import ISSUER_SPEC, WEB, Cluster

API = Key(Kind.CERTIFICATE, "shop", "api")


@pytest.fixture
async def taken(cluster: Cluster) -> Cluster:
    """Certificate web has the only slot, its CA takes its time, and api stands in line."""
    slow = [Pending(retry_after=timedelta(seconds=1), resume={}, message="queued")] * 3
    cluster.ca.script.extend(slow)
    await cluster.issuer(spec={**ISSUER_SPEC, "limits": {"concurrency": 1}})
    await cluster.certificate("web")
    await cluster.handle(WEB)
    await cluster.certificate("api")
    await cluster.handle(API)
    assert cluster.condition(name="web") == cluster.condition(name="api") == ("", "")
    assert len(cluster.staged) == 2
    cluster.server.requests.clear()
    return cluster


async def issue_web(cluster: Cluster) -> None:
    cluster.ca.script.clear()
    await cluster.handle(WEB)
    assert cluster.condition(name="web") == ("True", "Ready")


async def test_who_has_finished_makes_room(taken: Cluster) -> None:
    await issue_web(taken)
    await taken.handle(API)
    assert taken.condition(name="api") == ("True", "Ready")


async def test_who_is_suspended_halfway_makes_room(taken: Cluster) -> None:
    await taken.edit(WEB, spec={"suspend": True})
    await taken.handle(WEB)
    taken.ca.script.clear()
    await taken.handle(API)
    assert taken.condition(name="web") == ("False", "Suspended")
    assert taken.condition(name="api") == ("True", "Ready")


async def test_who_waits_in_line_makes_no_request_however_long(taken: Cluster) -> None:
    for _ in range(3):
        await taken.clock.advance(50)
        await taken.handle(API)
    assert taken.server.requests == []


async def test_who_had_to_wait_long_looks_again_before_he_goes_on(taken: Cluster) -> None:
    await taken.clock.advance(90)
    await issue_web(taken)
    taken.server.requests.clear()
    await taken.handle(API)
    paths = [path for method, path in taken.server.requests if method == "GET"]
    assert any(path.endswith("/secrets/api-tls") for path in paths)
    assert taken.condition(name="api") == ("True", "Ready")


async def test_waiting_in_line_is_no_enrolment_that_takes_long(taken: Cluster) -> None:
    await taken.clock.advance(30)
    await issue_web(taken)
    taken.writes()
    taken.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={}, message="queued"))
    await taken.handle(API)
    assert taken.writes() == ["PUT secrets"]
