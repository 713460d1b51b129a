"""Issuers: probed when there is reason to, and whoever waits for one is woken when it is ready."""

from datetime import timedelta

import pytest

from certwright.model.errors import IssuerError, TransientError
from certwright.model.metadata import Key, Kind
from certwright.model.resources import CredentialSeen
from certwright.runtime.workers import Done, Retry
from tests.handlers.cluster import CA, ISSUER_SPEC, WEB, Cluster

CLUSTER_CA = Key(Kind.CLUSTER_ISSUER, "", "ca")
SIX_HOURS = timedelta(hours=6)


def condition(cluster: Cluster, plural: str = "issuers") -> tuple[str, str]:
    return cluster.condition(name="ca", plural=plural)


async def unprobed(cluster: Cluster) -> None:
    """An issuer that was just made; nothing has happened to it."""
    await cluster.issuer(status={})
    await cluster.woken()
    cluster.server.requests.clear()


@pytest.mark.parametrize(
    ("key", "plural"),
    [pytest.param(CA, "issuers", id="Issuer"), pytest.param(CLUSTER_CA, "clusterissuers", id="ClusterIssuer")],
)
async def test_a_new_issuer_is_probed_and_told_with_two_writes(cluster: Cluster, key: Key, plural: str) -> None:
    await cluster.issuer(kind=key.kind, status={})
    cluster.writes()

    assert await cluster.handle(key) == Done(after=SIX_HOURS)

    assert cluster.writes() == [f"PATCH {plural}/status", "POST events"]
    assert condition(cluster, plural) == ("True", "Ready")
    assert cluster.events() == [("Normal", "Ready")]
    assert cluster.server.body(plural, "ca")["status"]["protocol"] == "acme"


async def test_only_who_waits_for_it_is_woken(cluster: Cluster) -> None:
    await cluster.issuer("other")
    await cluster.issued("settled", issuerRef={"name": "other"})
    await cluster.certificate("elsewhere", issuerRef={"name": "nowhere"})
    await cluster.certificate()
    await unprobed(cluster)

    await cluster.handle(CA)

    assert await cluster.woken() == {WEB}


async def test_a_certificate_that_came_first_is_issued_once_its_issuer_is_ready(cluster: Cluster) -> None:
    await cluster.work()
    await cluster.certificate()
    await cluster.clock.advance(10)
    assert cluster.condition() == ("False", "IssuerNotFound")

    await cluster.issuer(status={})
    await cluster.clock.advance(1)

    assert cluster.condition() == ("True", "Ready")


