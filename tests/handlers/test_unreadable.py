"""A spec that a newer CRD allows and this version cannot read: its author is told, and everybody else is served."""

import logging
from datetime import timedelta

import pytest

from certwright.model.metadata import Key, Kind
from certwright.runtime.workers import Done
from tests.handlers.cluster import CA, ISSUER_SPEC, WEB, Cluster, Object

FUTURE: Object = {"privateKey": {"algorithm": "SLH-DSA-256f"}}
FUTURE_ISSUER = {"acme": {**ISSUER_SPEC["acme"], "renewalInfo": "Sometimes"}}


async def test_the_certificate_says_which_field(cluster: Cluster) -> None:
    await cluster.certificate(**FUTURE)

    assert await cluster.handle() == Done()

    assert cluster.condition("Ready") == cluster.condition("Issuing") == ("False", "InvalidSpec")
    (message,) = {condition["message"] for condition in cluster.status()["conditions"]}
    assert "this version of certwright cannot read" in message
    assert "spec.privateKey.algorithm" in message
    assert cluster.events() == [("Warning", "InvalidSpec")]


async def test_it_is_told_once(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    await cluster.certificate(**FUTURE)
    await cluster.handle()
    cluster.writes()

    for _ in range(3):
        await cluster.handle()
    await cluster.restart()
    await cluster.handle()

    assert cluster.writes() == []
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_certificate_that_is_there_stays_ready(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.edit(spec=FUTURE)

    await cluster.handle()

    assert cluster.condition("Ready") == ("True", "Ready")
    assert cluster.condition("Issuing") == ("False", "InvalidSpec")


async def test_an_edit_mends_it(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate(**FUTURE)
    await cluster.handle()
    await cluster.edit(spec={"privateKey": None})

    await cluster.handle()

    assert cluster.condition("Ready") == ("True", "Ready")
    assert cluster.condition("Issuing") == ("", "")


async def test_an_edit_during_an_enrolment_is_noticed_before_delivery(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.is_shown.clear()
    cluster.ca.meanwhile = lambda: cluster.edit(spec=FUTURE)

    await cluster.handle()
    await cluster.handle()

    assert "web-tls" not in cluster.server.names("secrets")
    assert cluster.condition("Issuing") == ("False", "InvalidSpec")
    assert not [record for record in caplog.records if record.exc_info]


async def test_it_keeps_nobody_from_starting(cluster: Cluster) -> None:
    await cluster.certificate(**FUTURE)
    await cluster.issuer(spec=FUTURE_ISSUER)

    await cluster.restart()
    await cluster.sync()

    assert cluster.operator.sweep.is_synced


async def test_the_issuer_says_which_field_and_so_do_its_certificates(cluster: Cluster) -> None:
    await cluster.issuer(spec=FUTURE_ISSUER, status={})
    await cluster.certificate()

    assert await cluster.handle(CA) == Done()
    await cluster.handle(WEB)

    assert cluster.condition(name="ca", plural="issuers") == ("False", "InvalidSpec")
    assert "spec.acme.renewalInfo" in cluster.server.body("issuers", "ca")["status"]["conditions"][0]["message"]
    assert cluster.condition() == ("False", "IssuerNotReady")
    assert cluster.ca.probes == 0


async def test_an_issuer_that_is_mended_is_probed(cluster: Cluster) -> None:
    await cluster.issuer(spec=FUTURE_ISSUER, status={})
    await cluster.certificate()
    await cluster.handle(CA)
    await cluster.handle(WEB)
    await cluster.woken()
    await cluster.edit(CA, spec={"acme": {"renewalInfo": None}})

    await cluster.handle(CA)

    assert cluster.condition(name="ca", plural="issuers") == ("True", "Ready")
    assert WEB in await cluster.woken()


async def test_a_certificate_of_a_ready_issuer_that_became_unreadable_waits(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.edit(CA, spec={"acme": {"renewalInfo": "Sometimes"}})
    await cluster.annotate(renew="one")

    await cluster.handle()

    assert cluster.condition("Ready") == ("True", "Ready")
    assert cluster.condition("Issuing") == ("False", "IssuerNotReady")
    assert Key(Kind.CERTIFICATE, "shop", "web") in cluster.operator.inventory.users_of(CA)
    await cluster.clock.advance(timedelta(days=1))
    assert len(cluster.ca.issued) == 1
