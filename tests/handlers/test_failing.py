"""What follows from a failed attempt, by who must act."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.keys import public_der
from certwright.model.resources import format_instant
from tests.handlers.cluster import CA, WEB, Cluster

TOLD = ["PATCH certificates/status", "POST events"]
SLOW_DOWN = TransientError("slow down", retry_after=timedelta(minutes=30))
REJECTED = RejectedError("www.example.com is not yours")

Edit: TypeAlias = Callable[[Cluster], Awaitable[object]]
EDITS: dict[str, Edit] = {
    "another name": lambda cluster: cluster.edit(spec={"dnsNames": ["other.example.com"]}),
    "a retry request": lambda cluster: cluster.annotate(retry="now"),
}


@pytest.fixture
async def failing(cluster: Cluster) -> Cluster:
    """A Certificate that was not worked on yet, of a ready issuer."""
    await cluster.issuer()
    await cluster.certificate()
    await cluster.woken()
    cluster.server.requests.clear()
    return cluster


async def attempts(cluster: Cluster, *failures: Exception) -> list[float | None]:
    """Let each attempt fail, at the time that the one before asked for; the delays."""
    cluster.ca.script.extend(failures)
    delays: list[float | None] = []
    for _ in failures:
        delays.append(await cluster.delay())
        await cluster.clock.advance(delays[-1] or 0)
    return delays


async def attempts_without_waiting(cluster: Cluster, failure: Exception) -> list[float | None]:
    """One more attempt, after which no time has passed."""
    cluster.ca.script.append(failure)
    return [await cluster.delay()]


class TestTransient:
    async def test_the_delay_doubles_up_to_five_minutes(self, failing: Cluster) -> None:
        away = [TransientError("the CA is away")] * 11

        assert await attempts(failing, *away) == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]

    async def test_key_and_order_are_kept(self, failing: Cluster) -> None:
        await attempts(failing, TransientError("the CA is away"), TransientError("still away"))

        await failing.handle()

        assert len(failing.ca.orders) == len(failing.ca.issued) == 1
        assert len({public_der(asked.key) for asked in failing.ca.asked}) == 1

    async def test_retry_after_is_obeyed(self, failing: Cluster) -> None:
        asked = TransientError("slow down", retry_after=timedelta(minutes=30))

        assert await attempts(failing, asked) == [1800]
        assert failing.status()["nextAction"]["when"] == "2030-01-01T00:30:00Z"

    async def test_each_grown_delay_is_one_write_and_a_repeat_at_the_longest_none(self, failing: Cluster) -> None:
        await attempts(failing, TransientError("the CA is away"))
        assert failing.writes() == ["POST secrets", "PUT secrets", *TOLD]

        for _ in range(8):
            await attempts(failing, TransientError("the CA is away"))
            assert failing.writes() == ["PATCH certificates/status"]
        await attempts(failing, *[TransientError("the CA is away")] * 3)

        assert failing.writes() == []
        assert failing.status()["nextAction"] == {"what": "try again every 5m"}

    async def test_another_failure_is_an_event(self, failing: Cluster) -> None:
        await attempts(failing, TransientError("the CA is away"), TransientError("it has no disk"))

        assert [reason for _, reason in failing.events()] == ["Unreachable", "Unreachable"]
        assert failing.status()["lastError"]["message"] == "it has no disk"

    async def test_success_clears_what_the_failure_left(self, failing: Cluster) -> None:
        await attempts(failing, TransientError("the CA is away"))
        assert failing.status()["lastError"]["class"] == "Transient"

        await failing.handle()

        assert {"lastError", "lastFailureTime", "failedIssuanceAttempts", "enrolment"}.isdisjoint(failing.status())
        assert failing.condition("Issuing") == ("", "")

    async def test_after_a_success_the_delays_begin_anew(self, failing: Cluster) -> None:
        await attempts(failing, *[TransientError("the CA is away")] * 4)
        await failing.handle()
        await failing.annotate(renew="one")

        assert await attempts(failing, TransientError("away again")) == [2]

    async def test_before_anything_is_staged_it_is_the_same(self, failing: Cluster) -> None:
        failing.ca.prepare_script.append(TransientError("the CA is away"))

        assert await failing.delay() == 2
        assert failing.writes() == TOLD

    async def test_no_event_makes_the_waiting_shorter(self, failing: Cluster) -> None:
        await attempts_without_waiting(failing, SLOW_DOWN)
        await failing.edit(metadata={"labels": {"team": "web"}})

        assert await failing.delay() == 1800
        assert len(failing.ca.asked) == 2

    @pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
    async def test_who_acts_is_heard_at_once(self, failing: Cluster, edit: Edit) -> None:
        await attempts_without_waiting(failing, SLOW_DOWN)

        await edit(failing)
        await failing.handle()

        assert failing.condition() == ("True", "Ready")

    async def test_a_retry_request_is_done_with_one_attempt(self, failing: Cluster) -> None:
        await attempts(failing, *[TransientError("the CA is away")] * 10)
        await failing.annotate(retry="now")

        assert await attempts_without_waiting(failing, TransientError("the CA is away")) == [2]
        assert failing.status()["lastRetryRequest"] == "now"


class TestRejected:
    async def test_the_record_is_dropped_and_its_order_taken_back(self, failing: Cluster) -> None:
        await attempts(failing, REJECTED)

        assert failing.staged == []
        assert failing.ca.given_up == [{"order": "order-1"}]
        assert failing.writes() == ["POST secrets", "PUT secrets", "DELETE secrets", *TOLD]

    async def test_the_ca_s_word_is_told(self, failing: Cluster) -> None:
        await attempts(failing, RejectedError("www is not yours", code="rejectedIdentifier"))

        assert failing.condition("Ready") == ("False", "Rejected")
        assert failing.condition("Issuing") == ("False", "Rejected")
        assert failing.events() == [("Warning", "Rejected")]
        assert failing.status()["failedIssuanceAttempts"] == 1
        assert failing.status()["lastError"] == {
            "class": "Rejected",
            "reason": "Rejected",
            "code": "rejectedIdentifier",
            "message": "www is not yours",
            "time": "2030-01-01T00:00:00Z",
        }

    async def test_the_delays_grow_from_a_minute_to_a_day(self, failing: Cluster) -> None:
        minutes = [delay / 60 for delay in await attempts(failing, *[REJECTED] * 8) if delay]

        assert minutes == [1, 4, 16, 64, 256, 1024, 1440, 1440]

    async def test_the_ca_s_own_wish_is_obeyed(self, failing: Cluster) -> None:
        rejected = RejectedError("too many", retry_after=timedelta(hours=2))

        assert await attempts_without_waiting(failing, rejected) == [7200]
        await failing.restart()
        assert await failing.delay() == 7200

    async def test_a_valid_certificate_stays_ready(self, cluster: Cluster) -> None:
        await cluster.issued()
        await cluster.annotate(renew="one")

        await attempts(cluster, REJECTED)

        assert cluster.condition("Ready") == ("True", "Ready")
        assert cluster.condition("Issuing") == ("False", "Rejected")

    async def test_the_waiting_survives_a_restart(self, failing: Cluster) -> None:
        await attempts(failing, REJECTED)
        await attempts_without_waiting(failing, REJECTED)
        await failing.clock.advance(60)

        await failing.restart()

        assert await failing.delay() == 180
        assert failing.writes() == []

    @pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
    async def test_who_acts_is_heard_at_once(self, failing: Cluster, edit: Edit) -> None:
        await attempts_without_waiting(failing, REJECTED)

        await edit(failing)
        await failing.handle()

        assert failing.condition() == ("True", "Ready")
        assert {"lastError", "lastFailureTime", "failedIssuanceAttempts"}.isdisjoint(failing.status())

    @pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
    async def test_who_acts_begins_a_new_row(self, failing: Cluster, edit: Edit) -> None:
        await attempts(failing, REJECTED, REJECTED, REJECTED)

        await edit(failing)

        assert await attempts_without_waiting(failing, REJECTED) == [60]
        assert failing.status()["failedIssuanceAttempts"] == 1
        assert failing.status()["nextAction"]["when"] == format_instant(failing.clock.now() + timedelta(minutes=1))

    async def test_a_certificate_that_is_not_what_was_asked_for_is_never_delivered(self, failing: Cluster) -> None:
        failing.ca.other_names = ("evil.example.com",)

        await failing.handle()

        assert failing.condition() == ("False", "UnexpectedCertificate")
        assert failing.server.names("secrets") == []

    async def test_a_conflict_with_the_report_asks_the_ca_no_second_time(self, failing: Cluster) -> None:
        failing.ca.script.append(REJECTED)
        failing.ca.meanwhile = lambda: failing.edit(metadata={"labels": {"team": "web"}})
        failing.is_shown.clear()

        await failing.handle()
        failing.is_shown.set()
        await failing.handle()

        assert failing.status()["failedIssuanceAttempts"] == 1
        assert len(failing.ca.orders) == 1


class TestIssuerErrors:
    async def test_the_issuer_is_probed_again(self, failing: Cluster) -> None:
        await failing.clock.advance(20)
        await attempts(failing, IssuerError("the account was deactivated"))

        assert CA in await failing.woken()
        await failing.handle(CA)
        assert failing.ca.probes == 1

    async def test_a_hundred_failures_are_one_question(self, failing: Cluster) -> None:
        for _ in range(2):
            await attempts_without_waiting(failing, IssuerError("the account was deactivated"))
            await failing.annotate(retry=str(len(failing.ca.asked)))
            await failing.woken()
            await failing.handle(CA)

        assert failing.ca.probes == 0
        assert await failing.delay(CA) == 10

    async def test_it_is_probed_again_after_each_later_failure(self, failing: Cluster) -> None:
        for count in (1, 2, 3):
            await failing.clock.advance(20)
            await attempts_without_waiting(failing, IssuerError("the account was deactivated"))
            assert CA in await failing.woken()
            await failing.handle(CA)
            assert failing.ca.probes == count

    async def test_a_probe_that_was_due_anyway_does_not_swallow_the_next(self, failing: Cluster) -> None:
        await attempts_without_waiting(failing, IssuerError("the account was deactivated"))
        await failing.clock.advance(timedelta(hours=7))
        await failing.handle(CA)
        await failing.handle(WEB)
        await failing.woken()

        await failing.clock.advance(20)
        await failing.annotate(renew="one")
        await attempts_without_waiting(failing, IssuerError("the account was deactivated"))

        assert CA in await failing.woken()

    async def test_key_and_order_are_kept(self, failing: Cluster) -> None:
        await attempts(failing, IssuerError("the account was deactivated"))

        await failing.handle()

        assert len(failing.ca.orders) == len(failing.ca.issued) == 1

    async def test_a_good_probe_does_not_shorten_the_waiting(self, failing: Cluster) -> None:
        """The server answers, and still refuses: without the delay the two would chase each other without end."""
        failing.ca.script.extend([IssuerError("the TSIG key is wrong")] * 200)
        await failing.work()
        failing.operator.queue.add(WEB)

        await failing.clock.advance(60)

        assert len(failing.ca.asked) <= 7
        assert failing.ca.probes <= 7

    async def test_an_issuer_that_was_mended_is_used_at_once(self, failing: Cluster) -> None:
        failing.ca.script.extend([IssuerError("the TSIG key is wrong")] * 7)
        failing.operator.queue.add(WEB)
        await failing.work()
        await failing.clock.advance(130)
        failing.ca.script.clear()
        assert failing.condition() == ("False", "IssuerNotReady")

        await failing.edit(CA, spec={"acme": {"contact": ["pki@example.com"]}})
        await failing.clock.advance(1)

        assert failing.condition() == ("True", "Ready")


class TestInternalErrors:
    async def test_ready_stays_as_it_was(self, cluster: Cluster) -> None:
        await cluster.issued()
        await cluster.annotate(renew="one")
        cluster.ca.script.append(ZeroDivisionError("our own fault"))

        with pytest.raises(ZeroDivisionError):
            await cluster.handle()

        assert cluster.condition("Ready") == ("True", "Ready")
        assert cluster.status()["lastError"]["reason"] == "InternalError"
        assert cluster.status()["lastError"]["class"] == "Internal"

    async def test_it_is_tried_again_and_its_traceback_is_logged_once(
        self, failing: Cluster, caplog: pytest.LogCaptureFixture
    ) -> None:
        failing.ca.script.extend([ZeroDivisionError("our own fault")] * 3)
        await failing.work()
        failing.operator.queue.add(WEB)

        await failing.clock.advance(30)

        assert failing.condition() == ("True", "Ready")
        assert "lastError" not in failing.status()
        assert len([record for record in caplog.records if record.exc_info]) == 1

    async def test_a_repeat_at_the_longest_delay_is_not_written(self, failing: Cluster) -> None:
        failing.ca.script.extend([ZeroDivisionError("our own fault")] * 50)
        await failing.work()
        failing.operator.queue.add(WEB)
        await failing.clock.advance(timedelta(minutes=20))
        failing.writes()

        await failing.clock.advance(timedelta(minutes=30))

        assert failing.writes() == []


@pytest.mark.parametrize("status", [0, 403, 404, 409, 422, 500], ids=str)
@pytest.mark.parametrize("call", ["POST secrets", "PUT secrets", "PATCH secrets", "PATCH certificates/status"])
async def test_whatever_the_api_server_says_is_no_fault_of_ours(
    failing: Cluster, caplog: pytest.LogCaptureFixture, call: str, status: int
) -> None:
    with failing.answering(call, status):
        for _ in range(3):
            await failing.handle()

    await failing.clock.advance(timedelta(minutes=10))
    await failing.handle()
    await failing.clock.advance(timedelta(minutes=10))
    await failing.handle()

    assert failing.condition() == ("True", "Ready")
    assert len(failing.ca.issued) == 1
    assert not [record for record in caplog.records if record.exc_info]


REFUSALS = {
    "invalid": (422, "InvalidSpec", "refuses what was made of this Certificate"),
    "too large": (413, "InvalidSpec", "ask for fewer names, or drop keystores"),
    "forbidden": (403, "Forbidden", "raise the quota, or complete the role of the operator"),
}


@pytest.mark.parametrize(("status", "reason", "told"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_secret_that_the_api_server_refuses_is_told_to_the_author(
    failing: Cluster, status: int, reason: str, told: str
) -> None:
    failing.operator.queue.add(WEB)
    with failing.answering("PATCH secrets", status):
        await failing.work()
        await failing.clock.advance(60)

    assert failing.condition() == ("False", reason)
    message = failing.status()["lastError"]["message"]
    assert told in message
    assert f"refused with {status}" in message
    assert len(failing.ca.asked) == 2
    await failing.edit(spec={"secretTemplate": {"labels": {"team": "web"}}})
    await failing.clock.advance(1)
    assert failing.condition() == ("True", "Ready")
    assert len(failing.ca.issued) == 1


async def test_a_label_that_no_secret_can_have_is_told_before_the_ca_is_asked(failing: Cluster) -> None:
    await failing.edit(spec={"secretTemplate": {"labels": {"team": "web shop"}}})

    await failing.handle()

    assert failing.condition("Issuing") == ("False", "InvalidSpec")
    assert failing.ca.asked == []
    await failing.edit(spec={"secretTemplate": {"labels": {"team": "web-shop"}}})
    await failing.handle()
    assert failing.condition() == ("True", "Ready")


async def test_in_a_namespace_that_is_being_deleted_nothing_is_done_and_nothing_is_said(
    failing: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    failing.server.terminating.add("shop")

    assert await failing.delay() == 30

    assert failing.ca.asked == []
    assert failing.writes() == ["POST secrets"]
    assert caplog.records == []
