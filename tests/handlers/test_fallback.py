"""``issuerRefs`` in a whole operator: who is asked, when the turn goes on, and that a restart changes nothing of it.

``a`` is the first issuer and has the cluster's CA, ``b`` the second and has another.
"""

from datetime import timedelta
from typing import Any

import pytest

from certwright.model.enrolment import Pending
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.metadata import Key, Kind
from certwright.model.reasons import Reason
from tests.handlers.ca import ScriptedCA
from tests.handlers.cluster import PROBED, READY, WEB, Cluster

A, B = Key(Kind.ISSUER, "shop", "a"), Key(Kind.ISSUER, "shop", "b")
REFS = [{"name": "a"}, {"name": "b"}]
AWAY = TransientError("the CA is away")


def unready(since: str = "2030-01-01T00:00:00Z") -> dict[str, Any]:
    """The status of an issuer that cannot be asked since then."""
    ready = {**READY, "status": "False", "reason": "Unreachable", "message": "it is down", "lastTransitionTime": since}
    return {**PROBED, "conditions": [ready]}


DOWN = unready("2029-12-31T23:58:00Z")


@pytest.fixture
async def two(cluster: Cluster) -> Cluster:
    """Two ready issuers with a CA each."""
    cluster.workshop.others["b"] = ScriptedCA(cluster.clock)
    await cluster.issuer("a")
    await cluster.issuer("b")
    return cluster


async def named(cluster: Cluster, *names: str, **spec: Any) -> None:
    refs = [{"name": name} for name in names or ("a", "b")]
    await cluster.certificate(issuerRef=None, issuerRefs=refs, **spec)
    await cluster.woken()
    cluster.server.requests.clear()


def second(cluster: Cluster) -> ScriptedCA:
    return cluster.workshop.others["b"]


async def attempt(cluster: Cluster, times: int = 1) -> list[float | None]:
    """Work on it, each time when it wants to come again; the delays."""
    delays: list[float | None] = []
    for _ in range(times):
        delays.append(await cluster.delay())
        await cluster.clock.advance(delays[-1] or 0)
    return delays


async def become(cluster: Cluster, name: str, status: dict[str, Any]) -> None:
    """An issuer's status, as a probe would have written it."""
    path = f"/apis/certwright.io/v1alpha1/namespaces/shop/issuers/{name}/status"
    await cluster.server.merge(path, {"status": status}, manager="test")


async def issued_by(cluster: Cluster) -> str:
    name: str = cluster.status()["issuerRef"]["name"]
    assert cluster.secret()["metadata"]["annotations"]["certwright.io/issuer-name"] == name
    assert cluster.condition() == ("True", "Ready")
    return name


