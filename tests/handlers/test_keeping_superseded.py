"""``revocation.onSupersede``: what a renewal replaced is kept until it is due, and nothing loses it."""

from datetime import UTC, datetime

import pytest

from certwright.model.chain import serial_number
from certwright.model.enrolment import Pending
from certwright.model.errors import RejectedError
from certwright.model.keys import public_der
from certwright.model.superseded import from_data
from tests.handlers.cluster import CA, Cluster, Killed, decoded
from tests.handlers.revoking import DAY, HOUR, LATER, WEB_TLS, kept, renewed, revoked, warnings

WRITES = {
    "the record is staged": 1,
    "the Secret is written": 2,
    "the status is written": 3,
    "the renewal is told": 4,
    "only what was replaced is left": 5,
    "the revocation is told": 6,
    "nothing is left": 7,
}


async def test_a_renewal_costs_one_write_more_in_the_end(cluster: Cluster) -> None:
    await renewed(cluster, number=0)
    await cluster.annotate(renew="now")
    cluster.writes()

    assert await cluster.delay() == HOUR.total_seconds()

    issuing = ["POST secrets", "PATCH secrets", "PATCH certificates/status", "POST events"]
    assert cluster.writes() == [*issuing, "PUT secrets"]
    await cluster.clock.advance(HOUR)
    await cluster.handle()
    assert cluster.writes() == ["POST events", "DELETE secrets", "PATCH certificates/status"]


async def test_what_was_replaced_waits_with_its_key_and_nothing_else(cluster: Cluster) -> None:
    await renewed(cluster)
    (name,) = cluster.staged
    secret = cluster.secret(name)
    (one,) = from_data(decoded(secret))
    assert list(secret["data"]) == [f"superseded-{one.fingerprint}.json"]
    assert secret["metadata"]["labels"]["certwright.io/role"] == "revocation"
    assert one.certificate == cluster.ca.issued[0]
    assert one.key is not None
    assert public_der(one.key) == public_der(cluster.ca.asked[0].key)
    assert (one.issuer, one.due) == (CA, datetime(2030, 1, 1, 1, tzinfo=UTC))


async def test_the_status_tells_of_a_revocation_that_comes_before_the_renewal(cluster: Cluster) -> None:
    await renewed(cluster)
    serial = serial_number(cluster.ca.issued[0])
    told = {"what": f"revoke the superseded certificate {serial}", "when": "2030-01-01T01:00:00Z"}
    assert cluster.status()["nextAction"] == told
    await cluster.handle()
    assert cluster.status()["nextAction"] == told
    await cluster.clock.advance(HOUR)
    await cluster.handle()
    assert cluster.status()["nextAction"]["what"] == "renew the certificate"


@pytest.mark.parametrize("writes", WRITES.values(), ids=WRITES.keys())
async def test_no_kill_loses_or_doubles_a_revocation(cluster: Cluster, writes: int) -> None:
    await renewed(cluster, number=0)
    await cluster.annotate(renew="now")
    cluster.server.writes_left = writes
    try:
        await cluster.handle()
        await cluster.clock.advance(2 * HOUR)
        await cluster.handle()
    except Killed:
        await cluster.restart()
    cluster.server.writes_left = None
    await cluster.handle()
    await cluster.clock.advance(2 * HOUR)
    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert revoked(cluster) == cluster.ca.issued[:1]
    assert cluster.staged == []
    assert warnings(cluster) == []


async def test_a_renewal_that_fails_first_revokes_once(cluster: Cluster) -> None:
    await renewed(cluster, number=0)
    cluster.ca.script.append(RejectedError("The CA said no."))
    await cluster.annotate(renew="now")
    await cluster.handle()
    assert cluster.staged == []
    await cluster.clock.advance(DAY)
    await cluster.handle()
    assert revoked(cluster) == []
    await cluster.clock.advance(DAY)
    await cluster.handle()
    assert len(cluster.ca.issued) == 2
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_a_given_up_renewal_leaves_what_waits_alone(cluster: Cluster) -> None:
    await renewed(cluster)
    cluster.ca.script.append(RejectedError("The CA said no."))
    await cluster.annotate(renew="again")
    await cluster.handle()
    assert kept(cluster) == [serial_number(cluster.ca.issued[0])]


