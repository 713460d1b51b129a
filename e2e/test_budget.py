"""What a certificate may cost the API server: the write budget, counted by the API server's own audit log."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from e2e.bench import burst, restart
from e2e.bench.burst import Burst
from e2e.bench.stage import Place, Stage

COUNT = 3
SHOWN_AFTER = 2.0
"""Seconds after which an enrolment under way is told: one more write and one more Event."""


def say(text: str) -> None:
    print(text)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with Stage(say) as place:
        yield place


@pytest.fixture(scope="module")
def issued(place: Place) -> Burst:
    return burst.run(place, place.over_dns01(), COUNT, say)


def test_a_first_certificate_costs_five_writes(issued: Burst) -> None:
    assert issued.told_slow == 0 or issued.latency_max > SHOWN_AFTER
    assert issued.writes_each * COUNT == 5 * COUNT + issued.told_slow
    assert issued.by_kind_each["PATCH certificates/status"] * COUNT == COUNT + issued.told_slow
    writes = {what: number for what, number in issued.by_kind_each.items() if what.endswith(" secrets")}
    assert writes == {"GET secrets": 1, "POST secrets": 1, "PUT secrets": 1, "PATCH secrets": 1, "DELETE secrets": 1}
    assert issued.refused_writes == 0


def test_a_first_certificate_costs_two_events_at_most(issued: Burst) -> None:
    assert 1 <= issued.events_each <= 2


def test_a_restart_writes_nothing_and_reads_no_object(place: Place, issued: Burst) -> None:
    found = restart.run(place, issued.count, say, idle_for=timedelta(seconds=1))
    assert (found.writes, found.object_reads, found.ca_requests) == (0, 0, 0), found.requests
    assert found.requests["list certificates"] >= 1