class TestWhoIsAsked:
    async def test_the_first_while_it_works(self, two: Cluster) -> None:
        await named(two)
        await two.handle()
        assert await issued_by(two) == "a"
        assert second(two).asked == []
        assert two.writes() == [
            "POST secrets",
            "PUT secrets",
            "PATCH secrets",
            "PATCH certificates/status",
            "POST events",
            "DELETE secrets",
        ]

    @pytest.mark.parametrize(
        "error",
        [AWAY, IssuerError("deactivated"), TransientError("slow down", reason=Reason.RATE_LIMITED)],
        ids=["transient", "issuer's", "rate limited"],
    )
    async def test_the_next_after_three_failures_in_a_row(self, two: Cluster, error: EnrolmentError) -> None:
        two.ca.script.extend([error] * 3)
        await named(two)
        assert await attempt(two, 3) == [2, 4, 0]
        assert second(two).asked == []
        await two.handle()
        assert await issued_by(two) == "b"
        assert "fallback" not in two.status()
        assert two.staged == []
        assert len(two.ca.orders) == len(second(two).issued) == 1
        assert two.ca.given_up == [{"order": "order-1"}]

    async def test_the_first_again_at_the_next_renewal(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY] * 3)
        await named(two)
        await attempt(two, 3)
        await two.handle()
        assert await issued_by(two) == "b"
        await two.annotate(renew="now")
        await two.handle()
        assert await issued_by(two) == "a"

    async def test_the_first_again_after_the_last(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY] * 3)
        second(two).script.extend([AWAY] * 3)
        await named(two)
        assert await attempt(two, 6) == [2, 4, 0, 2, 4, 0]
        await two.handle()
        assert await issued_by(two) == "a"
        assert "fallback" not in two.status()

    async def test_two_dead_ones_are_asked_less_and_less_often(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY] * 12)
        second(two).script.extend([AWAY] * 12)
        await named(two)
        assert await attempt(two, 6) == [2, 4, 0, 2, 4, 0]
        assert await attempt(two, 6) == [16, 32, 0, 16, 32, 0]
        assert await attempt(two, 6) == [128, 256, 0, 128, 256, 0]
        assert await attempt(two, 6) == [300, 300, 0, 300, 300, 0]

    async def test_a_rejection_is_no_reason_to_ask_another(self, two: Cluster) -> None:
        two.ca.script.extend([RejectedError("not yours")] * 4)
        await named(two)
        await attempt(two, 4)
        assert second(two).asked == []
        assert two.condition() == ("False", "Rejected")

    async def test_a_rejection_by_a_fallback_ends_its_turn(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY] * 3)
        second(two).script.append(RejectedError("not yours"))
        await named(two)
        assert await attempt(two, 4) == [2, 4, 0, 60]
        assert "fallback" not in two.status()
        await two.handle()
        assert await issued_by(two) == "a"

    @pytest.mark.parametrize("reason", [Reason.CREDENTIAL_USED, Reason.MISSING_REFERENCE, Reason.FORBIDDEN])
    async def test_nor_is_what_only_the_author_can_mend(self, two: Cluster, reason: Reason) -> None:
        two.ca.script.extend([TransientError("put a new value into it", reason=reason)] * 6)
        await named(two)
        assert await attempt(two, 6) == [2, 4, 8, 16, 32, 64]
        assert second(two).asked == []

    async def test_nor_a_refusal_by_allow(self, two: Cluster) -> None:
        await two.edit(A, spec={"allow": {"dnsNames": ["other.example.com"]}})
        await become(two, "a", {**PROBED, "conditions": [{**READY, "observedGeneration": 2}]})
        await named(two)
        await two.clock.advance(3600)
        await two.handle()
        assert two.condition("Issuing") == ("False", "NotAllowed")
        assert second(two).asked == []

    async def test_an_issuer_that_does_not_allow_it_gets_no_turn(self, two: Cluster) -> None:
        await two.edit(B, spec={"allow": {"dnsNames": ["other.example.com"]}})
        await become(two, "b", {**PROBED, "conditions": [{**READY, "observedGeneration": 2}]})
        two.ca.script.extend([AWAY] * 5)
        await named(two)
        assert await attempt(two, 5) == [2, 4, 8, 16, 32]

    async def test_one_that_forbids_it_under_its_turn_loses_it(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY] * 3)
        second(two).script.append(AWAY)
        await named(two)
        await attempt(two, 4)
        await two.edit(B, spec={"allow": {"dnsNames": ["other.example.com"]}})
        await become(two, "b", {**PROBED, "conditions": [{**READY, "observedGeneration": 2}]})
        await two.handle()
        assert await issued_by(two) == "a"

    async def test_failures_before_another_can_be_asked_count(self, two: Cluster) -> None:
        await become(two, "b", unready())
        two.ca.script.extend([AWAY] * 5)
        await named(two)
        assert await attempt(two, 5) == [2, 4, 8, 16, 32]
        two.ca.script.append(AWAY)
        assert await two.delay() == 64
        await become(two, "b", PROBED)
        await two.handle()
        assert await issued_by(two) == "b"