async def test_an_enrolment_under_way_and_what_waits_share_the_secret(cluster: Cluster) -> None:
    await renewed(cluster)
    cluster.ca.script += [Pending(retry_after=HOUR, resume={"step": number}, message="wait") for number in (1, 2)]
    await cluster.annotate(renew="again")
    await cluster.handle()
    (name,) = cluster.staged
    assert {"enrolment.json", "tls.key"} < decoded(cluster.secret(name)).keys()
    assert cluster.secret(name)["metadata"]["labels"]["certwright.io/role"] == "enrolment"
    assert kept(cluster) == [serial_number(leaf) for leaf in cluster.ca.issued]

    await cluster.clock.advance(HOUR)
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]
    assert kept(cluster) == [serial_number(cluster.ca.issued[1])]
    assert cluster.ca.asked[-1].resume == {"step": 1}

    await cluster.clock.advance(HOUR)
    await cluster.handle()
    await cluster.clock.advance(HOUR)
    await cluster.handle()
    assert len(cluster.ca.issued) == 3
    assert revoked(cluster) == cluster.ca.issued[:2]
    assert cluster.staged == []


async def test_a_renewal_is_staged_beside_what_waits_although_the_watch_lags(cluster: Cluster) -> None:
    await renewed(cluster)
    await cluster.clock.advance(1)
    watch = cluster.operator.watch
    assert watch is not None
    (name,) = cluster.staged
    watch.forget("shop", name)
    await cluster.annotate(renew="again")
    await cluster.handle()
    assert kept(cluster) == [serial_number(leaf) for leaf in cluster.ca.issued[:2]]


async def test_what_there_is_no_room_for_is_told(cluster: Cluster) -> None:
    await renewed(cluster, number=6)
    assert kept(cluster) == [serial_number(leaf) for leaf in cluster.ca.issued[1:6]]
    assert warnings(cluster) == ["RevocationImpossible"]


async def test_a_policy_that_is_taken_back_revokes_nothing_any_more(cluster: Cluster) -> None:
    await renewed(cluster)
    await cluster.edit(spec={"revocation": None})
    await cluster.handle()
    assert cluster.staged == []
    await cluster.clock.advance(DAY)
    await cluster.handle()
    assert cluster.ca.revocations == []


async def test_a_policy_that_comes_during_an_enrolment_counts_for_it(cluster: Cluster) -> None:
    await renewed(cluster, number=0, spec={})
    cluster.ca.script.append(Pending(retry_after=HOUR, resume={}, message="wait"))
    await cluster.annotate(renew="now")
    await cluster.handle()
    await cluster.edit(spec=LATER)
    await cluster.handle()
    assert kept(cluster) == [serial_number(cluster.ca.issued[0])]


async def test_an_expired_certificate_needs_no_revocation(cluster: Cluster) -> None:
    await renewed(cluster, spec={"revocation": {"onSupersede": {"after": "9000h"}}})
    await cluster.clock.advance(90 * DAY)
    await cluster.handle()
    assert cluster.ca.revocations == []
    assert warnings(cluster) == []


@pytest.mark.parametrize("how", ["deleted", "swapped"])
async def test_a_certificate_that_somebody_took_away_is_told_of(cluster: Cluster, how: str) -> None:
    await renewed(cluster, number=0)
    if how == "deleted":
        await cluster.server.delete(WEB_TLS)
    else:
        other = await cluster.issued("other")
        await cluster.server.merge(WEB_TLS, {"data": other["data"]}, manager="kubectl")
    await cluster.handle()
    assert warnings(cluster) == ["RevocationImpossible"]
    assert cluster.staged == []
    assert cluster.condition() == ("True", "Ready")
