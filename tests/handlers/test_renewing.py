"""Time alone renews, in its window where there is one, before the end whatever happens, and not without need."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certwright.model import cron
from certwright.model.errors import RejectedError, TransientError
from tests.handlers.cluster import CA, WEB, Cluster

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHTLY = {"cron": "0 2 * * *", "windowDuration": "2h"}
NEVER = {"cron": "0 2 1 6 *", "windowDuration": "2h"}
UNREADABLE = {"cron": "0 2 * * *", "windowDuration": "2h", "timezone": "Europe/Atlantis"}
SECRET = "/api/v1/namespaces/shop/secrets/web-tls"


def windows(*given: dict[str, Any]) -> dict[str, Any]:
    return {"renewal": {"windows": list(given)}}


def renewal_of(cluster: Cluster) -> datetime:
    return datetime.fromisoformat(cluster.status()["renewalTime"])


def warnings(cluster: Cluster) -> list[str]:
    return [reason for kind, reason in cluster.events() if kind == "Warning"]


async def at_work(cluster: Cluster) -> None:
    """From now on time alone does everything."""
    await cluster.work()
    cluster.operator.queue.add(WEB)
    await cluster.clock.advance(0)


async def issuer_away(cluster: Cluster, *, is_away: bool) -> None:
    ready = {"type": "Ready", "status": "False" if is_away else "True", "message": "away", "observedGeneration": 1}
    await cluster.edit(CA, status={"conditions": [ready]})


@pytest.mark.parametrize(
    ("life", "backdated"),
    [
        pytest.param(6 * HOUR, timedelta(0), id="six hours"),
        pytest.param(HOUR, timedelta(minutes=5), id="an hour, dated back"),
        pytest.param(2 * HOUR, HOUR, id="two hours, dated back by half of them"),
        pytest.param(timedelta(minutes=5), timedelta(minutes=1), id="minutes"),
        pytest.param(timedelta(seconds=30), timedelta(0), id="seconds"),
    ],
)
async def test_however_short_its_life_a_certificate_is_replaced_in_time_and_not_too_often(
    cluster: Cluster, life: timedelta, backdated: timedelta
) -> None:
    cluster.ca.signer.life, cluster.ca.signer.backdated = life, backdated
    await cluster.issued()
    await at_work(cluster)

    await cluster.clock.advance(10 * (life - backdated))

    begins = [each.not_valid_before_utc + backdated for each in cluster.ca.issued]
    ends = [each.not_valid_after_utc for each in cluster.ca.issued]
    assert all(begin < end for begin, end in zip(begins[1:], ends, strict=False))
    assert 15 <= len(begins) <= 32, "each is replaced after about half of its life"
    assert {reason for _, reason in cluster.events()} == {"Issued"}


@pytest.mark.parametrize("life", [HOUR, 90 * DAY], ids=["an hour", "ninety days"])
async def test_a_renewal_of_more_than_the_lifetime_makes_no_loop(cluster: Cluster, life: timedelta) -> None:
    cluster.ca.signer.life = life
    await cluster.issued(renewBefore="9000h")
    await at_work(cluster)

    await cluster.clock.advance(life)

    assert len(cluster.ca.issued) <= 3


class TestWindows:
    async def test_a_renewal_comes_in_its_window(self, cluster: Cluster) -> None:
        await cluster.issued(**windows(NIGHTLY))
        planned = renewal_of(cluster)
        assert datetime(2030, 3, 1, 2, tzinfo=UTC) <= planned < datetime(2030, 3, 1, 3, tzinfo=UTC)
        assert cluster.status()["nextAction"] == {
            "what": "renew the certificate",
            "when": cluster.status()["renewalTime"],
        }
        await at_work(cluster)

        await cluster.clock.advance(planned - cluster.clock.now() - timedelta(seconds=1))
        assert len(cluster.ca.issued) == 1
        await cluster.clock.advance(2)

        assert len(cluster.ca.issued) == 2
        assert renewal_of(cluster) > planned + 50 * DAY
        assert warnings(cluster) == []

    async def test_windows_that_cannot_be_met_are_told_once_and_overridden(self, cluster: Cluster) -> None:
        await cluster.issued()
        planned = renewal_of(cluster)
        await cluster.edit(spec=windows(NEVER))
        await at_work(cluster)

        assert renewal_of(cluster) == planned
        assert cluster.condition() == ("True", "Ready")
        assert cluster.condition("Issuing") == ("", "")
        assert cluster.status()["nextAction"]["what"].startswith("renew the certificate outside spec.renewal.windows")
        await cluster.edit(spec={"retry": {"initial": "5m"}})
        await cluster.clock.advance(planned - cluster.clock.now())

        assert len(cluster.ca.issued) == 2
        assert warnings(cluster) == ["WindowError"]

    async def test_a_renewal_that_fails_in_its_window_goes_on_outside(self, cluster: Cluster) -> None:
        await cluster.issued(**windows({"cron": "0 2 * * *", "windowDuration": "1m"}))
        cluster.ca.script.extend([TransientError("away")] * 8)
        await at_work(cluster)

        await cluster.clock.advance(renewal_of(cluster) - cluster.clock.now() + HOUR / 2)

        assert len(cluster.ca.issued) == 2

    async def test_a_window_that_was_slept_through_is_made_up_for(self, cluster: Cluster) -> None:
        await cluster.issued(**windows(NIGHTLY))
        await cluster.stop()
        await cluster.clock.advance(renewal_of(cluster) - cluster.clock.now() + 5 * HOUR)

        await cluster.start()
        await cluster.handle()

        assert len(cluster.ca.issued) == 2

    async def test_a_certificate_whose_windows_cannot_be_read_is_not_asked_for(self, cluster: Cluster) -> None:
        await cluster.issuer()
        await cluster.certificate(**windows(NIGHTLY, UNREADABLE))

        assert await cluster.delay() is None

        assert cluster.ca.asked == []
        assert cluster.condition() == cluster.condition("Issuing") == ("False", "InvalidSpec")
        (message,) = {each["message"] for each in cluster.status()["conditions"]}
        assert "spec.renewal.windows[1].timezone: 'Europe/Atlantis'" in message
        assert cluster.events() == [("Warning", "InvalidSpec")]
        await cluster.edit(spec=windows(NIGHTLY))
        await cluster.handle()
        assert cluster.condition() == ("True", "Ready")

    async def test_a_good_certificate_stays_good_and_is_renewed_although_its_windows_cannot_be_read(
        self, cluster: Cluster
    ) -> None:
        await cluster.issued()
        planned = renewal_of(cluster)
        await cluster.edit(spec=windows(UNREADABLE))
        await at_work(cluster)

        assert cluster.condition() == ("True", "Ready")
        assert cluster.condition("Issuing") == ("False", "InvalidSpec")
        assert renewal_of(cluster) == planned
        await cluster.clock.advance(planned - cluster.clock.now())

        assert len(cluster.ca.issued) == 2
        assert cluster.condition() == ("True", "Ready")
        assert cluster.condition("Issuing") == ("False", "InvalidSpec")
        assert warnings(cluster) == ["InvalidSpec"]
        cluster.writes()
        cluster.operator.queue.add(WEB)
        await cluster.clock.advance(1)
        assert cluster.writes() == []
        await cluster.edit(spec=windows(NIGHTLY))
        await cluster.clock.advance(1)
        assert cluster.condition("Issuing") == ("", "")

    async def test_a_restart_computes_no_plan_anew(self, cluster: Cluster) -> None:
        await cluster.issuer()
        names = [f"web-{number}" for number in range(50)]
        for name in names:
            await cluster.certificate(name, **windows(NIGHTLY))
            await cluster.handle(WEB._replace(name=name))
        planned = [cluster.status(name)["renewalTime"] for name in names]
        before = cron.parse.cache_info()

        await cluster.restart()
        for name in names:
            await cluster.handle(WEB._replace(name=name))

        assert cluster.server.requests == []
        assert cron.parse.cache_info() == before
        assert planned == [cluster.status(name)["renewalTime"] for name in names]


class TestEdits:
    @pytest.mark.parametrize(
        ("edit", "undo"),
        [
            pytest.param({"renewBefore": "240h"}, {"renewBefore": None}, id="renewBefore"),
            pytest.param({"renewBeforePercentage": 10}, {"renewBeforePercentage": None}, id="a percentage"),
            pytest.param(windows(NIGHTLY), {"renewal": None}, id="windows"),
            pytest.param({"renewal": {"policy": "Disabled"}}, {"renewal": None}, id="the policy"),
        ],
    )
    async def test_an_edit_moves_the_renewal_at_once_and_asks_no_ca(
        self, cluster: Cluster, edit: dict[str, Any], undo: dict[str, Any]
    ) -> None:
        await cluster.issued()
        before = cluster.status()["renewalTime"]

        await cluster.edit(spec=edit)
        await cluster.handle()
        assert cluster.status().get("renewalTime") != before
        await cluster.edit(spec=undo)
        await cluster.handle()

        assert cluster.status()["renewalTime"] == before
        assert len(cluster.ca.asked) == 2, "the two steps of the first enrolment"
        assert cluster.condition() == ("True", "Ready")

    async def test_a_renewal_that_an_edit_made_due_is_not_forgotten_with_a_failure(self, cluster: Cluster) -> None:
        await cluster.issued()
        await cluster.clock.advance(10 * DAY)
        await cluster.woken()
        await cluster.edit(spec={"renewBefore": "2016h"})
        cluster.ca.script.extend([TransientError("away"), RejectedError("no")])
        await at_work(cluster)

        assert renewal_of(cluster) < cluster.clock.now()
        await cluster.clock.advance(HOUR)

        assert len(cluster.ca.issued) == 2

    async def test_an_edit_counts_while_something_else_is_in_the_way(self, cluster: Cluster) -> None:
        await cluster.issued()
        await issuer_away(cluster, is_away=True)
        await cluster.edit(spec={"renewBefore": "240h", "dnsNames": ["other.example.com"]})

        await cluster.handle()

        assert cluster.condition("Issuing") == ("False", "IssuerNotReady")
        assert renewal_of(cluster) > cluster.clock.now() + 78 * DAY


class TestExpiry:
    async def test_without_renewal_it_is_told_at_the_instant_and_an_annotation_renews(self, cluster: Cluster) -> None:
        await cluster.issued(renewal={"policy": "Disabled"})
        assert "renewalTime" not in cluster.status()
        await at_work(cluster)

        await cluster.clock.advance(90 * DAY - timedelta(seconds=1))
        assert cluster.condition() == ("True", "Ready")
        await cluster.clock.advance(1)
        assert cluster.condition() == ("False", "Expired")
        assert len(cluster.ca.issued) == 1
        await cluster.annotate(renew="now")
        await cluster.clock.advance(1)

        assert cluster.condition() == ("True", "Ready")
        assert len(cluster.ca.issued) == 2

    async def test_an_expired_certificate_is_renewed_at_once(self, cluster: Cluster) -> None:
        await cluster.issued(**windows(NIGHTLY))
        await cluster.stop()
        await cluster.clock.advance(91 * DAY)

        await cluster.start()
        await cluster.handle()

        assert cluster.condition() == ("True", "Ready")
        assert len(cluster.ca.issued) == 2

    async def test_expired_is_what_is_read_first_while_something_is_in_the_way(self, cluster: Cluster) -> None:
        await cluster.issued()
        await issuer_away(cluster, is_away=True)
        await cluster.clock.advance(91 * DAY)

        await cluster.handle()

        assert cluster.condition() == ("False", "Expired")
        assert cluster.condition("Issuing") == ("False", "IssuerNotReady")
        message = next(each["message"] for each in cluster.status()["conditions"] if each["type"] == "Ready")
        assert message.startswith("the certificate expired at 2030-04-01T00:00:00Z; Issuer shop/ca is not ready")

    async def test_a_certificate_that_is_not_valid_yet_is_not_ready_until_it_is(self, cluster: Cluster) -> None:
        """The operator's clock is late, or somebody put it there."""
        await cluster.issued()
        cluster.clock.skew = -DAY
        await cluster.server.merge(SECRET, {"metadata": {"labels": {"theirs": "yes"}}}, manager="kubectl")
        await at_work(cluster)

        assert cluster.condition() == ("False", "NotYetValid")
        await cluster.clock.advance(DAY)

        assert cluster.condition() == ("True", "Ready")
        assert len(cluster.ca.issued) == 1

    @pytest.mark.parametrize(
        ("ahead", "ready"),
        [
            pytest.param(timedelta(minutes=5), ("True", "Ready"), id="a little"),
            pytest.param(HOUR, ("False", "UnexpectedCertificate"), id="far"),
        ],
    )
    async def test_a_ca_whose_clock_is_ahead_is_forgiven(
        self, cluster: Cluster, ahead: timedelta, ready: tuple[str, str]
    ) -> None:
        cluster.ca.signer.backdated = -ahead
        await cluster.issuer()
        await cluster.certificate()

        await cluster.handle()

        assert ready == cluster.condition()


