"""An enrolment that takes its time: told once it has lasted two seconds, and again only when there is news."""

from datetime import timedelta

from certwright.model.enrolment import Pending
from tests.handlers.cluster import Cluster

TOLD = ["PATCH certificates/status", "POST events"]


async def begin(cluster: Cluster, *messages: str, resume: dict[str, int] | None = None) -> None:
    """An enrolment of which the CA says each of these, one at a second, and then issues."""
    cluster.ca.script.extend(
        Pending(retry_after=timedelta(seconds=1), resume=resume or {}, message=message, transaction="order-7")
        for message in messages
    )
    await cluster.issuer()
    await cluster.certificate()
    assert await cluster.delay() == 1
    cluster.writes()


async def a_second_later(cluster: Cluster) -> list[str]:
    await cluster.clock.advance(1)
    await cluster.handle()
    return cluster.writes()


async def test_nothing_is_told_within_two_seconds(cluster: Cluster) -> None:
    await begin(cluster, "queued", "queued")

    assert await a_second_later(cluster) == []

    assert cluster.condition("Issuing") == ("", "")
    assert cluster.events() == []


async def test_what_lasts_is_told_once(cluster: Cluster) -> None:
    await begin(cluster, *["queued"] * 6)

    assert [await a_second_later(cluster) for _ in range(5)] == [[], TOLD, [], [], []]

    status = cluster.status()
    assert cluster.condition("Issuing") == ("True", "DoesNotExist")
    assert cluster.condition("Ready") == ("False", "DoesNotExist")
    assert status["enrolment"] == {
        "protocol": "acme",
        "startedAt": "2030-01-01T00:00:00Z",
        "transactionID": "order-7",
        "pollAfter": "2030-01-01T00:00:03Z",
        "message": "queued",
    }
    assert status["nextAction"] == {"what": "ask the CA again", "when": "2030-01-01T00:00:03Z"}
    assert cluster.events() == [("Normal", "Issuing")]


async def test_another_message_is_one_write_and_no_event(cluster: Cluster) -> None:
    await begin(cluster, *["queued"] * 3, *["signing"] * 3)
    await a_second_later(cluster)
    await a_second_later(cluster)

    assert [await a_second_later(cluster) for _ in range(3)] == [["PATCH certificates/status"], [], []]
    assert cluster.status()["enrolment"]["message"] == "signing"


async def test_each_change_of_resume_data_is_one_write(cluster: Cluster) -> None:
    await begin(cluster, "queued", resume={"polls": 1})
    cluster.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={"polls": 2}, message="queued"))

    assert await a_second_later(cluster) == ["PUT secrets"]


async def test_the_end_of_the_waiting_is_told(cluster: Cluster) -> None:
    await begin(cluster, *["queued"] * 3)
    await a_second_later(cluster)
    await a_second_later(cluster)

    assert await a_second_later(cluster) == [
        "PATCH secrets",
        "PATCH certificates/status",
        "POST events",
        "DELETE secrets",
    ]
    assert cluster.condition("Issuing") == ("", "")
    assert "enrolment" not in cluster.status()


async def test_an_enrolment_of_days_goes_on_with_what_it_began_with(cluster: Cluster) -> None:
    await begin(cluster, *["an officer has to look at it"] * 3)

    for _ in range(3):
        await cluster.clock.advance(timedelta(days=1))
        await cluster.handle()

    assert len(cluster.ca.orders) == len(cluster.ca.issued) == 1
    assert cluster.condition() == ("True", "Ready")


async def test_a_restart_during_the_waiting_changes_nothing(cluster: Cluster) -> None:
    await begin(cluster, *["queued"] * 3)
    await cluster.restart()

    await cluster.handle()
    await cluster.handle()
    await cluster.handle()

    assert len(cluster.ca.orders) == len(cluster.ca.issued) == 1
    assert len({asked.csr for asked in cluster.ca.asked}) == 1


async def test_a_renewal_under_way_leaves_the_certificate_ready(cluster: Cluster) -> None:
    await cluster.issued()
    cluster.ca.script.extend([Pending(retry_after=timedelta(seconds=3), resume={}, message="queued")] * 2)
    await cluster.annotate(renew="one")

    await cluster.handle()
    await cluster.clock.advance(3)
    await cluster.handle()

    assert cluster.condition("Ready") == ("True", "Ready")
    assert cluster.condition("Issuing") == ("True", "ManualRenewal")


async def test_what_is_under_way_is_live_even_for_a_process_that_has_not_looked_yet(cluster: Cluster) -> None:
    await begin(cluster, "queued")
    uid = cluster.server.body("certificates", "web")["metadata"]["uid"]
    assert cluster.operator.enrolments.live_uids() == {uid}

    await cluster.restart()
    assert cluster.operator.enrolments.live_uids() == {uid}

    await cluster.handle()
    assert cluster.operator.enrolments.live_uids() == set()


async def test_a_long_wait_is_not_cut_short_by_what_happens_meanwhile(cluster: Cluster) -> None:
    cluster.ca.makes_orders = False
    cluster.ca.script.append(Pending(retry_after=timedelta(minutes=10), resume={}, message="queued"))
    await cluster.issuer()
    await cluster.certificate()
    assert await cluster.delay() == 600
    await cluster.clock.advance(60)
    assert await cluster.delay() == 540
    await cluster.edit(metadata={"labels": {"team": "web"}})
    await cluster.clock.advance(60)
    assert await cluster.delay() == 480
    assert len(cluster.ca.asked) == 1
    await cluster.clock.advance(480)
    await cluster.handle()
    assert len(cluster.ca.asked) == 2
    assert cluster.condition() == ("True", "Ready")


async def test_a_retry_request_ends_a_long_wait(cluster: Cluster) -> None:
    cluster.ca.makes_orders = False
    cluster.ca.script.append(Pending(retry_after=timedelta(minutes=10), resume={}, message="queued"))
    await cluster.issuer()
    await cluster.certificate()
    await cluster.handle()
    await cluster.edit(status={"observedGeneration": 1})
    await cluster.annotate(retry="now")
    await cluster.handle()
    assert len(cluster.ca.asked) == 2
