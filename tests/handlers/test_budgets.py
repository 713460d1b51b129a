"""``limits.perDay`` in a whole operator: what is counted, what a crash costs, and what those are told who must wait."""

from datetime import timedelta
from typing import Any

import pytest

from certwright.kube.objects import path_of
from certwright.model.enrolment import Pending
from certwright.model.errors import RejectedError, TransientError
from certwright.model.metadata import Key, Kind
from certwright.runtime.workers import Retry
from tests.handlers.cluster import CA, ISSUER_SPEC, PROBED, WEB, Cluster, Killed

DAY = timedelta(days=1)


def key(number: int) -> Key:
    return Key(Kind.CERTIFICATE, "shop", f"c{number}")


async def limited(cluster: Cluster, per_day: int, *, certificates: int = 0, **parts: Any) -> None:
    await cluster.issuer(**{"spec": {**ISSUER_SPEC, "limits": {"perDay": per_day}}, **parts})
    for number in range(certificates):
        await cluster.certificate(f"c{number}")
    await cluster.woken()
    cluster.server.requests.clear()


async def handle_all(cluster: Cluster, *numbers: int) -> None:
    for number in numbers:
        await cluster.handle(key(number))


def usage(cluster: Cluster) -> dict[str, Any] | None:
    found: dict[str, Any] | None = cluster.server.body("issuers", "ca")["status"].get("usage")
    return found


async def limit(cluster: Cluster, per_day: int | None) -> None:
    """What an administrator does; the issuer is probed again."""
    await cluster.edit(CA, spec={"limits": {"perDay": per_day}})
    await cluster.handle(CA)


async def test_a_small_budget_serves_to_the_last_attempt_and_no_further(cluster: Cluster) -> None:
    await limited(cluster, 3, certificates=5)

    await handle_all(cluster, 0, 1, 2, 3, 4)

    assert len(cluster.ca.issued) == 3
    assert usage(cluster) == {"day": "2030-01-01", "reserved": 3}
    assert cluster.condition(name="c2") == ("True", "Ready")
    assert cluster.condition(name="c3") == cluster.condition(name="c4") == ("False", "RateLimited")


async def test_who_must_wait_is_told_for_whom_for_what_and_how_long(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=2)
    await cluster.clock.advance(3600)
    await handle_all(cluster, 0)
    cluster.writes()

    assert await cluster.delay(key(1)) == 23 * 3600

    assert cluster.writes() == ["PATCH certificates/status", "POST events"]
    status = cluster.status("c1")
    (told,) = (each["message"] for each in status["conditions"] if each["type"] == "Issuing")
    assert told == (
        "Issuer shop/ca has used up its limits.perDay of 1: it goes on at 2030-01-02T00:00:00Z,"
        " or as soon as the limit is raised"
    )
    assert status["nextAction"] == {"what": "issue", "when": "2030-01-02T00:00:00Z"}
    assert {"failedIssuanceAttempts", "lastError", "lastFailureTime"}.isdisjoint(status)
    assert cluster.staged == []


async def test_it_is_told_once_however_often_one_looks_and_over_restarts(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=2)
    await handle_all(cluster, 0, 1)
    cluster.writes()

    await handle_all(cluster, 1, 1)
    await cluster.restart()
    await handle_all(cluster, 1)

    assert cluster.writes() == []


async def test_the_next_day_goes_on(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=2)
    await handle_all(cluster, 0)
    await cluster.clock.advance(await cluster.delay(key(1)) or 0)

    await handle_all(cluster, 1)

    assert cluster.condition(name="c1") == ("True", "Ready")
    assert usage(cluster) == {"day": "2030-01-02", "reserved": 1}


async def test_a_good_certificate_stays_ready_and_is_told_to_have_expired(cluster: Cluster) -> None:
    await cluster.clock.advance(6 * 3600)
    await cluster.issued()
    end = cluster.ca.issued[0].not_valid_after_utc
    await limit(cluster, 1)
    await cluster.certificate("c0")
    await cluster.clock.advance(end - cluster.clock.now() - timedelta(hours=1))
    await handle_all(cluster, 0)

    assert await cluster.delay(WEB) == 3600
    assert cluster.condition("Issuing") == ("False", "RateLimited")
    assert cluster.condition() == ("True", "Ready")
    await cluster.clock.advance(3600)
    await cluster.handle(WEB)
    assert cluster.condition()[0] == "False"


async def test_attempts_count_and_not_successes(cluster: Cluster) -> None:
    await limited(cluster, 3, certificates=2)
    cluster.ca.script.extend([TransientError("away"), RejectedError("no")])
    for _ in range(2):
        await cluster.clock.advance(await cluster.delay(key(0)) or 0)
    await handle_all(cluster, 1)

    assert usage(cluster) == {"day": "2030-01-01", "reserved": 3}
    await handle_all(cluster, 0)
    assert cluster.condition("Issuing", name="c0") == ("False", "RateLimited")