class TestAnIssuerThatIsAway:
    async def test_one_that_does_not_exist_is_waited_for_a_minute(self, two: Cluster) -> None:
        await named(two, "missing", "b")
        assert await two.delay() == 60
        assert two.condition("Issuing") == ("False", "IssuerNotFound")
        assert "ask Issuer shop/b if that takes longer" in two.status()["nextAction"]["what"]
        await two.clock.advance(60)
        await two.handle()
        assert await issued_by(two) == "b"

    async def test_it_is_told_once(self, two: Cluster) -> None:
        await named(two, "missing", "b")
        await two.handle()
        two.writes()
        await two.clock.advance(30)
        await two.restart()
        assert await two.delay() == 30
        assert two.writes() == []

    async def test_one_that_is_not_ready_is_waited_for_a_minute_from_when_it_was_so(self, two: Cluster) -> None:
        await become(two, "a", unready("2029-12-31T23:59:40Z"))
        await named(two)
        assert await two.delay() == 40
        assert two.condition("Issuing") == ("False", "IssuerNotReady")
        await two.clock.advance(40)
        await two.handle()
        assert await issued_by(two) == "b"

    async def test_one_that_has_been_down_for_long_is_passed_over_at_once(self, two: Cluster) -> None:
        await become(two, "a", DOWN)
        await named(two)
        await two.handle()
        assert await issued_by(two) == "b"
        assert two.ca.asked == []

    async def test_a_request_that_failed_just_now_gets_its_minute(self, two: Cluster) -> None:
        two.ca.script.append(AWAY)
        await named(two)
        await two.handle()
        await become(two, "a", DOWN)
        assert await two.delay() == 60
        await two.clock.advance(60)
        await two.handle()
        assert await issued_by(two) == "b"

    async def test_one_that_comes_back_in_time_keeps_its_turn(self, two: Cluster) -> None:
        await become(two, "a", unready())
        await named(two)
        await two.handle()
        await two.clock.advance(59)
        await become(two, "a", PROBED)
        await two.handle()
        assert await issued_by(two) == "a"

    async def test_without_another_that_is_ready_it_is_waited_for(self, two: Cluster) -> None:
        await become(two, "a", DOWN)
        await become(two, "b", DOWN)
        await named(two)
        assert await two.delay() is None
        assert two.condition("Issuing") == ("False", "IssuerNotReady")

    @pytest.mark.parametrize("name", ["a", "b"])
    async def test_whichever_becomes_ready_wakes_those_that_name_it(self, two: Cluster, name: str) -> None:
        await become(two, "a", DOWN)
        await become(two, "b", DOWN)
        await named(two)
        await two.handle()
        await two.woken()
        await two.handle(Key(Kind.ISSUER, "shop", name))
        assert WEB in await two.woken()
        await two.handle()
        assert await issued_by(two) == name

    async def test_in_a_backoff_nobody_else_is_asked(self, two: Cluster) -> None:
        two.ca.script.append(RejectedError("not yours"))
        await named(two)
        await two.handle()
        await become(two, "a", DOWN)
        await two.handle()
        assert two.condition("Issuing") == ("False", "IssuerNotReady")
        assert second(two).asked == []


class TestLostAnswers:
    async def test_the_next_is_asked_when_the_minute_is_over(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY, AWAY, TransientError("no answer", retry_after=timedelta(minutes=1))])
        await named(two)
        assert await attempt(two, 2) == [2, 4]
        assert await two.delay() == 60
        await two.clock.advance(59)
        await two.edit(metadata={"labels": {"team": "web"}})
        assert await two.delay() == 1
        assert second(two).asked == []
        await two.clock.advance(1)
        await two.handle()
        assert await issued_by(two) == "b"

    async def test_a_ca_that_wants_an_hour_keeps_its_turn_for_a_minute(self, two: Cluster) -> None:
        two.ca.script.extend([AWAY, AWAY, TransientError("maintenance", retry_after=timedelta(hours=1))])
        await named(two)
        assert await attempt(two, 3) == [2, 4, 60]
        await two.handle()
        assert await issued_by(two) == "b"