class TestDuration:
    async def test_a_ca_that_gives_another_validity_is_told_of(self, cluster: Cluster) -> None:
        await cluster.issued(duration="24h")

        assert cluster.condition() == ("True", "Ready")
        message = cluster.status()["conditions"][0]["message"]
        assert message.endswith("; the CA made the certificate valid for 2160h0m0s, and spec.duration asks for 24h0m0s")
        assert cluster.events() == [("Normal", "Issued"), ("Warning", "EnrolledOtherwise")]
        await cluster.restart()
        await cluster.handle()
        assert cluster.server.requests == []

    async def test_one_that_obeys_is_not(self, cluster: Cluster) -> None:
        cluster.ca.signer.life = DAY - timedelta(seconds=1)
        await cluster.issued(duration="24h")

        assert "duration" not in cluster.status()["conditions"][0]["message"]
        assert cluster.events() == [("Normal", "Issued")]


class TestClock:
    """The operator's clock is set, the CA's is right; `runtime.clock_steps` notices, and has everything looked at."""

    @staticmethod
    async def set_clock(cluster: Cluster, by: timedelta) -> None:
        cluster.clock.skew += by
        cluster.ca.signer.backdated = cluster.clock.skew
        cluster.operator.look_at_all()
        await cluster.clock.advance(1)

    async def test_a_clock_that_was_late_misses_no_renewal(self, cluster: Cluster) -> None:
        await cluster.issued()
        await at_work(cluster)

        await self.set_clock(cluster, 70 * DAY)

        assert len(cluster.ca.issued) == 2

    async def test_a_clock_that_was_ahead_renews_nothing_early_for_good(self, cluster: Cluster) -> None:
        await cluster.issued()
        await at_work(cluster)
        await self.set_clock(cluster, 50 * DAY)
        await self.set_clock(cluster, -50 * DAY)
        assert len(cluster.ca.issued) == 1
        await self.set_clock(cluster, 70 * DAY)
        await self.set_clock(cluster, -70 * DAY)
        assert len(cluster.ca.issued) == 2, "it was due, as far as anybody could know"

        await cluster.clock.advance(58 * DAY)
        assert len(cluster.ca.issued) == 2
        await cluster.clock.advance(32 * DAY)

        assert len(cluster.ca.issued) == 3
        assert cluster.condition() == ("True", "Ready")

    async def test_a_clock_that_was_ahead_delays_no_attempt_for_good(self, cluster: Cluster) -> None:
        await cluster.issuer()
        await cluster.certificate()
        cluster.ca.script.append(RejectedError("no"))
        cluster.clock.skew = 500 * DAY
        await at_work(cluster)
        assert cluster.condition() == ("False", "Rejected")

        await self.set_clock(cluster, -500 * DAY)

        assert cluster.condition() == ("True", "Ready")
