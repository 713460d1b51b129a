"""What was issued and could not be written yet is delivered later: the CA is not asked for it again.

The CA here is of the kind that issues with every request, as EST and SCEP do: there is no order to come back to.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from tests.handlers.cluster import CA, WEB, Cluster

Change: TypeAlias = Callable[[Cluster], Awaitable[object]]
SECRET = "/api/v1/namespaces/shop/secrets/web-tls"


@pytest.fixture
async def asking(cluster: Cluster) -> Cluster:
    cluster.ca.makes_orders = False
    await cluster.issuer()
    return cluster


async def touch_secret(cluster: Cluster) -> object:
    return await cluster.server.merge(SECRET, {"metadata": {"labels": {"theirs": "yes"}}}, manager="kubectl")


async def make_foreign_secret(cluster: Cluster) -> object:
    body = {"metadata": {"name": "web-tls"}, "type": "Opaque", "data": {"mine": "eWVz"}}
    return await cluster.server.request("POST", SECRET.rpartition("/")[0], query={"fieldManager": "kubectl"}, body=body)


def edit(**spec: Any) -> Change:
    return lambda cluster: cluster.edit(spec=spec)


async def issue_while(cluster: Cluster, change: Change) -> None:
    """Something happens after the CA has issued and before its answer arrives."""
    await cluster.certificate()
    cluster.ca.meanwhile = lambda: change(cluster)
    await cluster.handle()


@pytest.mark.parametrize("status", [0, 403, 409, 413, 422, 500], ids=str)
async def test_trouble_with_the_api_server_costs_no_second_certificate(asking: Cluster, status: int) -> None:
    await asking.certificate()
    asking.operator.queue.add(WEB)
    with asking.answering("PATCH secrets", status):
        await asking.work()
        await asking.clock.advance(timedelta(minutes=20))
    await asking.clock.advance(timedelta(minutes=20))

    assert asking.condition() == ("True", "Ready")
    assert len(asking.ca.issued) == 1
    assert asking.staged == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(edit(secretTemplate={"labels": {"team": "web"}}), id="the template"),
        pytest.param(edit(secretName="other-tls"), id="the name of the Secret"),
        pytest.param(edit(renewBefore="24h"), id="the renewal"),
        pytest.param(edit(retry={"initial": "5m"}), id="the backoff"),
        pytest.param(lambda cluster: cluster.edit(metadata={"labels": {"team": "web"}}), id="a label"),
        pytest.param(lambda cluster: cluster.annotate(retry="now"), id="a retry request"),
    ],
)
async def test_an_edit_that_no_request_shows_costs_no_second_certificate(asking: Cluster, change: Change) -> None:
    await issue_while(asking, change)
    await asking.handle()

    assert asking.condition() == ("True", "Ready")
    assert len(asking.ca.issued) == 1


async def test_a_touched_secret_costs_no_second_certificate(asking: Cluster) -> None:
    await asking.issued()
    await asking.annotate(renew="one")
    asking.ca.meanwhile = lambda: touch_secret(asking)
    await asking.handle()
    await asking.handle()

    assert asking.status()["revision"] == 2
    assert len(asking.ca.issued) == 2
    assert asking.secret()["metadata"]["labels"]["theirs"] == "yes"


async def test_who_is_suspended_meanwhile_gets_it_later(asking: Cluster) -> None:
    await issue_while(asking, edit(suspend=True))
    await asking.handle()
    assert asking.server.names("secrets") == asking.staged

    await asking.edit(spec={"suspend": None})
    await asking.handle()

    assert asking.condition() == ("True", "Ready")
    assert len(asking.ca.issued) == 1


async def test_it_waits_until_a_foreign_secret_is_gone(asking: Cluster) -> None:
    await issue_while(asking, make_foreign_secret)
    await asking.handle()
    assert asking.condition() == ("False", "SecretNotOwned")
    await asking.server.delete(SECRET)

    await asking.handle()

    assert asking.condition() == ("True", "Ready")
    assert len(asking.ca.issued) == 1


async def test_other_names_are_asked_for_anew(asking: Cluster) -> None:
    await issue_while(asking, edit(dnsNames=["other.example.com"]))
    await asking.handle()

    first, second = asking.ca.issued
    assert first.public_key() != second.public_key()
    assert asking.secret()["metadata"]["annotations"]["certwright.io/alt-names"] == "other.example.com"


async def test_another_server_is_asked_anew(asking: Cluster) -> None:
    async def move(cluster: Cluster) -> None:
        await cluster.edit(CA, spec={"acme": {"server": "https://new.example.com"}})
        await cluster.edit(spec={"renewBefore": "24h"})

    await issue_while(asking, move)
    await asking.handle()
    await asking.handle(CA)
    await asking.handle()

    assert len(asking.ca.issued) == 2


async def test_one_made_anew_gets_none_that_was_meant_for_another(asking: Cluster) -> None:
    async def make_anew(cluster: Cluster) -> None:
        await cluster.delete()
        await cluster.certificate()

    await issue_while(asking, make_anew)
    await asking.handle()

    assert len(asking.ca.issued) == 2
    assert asking.condition() == ("True", "Ready")


async def test_one_that_waits_for_too_long_is_thrown_away(asking: Cluster) -> None:
    await asking.certificate()
    with asking.answering("PATCH secrets", 0):
        await asking.handle()
    await asking.clock.advance(timedelta(days=91))

    await asking.delay()

    assert asking.condition() == ("False", "UnexpectedCertificate")
