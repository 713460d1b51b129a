"""What a certificate may cost the API server: the write budget, counted by the API server's own audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from e2e.bench import burst, loop_lag, restart
from e2e.bench.authorities import CMP, EST, SCEP, ACMEOverDNS01, Authority, CMPConfirmed, CMPSigned
from e2e.bench.burst import Burst
from e2e.bench.loop_lag import LoopLag
from e2e.bench.stage import Place, Stage

COUNT = 3
SHOWN_AFTER = 2.0
"""Seconds after which an enrolment under way is told: one more write and one more Event."""

ONE_OF_EACH = {"GET secrets": 1, "POST secrets": 1, "PATCH secrets": 1, "DELETE secrets": 1}
"""What stands in the Secret; staged; delivered; unstaged."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a first certificate costs; ``secrets`` are the requests about its Secrets."""

    authority: type[Authority]
    writes: int
    secrets: dict[str, int]


ACME_BUDGET = Budget(ACMEOverDNS01, 5, ONE_OF_EACH | {"PUT secrets": 1})
"""One more than the others: the order must be stored before it is proved."""

CMP_CONFIRMED_BUDGET = Budget(CMPConfirmed, 5, ONE_OF_EACH | {"PUT secrets": 1})
"""One more than without the confirmation: the certificate must be stored before it is confirmed."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(ACME_BUDGET, id="acme"),
        pytest.param(Budget(EST, 4, ONE_OF_EACH), id="est"),
        pytest.param(Budget(SCEP, 4, ONE_OF_EACH), id="scep"),
        pytest.param(Budget(CMP, 4, ONE_OF_EACH), id="cmp-mac"),
        pytest.param(Budget(CMPSigned, 4, ONE_OF_EACH), id="cmp-signature"),
        pytest.param(CMP_CONFIRMED_BUDGET, id="cmp-certconf"),
    ],
)
def budget(request: pytest.FixtureRequest) -> Budget:
    found: Budget = request.param
    return found


def say(text: str) -> None:
    print(text)


@pytest.fixture(scope="module")
def place(budget: Budget) -> Iterator[Place]:
    with Stage(budget.authority(), say) as place:
        yield place


@pytest.fixture(scope="module")
def issued(place: Place) -> Burst:
    return burst.run(place, COUNT, say)


def test_the_writes_of_a_first_certificate(issued: Burst, budget: Budget) -> None:
    assert issued.told_slow == 0 or issued.latency_max > SHOWN_AFTER
    assert issued.writes_each * COUNT == budget.writes * COUNT + issued.told_slow
    assert issued.by_kind_each["PATCH certificates/status"] * COUNT == COUNT + issued.told_slow
    assert {what: each for what, each in issued.by_kind_each.items() if what.endswith(" secrets")} == budget.secrets
    assert issued.refused_writes == 0


def test_a_first_certificate_costs_two_events_at_most(issued: Burst) -> None:
    assert 1 <= issued.events_each <= 2


def test_a_restart_writes_nothing_and_reads_no_object(place: Place, issued: Burst) -> None:
    found = restart.run(place, issued.count, say, idle_for=timedelta(seconds=1))
    assert (found.writes, found.object_reads, found.ca_requests) == (0, 0, 0), found.requests
    assert found.requests["list certificates"] >= 1


def test_a_percentile_is_never_told_too_small() -> None:
    before = loop_lag.counted(scraped(at_10_ms=100, at_20_ms=100, at_all=101))
    after = loop_lag.counted(scraped(at_10_ms=298, at_20_ms=299, at_all=301))
    assert loop_lag.between(before, after) == LoopLag(samples=200, p99=0.01)
    assert loop_lag.between({}, before) == LoopLag(samples=101, p99=0.01)
    assert loop_lag.between(before, loop_lag.counted(scraped(at_10_ms=197, at_20_ms=199, at_all=201))) == LoopLag(
        samples=100, p99=0.02
    )
    assert loop_lag.between(before, before) is None


def scraped(*, at_10_ms: int, at_20_ms: int, at_all: int) -> str:
    """What the operator exposes: how many samples were at most so late."""
    counts = {"0.01": at_10_ms, "0.02": at_20_ms, "+Inf": at_all}
    lines = [f'certwright_loop_delay_seconds_bucket{{le="{bound}"}} {count}.0' for bound, count in counts.items()]
    return "\n".join(["# TYPE certwright_loop_delay_seconds histogram", *lines, ""])
