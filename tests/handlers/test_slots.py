"""The slots of an issuer's ``limits.concurrency``: who waits in line for one, and who gives it back."""

from datetime import timedelta

import pytest

from certwright.handlers.drivers import DEFAULT_CONCURRENCY
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


async def test_who_waits_in_line_for_long_is_told_so_once(taken: Cluster) -> None:
    for _ in range(3):
        await taken.clock.advance(50)
        await taken.handle(API)
    assert taken.writes() == ["PATCH certificates/status"]
    assert taken.condition("Issuing", name="api") == ("True", "DoesNotExist")
    text = "waits for a slot at Issuer shop/ca, whose limits.concurrency is 1"
    assert taken.status("api")["enrolment"]["message"] == text
    assert taken.status("api")["nextAction"] == {"what": "begin as soon as there is a slot"}


async def test_a_restart_tells_nobody_again(taken: Cluster) -> None:
    await taken.clock.advance(50)
    await taken.handle(API)
    await taken.restart()
    await taken.handle(WEB)
    await taken.clock.advance(50)
    await taken.handle(API)
    assert "PATCH certificates/status" not in taken.writes()


async def test_for_a_limit_that_nobody_has_set_one_waits_in_silence_for_longer(cluster: Cluster) -> None:
    names = [f"c{number}" for number in range(DEFAULT_CONCURRENCY + 1)]
    cluster.ca.script.extend([Pending(retry_after=timedelta(seconds=1), resume={}, message="queued")] * len(names))
    await cluster.issuer()
    for name in names:
        await cluster.certificate(name)
        await cluster.handle(WEB._replace(name=name))
    last = names[-1]
    for seconds, expected in ((20, None), (15, f"{DEFAULT_CONCURRENCY} enrolments are under way")):
        await cluster.clock.advance(seconds)
        await cluster.handle(WEB._replace(name=last))
        told = cluster.status(last).get("enrolment", {}).get("message")
        assert told == expected or expected in told


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
    await taken.handle(API)
    await issue_web(taken)
    taken.writes()
    taken.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={}, message="queued"))
    await taken.handle(API)
    assert taken.writes() == ["PUT secrets"]
