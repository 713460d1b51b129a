"""Which day counts, what is left of it, and how much of it is reserved at once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from certwright.model.observed import KnownIssuer
from certwright.model.resources import DailyUsage, Limits
from certwright.reconcile.daily_budget import Day, current_day
from tests.model.builders import issuer_of

NOON = datetime(2030, 1, 15, 12, tzinfo=UTC)
TODAY = NOON.date()


def issuer(limit: int | None = 5, day: str = "", reserved: int = 0) -> KnownIssuer:
    found = issuer_of()
    usage = DailyUsage(day=day, reserved=reserved) if day else None
    return replace(
        found,
        spec=found.spec.model_copy(update={"limits": Limits(per_day=limit)}),
        status=found.status.model_copy(update={"usage": usage}),
    )


@pytest.mark.parametrize(
    ("limit", "writes"),
    [(1, 1), (5, 5), (50, 50), (100, 50), (1000, 50), (10_000, 100), (7777, 78)],
)
def test_a_whole_budget_is_reserved_in_few_blocks_to_the_last_attempt(limit: int, writes: int) -> None:
    day, blocks = Day(limit, TODAY, 0), 0
    while size := day.block():
        day, blocks = replace(day, reserved=day.reserved + size), blocks + 1

    assert day.reserved == limit
    assert blocks == writes


@pytest.mark.parametrize(
    ("limit", "reserved", "held", "expected"),
    [
        pytest.param(100, 10, 4, 4, id="within the limit"),
        pytest.param(100, 100, 4, 4, id="the last ones"),
        pytest.param(98, 100, 4, 2, id="lowered while some were held"),
        pytest.param(50, 100, 4, 0, id="lowered below what was used"),
        pytest.param(100, 10, 0, 0, id="none held"),
    ],
)
def test_what_was_reserved_is_usable_within_the_limit_of_now(
    limit: int, reserved: int, held: int, expected: int
) -> None:
    assert Day(limit, TODAY, reserved).usable(held) == expected


def test_a_lowered_limit_reserves_nothing_more() -> None:
    assert Day(50, TODAY, 100).block() == 0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(issuer(), Day(5, TODAY, 0), id="nothing is recorded"),
        pytest.param(issuer(day="2030-01-15", reserved=3), Day(5, TODAY, 3), id="today is recorded"),
        pytest.param(issuer(day="2030-01-14", reserved=5), Day(5, TODAY, 0), id="yesterday was used up"),
        pytest.param(issuer(day="2030-01-16", reserved=5), Day(5, date(2030, 1, 16), 5), id="the clock was set back"),
        pytest.param(issuer(day="someday", reserved=5), Day(5, TODAY, 0), id="somebody wrote nonsense"),
        pytest.param(issuer(day="9999-12-31", reserved=5), Day(5, TODAY, 0), id="somebody wrote the end of time"),
    ],
)
def test_the_day_never_goes_back(found: KnownIssuer, expected: Day) -> None:
    assert current_day(found, NOON) == expected


def test_without_the_limit_nothing_is_counted() -> None:
    assert current_day(issuer(None, "2030-01-15", 3), NOON) is None
    assert current_day(issuer_of(), NOON) is None


def test_what_this_process_has_reserved_counts_although_the_status_lost_it() -> None:
    assert current_day(issuer(), NOON, known=Day(5, TODAY, 4)) == Day(5, TODAY, 4)
    assert current_day(issuer(), NOON - timedelta(days=1), known=Day(5, TODAY, 4)) == Day(5, TODAY, 4)


def test_days_are_those_of_utc() -> None:
    tokyo = datetime(2030, 1, 16, 8, tzinfo=timezone(timedelta(hours=9)))
    day = current_day(issuer(), tokyo)
    assert day == Day(5, TODAY, 0)
    assert day.end == datetime(2030, 1, 16, tzinfo=UTC)
