"""The world changes while a certificate is on its way: nothing is delivered to whom it was not made for."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from certwright.model.enrolment import Pending
from certwright.model.errors import RejectedError
from certwright.runtime.workers import Retry
from tests.handlers.cluster import CA, WEB, Cluster, decoded

Change: TypeAlias = Callable[[Cluster], Awaitable[object]]


async def issue_while(cluster: Cluster, change: Change) -> None:
    """An issuance during which something happens: after the CA has issued, before its answer arrives."""
    await cluster.issuer()
    await cluster.certificate()
    cluster.ca.meanwhile = lambda: change(cluster)
    await cluster.handle()


async def foreign_secret(cluster: Cluster) -> object:
    body = {"metadata": {"name": "web-tls"}, "type": "Opaque", "data": {"mine": "eWVz"}}
    query = {"fieldManager": "kubectl"}
    return await cluster.server.request("POST", "/api/v1/namespaces/shop/secrets", query=query, body=body)


async def test_a_deleted_certificate_is_not_delivered(cluster: Cluster) -> None:
    await issue_while(cluster, lambda cluster: cluster.delete())

    assert "web-tls" not in cluster.server.names("secrets")
    assert cluster.ca.given_up == [{"order": "order-1"}]
    assert WEB not in cluster.operator.enrolments


async def test_one_that_is_being_deleted_is_not_delivered(cluster: Cluster) -> None:
    await issue_while(cluster, lambda each: each.edit(metadata={"deletionTimestamp": "2030-01-01T00:00:00Z"}))

    assert "web-tls" not in cluster.server.names("secrets")
    assert cluster.ca.given_up == [{"order": "order-1"}]


async def test_one_that_was_made_anew_gets_a_certificate_of_its_own(cluster: Cluster) -> None:
    async def make_anew(cluster: Cluster) -> None:
        await cluster.delete()
        await cluster.certificate(dnsNames=["other.example.com"])

    await issue_while(cluster, make_anew)

    first, second = cluster.ca.issued
    assert first.public_key() != second.public_key()
    assert cluster.ca.given_up == [{"order": "order-1"}]
    assert cluster.secret()["metadata"]["annotations"]["certwright.io/alt-names"] == "other.example.com"
    assert cluster.status()["revision"] == 1


async def test_a_changed_spec_is_issued_instead(cluster: Cluster) -> None:
    await issue_while(cluster, lambda cluster: cluster.edit(spec={"dnsNames": ["other.example.com"]}))

    assert cluster.secret()["metadata"]["annotations"]["certwright.io/alt-names"] == "other.example.com"
    assert cluster.status()["observedGeneration"] == 2
    assert cluster.ca.given_up == [{"order": "order-1"}]
    assert cluster.staged == []


async def test_a_change_that_no_request_shows_keeps_the_certificate(cluster: Cluster) -> None:
    await issue_while(cluster, lambda cluster: cluster.edit(spec={"secretName": "other-tls"}))

    assert cluster.server.names("secrets") == ["other-tls"]
    assert len(cluster.ca.issued) == 1


async def test_a_label_is_no_disturbance(cluster: Cluster) -> None:
    await issue_while(cluster, lambda cluster: cluster.edit(metadata={"labels": {"team": "web"}}))

    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.asked) == 2


async def test_a_rejection_of_what_is_no_longer_asked_for_is_nobody_s_news(cluster: Cluster) -> None:
    cluster.ca.script.append(RejectedError("web.example.com is not yours"))

    await issue_while(cluster, lambda cluster: cluster.edit(spec={"dnsNames": ["other.example.com"]}))
    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")
    assert cluster.events() == [("Normal", "Issued")]


async def test_a_foreign_secret_that_appears_is_not_overwritten(cluster: Cluster) -> None:
    await issue_while(cluster, foreign_secret)
    assert await cluster.delay() == 30

    assert decoded(cluster.secret()) == {"mine": b"yes"}
    assert cluster.condition() == ("False", "SecretNotOwned")


async def test_once_it_is_gone_the_same_certificate_is_delivered(cluster: Cluster) -> None:
    await issue_while(cluster, foreign_secret)
    await cluster.handle()
    await cluster.server.delete("/api/v1/namespaces/shop/secrets/web-tls")

    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.issued) == 1


async def test_a_secret_that_was_edited_is_looked_at_before_it_is_replaced(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.annotate(renew="one")
    path, labels = "/api/v1/namespaces/shop/secrets/web-tls", {"theirs": "yes"}
    cluster.ca.meanwhile = lambda: cluster.server.merge(path, {"metadata": {"labels": labels}}, manager="kubectl")

    assert await cluster.handle() == Retry()
    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert cluster.status()["revision"] == 2
    assert cluster.secret()["metadata"]["labels"]["theirs"] == "yes"


async def test_a_status_that_conflicts_is_written_after_another_look(cluster: Cluster) -> None:
    await cluster.certificate()
    await cluster.woken()
    cluster.is_shown.clear()
    await cluster.edit(spec={"suspend": True})

    assert await cluster.handle() == Retry()
    assert cluster.status() == {}
    await cluster.handle()

    assert cluster.condition() == ("False", "Suspended")


@pytest.mark.parametrize("is_made_anew", [False, True], ids=["for good", "and made anew"])
async def test_what_an_order_presented_is_taken_back_when_its_issuer_is_deleted(
    cluster: Cluster, *, is_made_anew: bool
) -> None:
    cluster.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={}, message="queued"))
    await cluster.issuer()
    await cluster.certificate()
    await cluster.handle()

    await cluster.delete(CA)
    await cluster.handle(CA)
    if is_made_anew:
        await cluster.issuer()
    await cluster.clock.advance(1)
    await cluster.handle()

    assert cluster.ca.given_up == [{"order": "order-1"}]
    assert cluster.staged == []
    assert cluster.condition() == (("True", "Ready") if is_made_anew else ("False", "IssuerNotFound"))


async def test_a_record_whose_issuer_was_deleted_goes_although_nobody_can_take_back_what_it_presented(
    cluster: Cluster,
) -> None:
    cluster.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={}, message="queued"))
    await cluster.issuer()
    await cluster.certificate()
    await cluster.handle()
    await cluster.delete(CA)
    await cluster.restart()

    await cluster.handle()

    assert cluster.staged == []
    assert cluster.operator.enrolments.live_uids() == frozenset()


async def test_a_record_that_somebody_deletes_is_made_anew(cluster: Cluster) -> None:
    async def drop_record(cluster: Cluster) -> None:
        await cluster.server.delete(f"/api/v1/namespaces/shop/secrets/{cluster.staged[0]}")

    await issue_while(cluster, drop_record)
    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")
    assert cluster.staged == []


async def test_who_is_suspended_goes_on_later_with_what_he_had(cluster: Cluster) -> None:
    cluster.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={}, message="queued"))
    await issue_while(cluster, lambda cluster: cluster.edit(spec={"suspend": True}))

    await cluster.handle()
    assert cluster.condition("Issuing") == ("False", "Suspended")
    await cluster.edit(spec={"suspend": None})
    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.orders) == 1