async def test_a_ready_issuer_is_not_probed_at_a_restart(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.clock.advance(timedelta(hours=2))
    await cluster.restart()

    assert await cluster.handle(CA) == Done(after=timedelta(hours=4))

    assert cluster.server.requests == []
    assert cluster.ca.probes == 0


async def test_after_six_hours_it_is_probed_again(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.clock.advance(SIX_HOURS)

    assert await cluster.handle(CA) == Done(after=SIX_HOURS)

    assert cluster.ca.probes == 1
    assert cluster.server.body("issuers", "ca")["status"]["lastProbe"] == "2030-01-01T06:00:00Z"
    assert cluster.events() == []


async def test_a_changed_spec_is_probed(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.edit(CA, spec={"acme": {"contact": ["pki@example.com"]}})

    await cluster.handle(CA)

    assert cluster.ca.probes == 1
    assert cluster.server.body("issuers", "ca")["status"]["observedGeneration"] == 2


async def test_a_new_account_is_registered_once_for_each_value(cluster: Cluster) -> None:
    await cluster.issuer()
    for value in ("one", "one", "two"):
        await cluster.annotate(CA, new_account=value)
        await cluster.handle(CA)

    acme = cluster.server.body("issuers", "ca")["status"]["acme"]
    assert acme["lastNewAccountRequest"] == "two"
    assert acme["uri"] == "https://ca.example.com/acct/2"
    assert cluster.ca.accounts == 2


async def test_a_missing_reference_is_looked_for_eagerly_then_patiently(cluster: Cluster) -> None:
    cluster.workshop.missing = "Secret shop/tsig does not exist: create it with the key 'key'"
    await unprobed(cluster)

    assert [await cluster.delay(CA) for _ in range(14)] == [5.0] * 12 + [30.0] * 2

    assert condition(cluster) == ("False", "MissingReference")
    assert cluster.writes() == ["PATCH issuers/status", "POST events"]
    assert cluster.events() == [("Warning", "MissingReference")]


async def test_once_the_reference_is_there_the_certificate_follows(cluster: Cluster) -> None:
    cluster.workshop.missing = "Secret shop/tsig does not exist: create it with the key 'key'"
    await cluster.issuer(status={})
    await cluster.certificate()
    await cluster.work()
    await cluster.clock.advance(300)
    assert cluster.condition() == ("False", "IssuerNotReady")

    cluster.workshop.missing = ""
    await cluster.clock.advance(30)

    assert cluster.condition() == ("True", "Ready")


async def test_who_waits_is_not_woken_to_hear_the_same_again(cluster: Cluster) -> None:
    cluster.ca.probe_script.extend([TransientError("the CA is away")] * 3)
    await cluster.certificate()
    await unprobed(cluster)
    await cluster.handle(CA)
    assert await cluster.woken() == {WEB}

    await cluster.handle(CA)
    await cluster.handle(CA)

    assert await cluster.woken() == set()


async def test_failing_probes_come_at_growing_distances(cluster: Cluster) -> None:
    cluster.ca.probe_script.extend([TransientError("the CA is away")] * 8)
    await unprobed(cluster)

    assert [await cluster.delay(CA) for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]

    assert condition(cluster) == ("False", "Unreachable")
    assert cluster.writes() == ["PATCH issuers/status", "POST events"]


async def test_retry_after_is_obeyed(cluster: Cluster) -> None:
    cluster.ca.probe_script.append(TransientError("busy", retry_after=timedelta(minutes=20)))
    await unprobed(cluster)

    assert await cluster.delay(CA) == 1200


async def test_what_the_author_must_mend_is_told(cluster: Cluster) -> None:
    cluster.ca.probe_script.append(IssuerError("termsOfServiceAgreed is not true"))
    await unprobed(cluster)

    await cluster.handle(CA)

    assert condition(cluster) == ("False", "IssuerNotReady")
    assert "termsOfServiceAgreed" in cluster.server.body("issuers", "ca")["status"]["conditions"][0]["message"]


async def test_a_fault_of_our_own_is_raised_for_the_log_and_tried_again(cluster: Cluster) -> None:
    cluster.ca.probe_script.append(ZeroDivisionError("our own fault"))
    await unprobed(cluster)
    await cluster.work()
    cluster.operator.queue.add(CA)

    await cluster.clock.advance(5)

    assert condition(cluster) == ("True", "Ready")


async def test_a_conflict_is_looked_at_again(cluster: Cluster) -> None:
    await unprobed(cluster)
    cluster.is_shown.clear()
    await cluster.edit(CA, spec={"acme": {"contact": ["pki@example.com"]}})

    assert await cluster.handle(CA) == Retry()
    await cluster.handle(CA)

    assert cluster.server.body("issuers", "ca")["status"]["observedGeneration"] == 2


@pytest.mark.parametrize("status", [0, 403, 404, 409, 422, 500], ids=str)
async def test_whatever_the_api_server_says_is_no_fault_of_ours(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    await unprobed(cluster)
    with cluster.answering("PATCH issuers/status", status):
        assert await cluster.handle(CA) == Retry()

    await cluster.handle(CA)

    assert condition(cluster) == ("True", "Ready")
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_deleted_issuer_is_told_to_who_needs_it(cluster: Cluster) -> None:
    cluster.ca.probe_script.append(TransientError("the CA is away"))
    await unprobed(cluster)
    await cluster.certificate()
    await cluster.handle(CA)
    await cluster.woken()

    await cluster.delete(CA)
    assert await cluster.handle(CA) == Done()

    assert WEB in await cluster.woken()
    await cluster.handle()
    assert cluster.condition() == ("False", "IssuerNotFound")


async def test_a_driver_is_kept_for_ten_minutes(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.annotate(renew="one")
    await cluster.handle()
    assert cluster.workshop.resolved == 1

    await cluster.clock.advance(timedelta(minutes=11))
    await cluster.annotate(renew="two")
    await cluster.handle()

    assert cluster.workshop.resolved == 2


async def test_what_goes_missing_later_is_the_issuer_s_fault(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.clock.advance(timedelta(minutes=11))
    cluster.workshop.missing = "Secret shop/account does not exist"
    await cluster.annotate(renew="one")

    assert await cluster.delay() == 2

    assert cluster.status()["lastError"]["class"] == "Issuer"
    assert cluster.status()["lastError"]["reason"] == "MissingReference"
    assert CA in await cluster.woken()


async def test_a_foreign_kind_of_issuer_is_not_found(cluster: Cluster) -> None:
    await cluster.issuer(spec=ISSUER_SPEC)
    await cluster.certificate(issuerRef={"name": "ca", "group": "cert-manager.io"})

    await cluster.handle()

    assert cluster.condition() == ("False", "IssuerNotFound")


async def test_the_connections_of_a_replaced_driver_are_closed_when_its_requests_have_ended(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.edit(CA, spec={"acme": {"contact": ["pki@example.com"]}})
    await cluster.handle(CA)
    assert cluster.workshop.closed == []

    await cluster.clock.advance(timedelta(minutes=2))
    assert [digest.rpartition("/")[2] for digest in cluster.workshop.closed] == ["1"]

    await cluster.operator.drivers.close()
    assert [digest.rpartition("/")[2] for digest in cluster.workshop.closed] == ["1", "2"]


async def test_a_credential_that_will_expire_is_told(cluster: Cluster) -> None:
    cluster.ca.expiring = (CredentialSeen(name="client", not_after=cluster.clock.now() + timedelta(days=30)),)
    await unprobed(cluster)
    await cluster.handle(CA)
    status = cluster.server.body("issuers", "ca")["status"]
    assert status["credentials"] == [{"name": "client", "notAfter": "2030-01-31T00:00:00Z"}]
