"""A Certificate with which all is well: no request is made for it until something changes or falls due."""

from datetime import datetime, timedelta

import pytest

from certwright.runtime.workers import Done
from tests.handlers.cluster import CA, WEB, Cluster, decoded

SECRET = "/api/v1/namespaces/shop/secrets/web-tls"


async def test_nothing_is_asked_of_anybody(cluster: Cluster) -> None:
    await cluster.issued()

    for _ in range(3):
        await cluster.handle()

    assert cluster.server.requests == []


async def test_a_restart_asks_nothing_either(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.restart()

    await cluster.handle()
    await cluster.handle(CA)

    assert cluster.server.requests == []
    assert cluster.ca.probes == 0


async def test_it_comes_again_when_it_is_due(cluster: Cluster) -> None:
    await cluster.issued()
    due = datetime.fromisoformat(cluster.status()["renewalTime"])

    assert await cluster.handle() == Done(after=due - cluster.clock.now())


async def test_when_its_time_has_come_it_is_renewed(cluster: Cluster) -> None:
    await cluster.issued()
    before = decoded(cluster.secret())["tls.key"]
    await cluster.work()
    cluster.operator.queue.add(WEB)

    await cluster.clock.advance(timedelta(days=70))

    assert cluster.status()["revision"] == len(cluster.ca.issued) == 2
    assert decoded(cluster.secret())["tls.key"] != before
    assert cluster.events()[-1] == ("Normal", "Issued")


async def test_a_renewal_that_waits_for_its_issuer_is_made_as_soon_as_that_is_ready(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.edit(CA, status={"conditions": [{"type": "Ready", "status": "False", "message": "away"}]})
    await cluster.clock.advance(timedelta(days=70))
    await cluster.handle()
    assert cluster.condition("Ready") == ("True", "Ready")
    assert cluster.condition("Issuing") == ("False", "IssuerNotReady")
    await cluster.woken()

    await cluster.handle(CA)

    assert await cluster.woken() == {WEB}


async def test_without_a_renewal_it_is_told_when_it_expires(cluster: Cluster) -> None:
    await cluster.issued(renewal={"policy": "Disabled"})
    await cluster.work()
    cluster.operator.queue.add(WEB)

    await cluster.clock.advance(timedelta(days=91))

    assert cluster.condition() == ("False", "Expired")
    assert len(cluster.ca.issued) == 1


@pytest.mark.parametrize("name", ["tls.crt", "tls.key"])
async def test_a_tampered_secret_is_issued_anew(cluster: Cluster, name: str) -> None:
    await cluster.issued()
    await cluster.server.merge(SECRET, {"data": {name: "bm9uc2Vuc2U="}}, manager="kubectl")
    assert await cluster.woken() == {WEB}

    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert cluster.condition() == ("True", "Ready")


async def test_a_deleted_secret_is_issued_anew(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.server.delete(SECRET)
    assert await cluster.woken() == {WEB}

    await cluster.handle()

    assert cluster.status()["revision"] == len(cluster.ca.issued) == 2


async def test_a_label_of_somebody_else_is_looked_at_once_and_left(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.server.merge(SECRET, {"metadata": {"labels": {"theirs": "yes"}}}, manager="kubectl")
    cluster.writes()

    await cluster.handle()
    assert cluster.writes() == ["PATCH certificates/status"]
    await cluster.handle()

    assert cluster.server.requests == []
    assert cluster.secret()["metadata"]["labels"]["theirs"] == "yes"


async def test_an_annotation_of_ours_that_was_changed_is_put_back_without_the_ca(cluster: Cluster) -> None:
    await cluster.issued()
    annotations = {"certwright.io/alt-names": "evil.example.com"}
    await cluster.server.merge(SECRET, {"metadata": {"annotations": annotations}}, manager="kubectl")

    await cluster.handle()

    assert cluster.secret()["metadata"]["annotations"]["certwright.io/alt-names"] == "web.example.com"
    assert len(cluster.ca.issued) == 1


async def test_a_record_that_was_left_behind_is_dropped(cluster: Cluster) -> None:
    await cluster.issued()
    left = cluster.secret() | {
        "metadata": {"name": f"certwright-{cluster.server.body('certificates', 'web')['metadata']['uid']}"}
    }
    left["metadata"]["labels"] = {"certwright.io/managed": "true", "certwright.io/role": "enrolment"}
    await cluster.server.create("/api/v1/namespaces/shop/secrets", left)
    await cluster.restart()

    await cluster.handle()

    assert cluster.staged == []
    assert len(cluster.ca.issued) == 1
    assert cluster.writes() == ["DELETE secrets"]


async def test_an_emptied_status_is_found_again_without_the_ca(cluster: Cluster) -> None:
    await cluster.issued()
    before = cluster.status()
    await cluster.edit(status=None)

    await cluster.handle()

    assert cluster.status() == before
    assert len(cluster.ca.issued) == 1


async def test_a_certificate_that_was_applied_again_takes_its_secret_over(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.delete()
    await cluster.handle()
    await cluster.certificate()

    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.issued) == 1