class TestTheTurn:
    @pytest.fixture
    async def passed(self, two: Cluster) -> Cluster:
        """It is b's turn, which has an order and takes its time."""
        two.ca.script.extend([AWAY] * 3)
        second(two).script.extend([Pending(retry_after=timedelta(seconds=30), resume={}, message="queued")] * 2)
        await named(two)
        await attempt(two, 4)
        assert two.status()["fallback"]["name"] == "b"
        assert len(two.staged) == 1
        return two

    async def test_it_is_told_why_and_who_is_next(self, passed: Cluster) -> None:
        turn = passed.status()["fallback"]
        assert turn == {
            "name": "b",
            "kind": "Issuer",
            "since": "2030-01-01T00:00:06Z",
            "message": "Issuer shop/a has failed 3 times in a row, last with: the CA is away;"
            " Issuer shop/b is asked instead",
        }
        assert ("Warning", "NextIssuer") in passed.events()

    async def test_a_restart_goes_on_with_it_and_orders_nothing_again(self, passed: Cluster) -> None:
        await passed.restart()
        await passed.handle()
        await passed.clock.advance(30)
        await passed.handle()
        assert await issued_by(passed) == "b"
        assert len(second(passed).orders) == len(second(passed).issued) == 1
        assert len(passed.ca.orders) == 1

    @pytest.mark.parametrize(
        "refs",
        [[{"name": "b"}, {"name": "a"}], [{"name": "b"}], [{"name": "c"}, {"name": "b"}]],
        ids=["another order", "alone", "another first"],
    )
    async def test_it_lasts_while_the_issuer_is_named(self, passed: Cluster, refs: list[Any]) -> None:
        await passed.edit(spec={"issuerRefs": refs})
        second(passed).script.clear()
        await passed.handle()
        assert await issued_by(passed) == "b"
        assert len(second(passed).orders) == 1

    async def test_it_ends_when_the_issuer_is_named_no_more(self, passed: Cluster) -> None:
        await passed.edit(spec={"issuerRefs": [{"name": "a"}]})
        await passed.handle()
        assert await issued_by(passed) == "a"
        assert second(passed).given_up == [{"order": "order-1"}]
        assert "fallback" not in passed.status()

    async def test_the_metrics_name_who_is_asked(self, passed: Cluster) -> None:
        record = passed.operator.inventory.certificates[WEB]
        assert record.issuer == B
        assert record.named == (A, B)


class TestTheCertificateOfAFallback:
    @pytest.fixture
    async def from_b(self, two: Cluster) -> Cluster:
        two.ca.script.extend([AWAY] * 3)
        await named(two)
        await attempt(two, 3)
        await two.handle()
        assert await issued_by(two) == "b"
        two.server.requests.clear()
        return two

    async def test_it_is_good_and_stays(self, from_b: Cluster) -> None:
        assert from_b.operator.inventory.certificates[WEB].issuer == B
        await from_b.restart()
        await from_b.handle()
        assert from_b.writes() == []

    @pytest.mark.parametrize(
        "refs",
        [[{"name": "b"}, {"name": "a"}], [{"name": "b"}], [{"name": "a"}, {"name": "c"}, {"name": "b"}]],
        ids=["another order", "alone", "one more"],
    )
    async def test_it_stays_while_its_issuer_is_named(self, from_b: Cluster, refs: list[Any]) -> None:
        await from_b.edit(spec={"issuerRefs": refs})
        await from_b.handle()
        assert await issued_by(from_b) == "b"
        assert len(second(from_b).issued) == 1

    async def test_it_goes_when_its_issuer_is_named_no_more(self, from_b: Cluster) -> None:
        await from_b.edit(spec={"issuerRefs": [{"name": "a"}]})
        await from_b.handle()
        assert await issued_by(from_b) == "a"

    async def test_an_annotation_that_somebody_took_away_comes_back_right(self, from_b: Cluster) -> None:
        path = "/api/v1/namespaces/shop/secrets/web-tls"
        gone = {"metadata": {"annotations": {"certwright.io/issuer-name": None}}}
        await from_b.server.merge(path, gone, manager="somebody")
        await from_b.handle()
        assert await issued_by(from_b) == "b"

    @pytest.mark.parametrize("is_restarted", [False, True], ids=["", "after a restart"])
    async def test_the_first_does_not_renew_what_another_issued(self, from_b: Cluster, *, is_restarted: bool) -> None:
        if is_restarted:
            await from_b.restart()
        await from_b.annotate(renew="one")
        await from_b.handle()
        assert await issued_by(from_b) == "a"
        assert from_b.ca.asked[-1].current is None
        await from_b.annotate(renew="two")
        await from_b.handle()
        assert from_b.ca.asked[-1].current is not None