async def test_a_crash_loses_budget_and_never_exceeds_it(cluster: Cluster) -> None:
    await limited(cluster, 100, certificates=4)
    await handle_all(cluster, 0)
    assert usage(cluster) == {"day": "2030-01-01", "reserved": 2}

    await cluster.restart()
    await handle_all(cluster, 1, 2, 3)

    assert usage(cluster) == {"day": "2030-01-01", "reserved": 6}
    assert cluster.writes().count("PATCH issuers/status") == 2


async def test_killed_right_after_the_reservation_it_is_counted(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=1)
    cluster.server.writes_left = 2  # the staged Secret, then the reservation
    with pytest.raises(Killed):
        await handle_all(cluster, 0)

    await cluster.restart()
    await handle_all(cluster, 0)

    assert cluster.ca.asked == []
    assert cluster.condition("Issuing", name="c0") == ("False", "RateLimited")


async def test_those_who_come_together_reserve_once(cluster: Cluster) -> None:
    await limited(cluster, 1000, certificates=10)
    for number in range(10):
        cluster.operator.queue.add(key(number))

    await cluster.work()

    assert len(cluster.ca.issued) == 10
    assert cluster.writes().count("PATCH issuers/status") == 1


async def test_a_status_that_somebody_else_wrote_is_read_again(cluster: Cluster) -> None:
    await limited(cluster, 5, certificates=1)
    cluster.is_shown.clear()
    theirs = {**PROBED, "usage": {"day": "2030-01-01", "reserved": 3}}
    await cluster.server.merge(f"{path_of(*CA)}/status", {"status": theirs}, manager="another")

    await handle_all(cluster, 0)

    assert cluster.condition(name="c0") == ("True", "Ready")
    assert usage(cluster) == {"day": "2030-01-01", "reserved": 4}
    cluster.is_shown.set()


async def test_a_reservation_that_fails_asks_nothing(cluster: Cluster) -> None:
    await limited(cluster, 5, certificates=1)
    with cluster.answering("PATCH issuers/status", 503):
        assert isinstance(await cluster.handle(key(0)), Retry)
    assert cluster.ca.asked == []

    await handle_all(cluster, 0)

    assert cluster.condition(name="c0") == ("True", "Ready")


async def test_a_raised_limit_goes_on_at_once(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=2)
    await handle_all(cluster, 0, 1)
    await cluster.woken()

    await limit(cluster, 2)

    assert key(1) in await cluster.woken()
    await handle_all(cluster, 1)
    assert cluster.condition(name="c1") == ("True", "Ready")


async def test_a_lowered_limit_takes_back_what_was_reserved(cluster: Cluster) -> None:
    await limited(cluster, 200, certificates=3)
    await handle_all(cluster, 0, 1)
    assert usage(cluster) == {"day": "2030-01-01", "reserved": 4}

    await limit(cluster, 2)
    await handle_all(cluster, 2)

    assert cluster.condition("Issuing", name="c2") == ("False", "RateLimited")
    assert len(cluster.ca.issued) == 2


async def test_a_clock_that_is_set_back_frees_nothing(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=2)
    await handle_all(cluster, 0)
    cluster.clock.skew = -DAY

    await handle_all(cluster, 1)

    assert cluster.status("c1")["nextAction"]["when"] == "2030-01-02T00:00:00Z"


async def test_a_probe_keeps_what_was_reserved_while_it_ran(cluster: Cluster) -> None:
    await limited(cluster, 5, certificates=1, status={})
    await cluster.handle(CA)
    await handle_all(cluster, 0)
    await cluster.clock.advance(timedelta(hours=7))
    assert cluster.ca.probes == 1

    await cluster.handle(CA)

    assert cluster.ca.probes == 2
    assert usage(cluster) == {"day": "2030-01-01", "reserved": 1}


async def test_an_enrolment_that_is_let_in_goes_on_although_the_day_is_used_up(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=1)
    cluster.ca.script.extend([Pending(retry_after=timedelta(seconds=90), resume={}, message="queued")] * 2)
    for _ in range(3):
        await cluster.clock.advance(await cluster.delay(key(0)) or 0)

    assert cluster.condition(name="c0") == ("True", "Ready")
    assert usage(cluster) == {"day": "2030-01-01", "reserved": 1}


async def test_what_the_ca_has_issued_is_delivered_although_the_day_is_used_up(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=1)
    with cluster.answering("PATCH secrets", 503):
        assert isinstance(await cluster.handle(key(0)), Retry)
    assert len(cluster.ca.issued) == 1

    await handle_all(cluster, 0)

    assert cluster.condition(name="c0") == ("True", "Ready")
    assert len(cluster.ca.issued) == 1


async def test_an_issuer_made_anew_has_a_budget_of_its_own(cluster: Cluster) -> None:
    await limited(cluster, 1, certificates=2)
    await handle_all(cluster, 0, 1)
    await cluster.delete(CA)
    await cluster.handle(CA)
    await limited(cluster, 1)

    await handle_all(cluster, 1)

    assert cluster.condition(name="c1") == ("True", "Ready")
