"""A cron expression fires when readers of crontabs expect it, through every change of the clocks, at a bounded cost."""

from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import example, given
from hypothesis import strategies as st

from certwright.model.cron import HORIZON, InvalidCronError, parse

UTC_ZONE, BERLIN, NEW_YORK = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
SECOND = timedelta(seconds=1)


def at(text: str, zone: ZoneInfo = UTC_ZONE) -> datetime:
    """An instant; in the hour that the clocks show twice, ``fold`` is written as ``/2``."""
    text, _, fold = text.partition("/")
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=1 if fold else 0).astimezone(UTC)


def fires(cron: str, begin: datetime, *, zone: ZoneInfo, count: int) -> list[str]:
    """The next times, as the wall clock shows them."""
    found: list[str] = []
    for _ in range(count):
        following = parse(cron).following(begin, zone=zone, until=begin + HORIZON)
        assert following is not None
        begin = following
        found.append(begin.astimezone(zone).strftime("%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        pytest.param("0 2 * * *", ["06-11 02:00", "06-12 02:00"], id="every night"),
        pytest.param("*/20 * * * *", ["06-10 12:40", "06-10 13:00"], id="every twenty minutes"),
        pytest.param("5/25 * * * *", ["06-10 12:55", "06-10 13:05"], id="a start with a step"),
        pytest.param("0 22 * * fri", ["06-12 22:00", "06-19 22:00"], id="a day by name"),
        pytest.param("0 22 * * FRI-SUN", ["06-12 22:00", "06-13 22:00"], id="days by name"),
        pytest.param("0 0 * * 7", ["06-14 00:00", "06-21 00:00"], id="seven is Sunday"),
        pytest.param("0 0 * * 5-7", ["06-12 00:00", "06-13 00:00"], id="a range that ends on Sunday"),
        pytest.param("30 1,13 * * *", ["06-10 13:30", "06-11 01:30"], id="a list"),
        pytest.param("0 4 1 jan,jul *", ["07-01 04:00", "01-01 04:00"], id="months by name"),
        pytest.param("0 4 1-7/3 * *", ["07-01 04:00", "07-04 04:00"], id="a range with a step"),
        pytest.param("0 0 15 * MON", ["06-15 00:00", "06-22 00:00"], id="two kinds of day are alternatives"),
        pytest.param("0 0 */2 * MON", ["06-15 00:00", "06-29 00:00"], id="unless one of them begins with a star"),
        pytest.param("0 0 ? * MON", ["06-15 00:00", "06-22 00:00"], id="a question mark is a star"),
        pytest.param("0   0\t29 2 *", ["02-29 00:00", "02-29 00:00"], id="a leap day"),
    ],
)
def test_an_expression_fires_at(cron: str, expected: list[str]) -> None:
    assert [f"{each}+0000" for each in expected] == fires(cron, at("2026-06-10T12:30"), zone=UTC_ZONE, count=2)


@pytest.mark.parametrize(
    ("cron", "complaint"),
    [
        pytest.param("0 2 * *", "five fields", id="four fields"),
        pytest.param("0 2 * * * *", "five fields", id="six fields"),
        pytest.param("60 2 * * *", "minute: 60 is not within 0-59", id="a minute too many"),
        pytest.param("0 24 * * *", "hour: 24 is not within 0-23", id="an hour too many"),
        pytest.param("0 2 0 * *", "day of month: 0 is not within 1-31", id="no day"),
        pytest.param("0 2 * 13 *", "month: 13 is not within 1-12", id="no month"),
        pytest.param("0 2 * * 8", "day of week: 8 is not within 0-7", id="no weekday"),
        pytest.param("0 2 * * mo", "day of week: 'mo' is not a number", id="no name"),
        pytest.param("0 2 * * 5-2", "day of week: 5-2 is not within 0-7", id="a range backwards"),
        pytest.param("*/0 2 * * *", "minute: */0 is not within 0-59", id="a step of nothing"),
        pytest.param("0 2 1, * *", "day of month: '' is not a number", id="an empty item"),
        pytest.param("0 2 L * *", "day of month: 'l' is not a number", id="an extension"),
        pytest.param("0 2 ² * *", "day of month: '²' is not a number", id="a digit that is none"),
        pytest.param("0 2 30 2 *", "never fires: none of these months has a day 30", id="30 February"),
        pytest.param("0 2 31 2,4,6,9,11 *", "never fires", id="31 of short months"),
    ],
)
def test_what_is_no_expression_is_refused_in_words(cron: str, complaint: str) -> None:
    with pytest.raises(InvalidCronError) as refused:
        parse(cron)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("cron", "zone", "begin", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            BERLIN,
            "2026-03-28T12:00",
            ["03-29 03:00+0200", "03-30 02:30+0200"],
            id="Berlin skips it",
        ),
        pytest.param(
            "30 2 * * *",
            BERLIN,
            "2026-10-24T12:00",
            ["10-25 02:30+0200", "10-26 02:30+0100"],
            id="Berlin shows it twice",
        ),
        pytest.param(
            "30 2 * * *",
            NEW_YORK,
            "2026-03-07T12:00",
            ["03-08 03:00-0400", "03-09 02:30-0400"],
            id="New York skips it",
        ),
        pytest.param(
            "30 1 * * *",
            NEW_YORK,
            "2026-10-31T12:00",
            ["11-01 01:30-0400", "11-02 01:30-0500"],
            id="New York shows it twice",
        ),
        pytest.param(
            "0 0 * * *",
            ZoneInfo("America/Santiago"),
            "2026-09-05T12:00",
            ["09-06 01:00-0300", "09-07 00:00-0300"],
            id="Santiago skips midnight",
        ),
        pytest.param(
            "0 6 * * *",
            ZoneInfo("Pacific/Apia"),
            "2011-12-29T12:00",
            ["12-31 00:00+1400", "12-31 06:00+1400"],
            id="Samoa skips a day",
        ),
        pytest.param(
            "0 2 * * *",
            ZoneInfo("Asia/Kathmandu"),
            "2026-06-10T12:00",
            ["06-11 02:00+0545", "06-12 02:00+0545"],
            id="an odd offset",
        ),
    ],
)
def test_the_wall_clock_counts(cron: str, zone: ZoneInfo, begin: str, expected: list[str]) -> None:
    assert expected == fires(cron, at(begin, zone), zone=zone, count=2)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-10-25T02:20", "2026-10-24T02:30", id="the first time is to come"),
        pytest.param("2026-10-25T02:40", "2026-10-25T02:30", id="the first time has been"),
        pytest.param("2026-10-25T02:20/2", "2026-10-25T02:30", id="before the second time"),
        pytest.param("2026-10-25T02:40/2", "2026-10-25T02:30", id="after the second time"),
        pytest.param("2026-03-29T01:59", "2026-03-28T02:30", id="before the skipped hour"),
        pytest.param("2026-03-29T03:00", "2026-03-29T03:00", id="after the skipped hour"),
    ],
)
def test_the_last_time_is_found_around_a_change_of_the_clocks(now: str, expected: str) -> None:
    found = parse("30 2 * * *").latest(at(now, BERLIN), zone=BERLIN, not_before=at("2026-01-01"))
    assert at(expected, BERLIN) == found


def test_a_search_stays_within_its_bounds() -> None:
    noon, cron = at("2026-06-10T12:00"), parse("0 2 * * *")
    night, next_night = at("2026-06-10T02:00"), at("2026-06-11T02:00")
    assert cron.latest(noon, zone=UTC_ZONE, not_before=night) == night
    assert cron.latest(noon, zone=UTC_ZONE, not_before=night + SECOND) is None
    assert cron.latest(night, zone=UTC_ZONE, not_before=night) == night
    assert cron.following(noon, zone=UTC_ZONE, until=next_night) == next_night
    assert cron.following(noon, zone=UTC_ZONE, until=next_night - SECOND) is None
    assert cron.following(next_night, zone=UTC_ZONE, until=next_night + SECOND) is None


@pytest.mark.parametrize("year", [1971, 2096, 9989, 9999])
def test_no_year_is_too_far_away(year: int) -> None:
    """A certificate without an end ends in 9999."""
    end = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    for zone in (ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12")):
        for found in (
            parse("0 2 29 2 *").latest(end, zone=zone, not_before=datetime.min.replace(tzinfo=UTC)),
            parse("0 2 29 2 *").following(end, zone=zone, until=datetime.max.replace(tzinfo=UTC)),
        ):
            assert found is None or abs(found - end) <= HORIZON


ITEMS = ("0", "1", "2", "3", "5-7", "*", "*/2", "1-5/2", "4,6", "1/3")
expressions = st.tuples(
    st.sampled_from(["0", "30", "15,45", "*/20", "59"]),
    st.sampled_from([*ITEMS, "2", "1", "23"]),
    st.sampled_from([*ITEMS[1:], "29", "30", "31"]),
    st.sampled_from([*ITEMS[1:], "2", "mar", "oct"]),
    st.sampled_from([*ITEMS, "sun", "mon-fri"]),
).map(" ".join)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]).map(
    ZoneInfo
)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)).map(  # noqa: DTZ001 - made aware on the next line
    lambda each: each.replace(tzinfo=UTC, microsecond=0)
)


@given(expressions, zones, instants)
@example("30 2 * * *", BERLIN, at("2026-03-29T00:59"))
@example("30 2 * * *", BERLIN, at("2026-10-25T00:59"))
def test_another_reader_of_crontabs_agrees(expression: str, zone: ZoneInfo, now: datetime) -> None:
    try:
        coming = next(CronSim(expression, now.astimezone(zone)), None)
        gone = next(CronSim(expression, (now + SECOND).astimezone(zone), reverse=True), None)
    except CronSimError:
        with pytest.raises(InvalidCronError):
            parse(expression)
        return
    minutes, hours = expression.split()[:2]
    if zone.key != "UTC" and (now.astimezone(zone).fold or minutes.startswith("*") or hours.startswith("*")):
        # From the second of two hours with one name it may find a time that has passed; and what happens every so many
        # minutes happens in both of them there.
        return
    if coming is not None and coming - now < HORIZON:
        assert coming.astimezone(UTC) == parse(expression).following(now, zone=zone, until=now + HORIZON)
    if gone is not None and now - gone < HORIZON:
        assert gone.astimezone(UTC) == parse(expression).latest(now, zone=zone, not_before=now - HORIZON)


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "0 2 * * *",
        "0 0 29 2 *",
        "59 23 29 2 */7",
        "0 0 31 4,6,12 */6",
        "59 23 31 12 */6",
        ",".join(["*"] * 123) + " * * * *",
    ],
    ids=["always", "nightly", "leap day", "leap Sunday", "rare", "rarer", "long"],
)
def test_a_hostile_expression_costs_no_more_than_a_millisecond(expression: str) -> None:
    now, costs = at("2026-06-10T12:00"), []
    for _ in range(10):
        began = process_time()
        cron = parse.__wrapped__(expression)
        cron.latest(now, zone=BERLIN, not_before=now - HORIZON)
        cron.following(now, zone=BERLIN, until=now + HORIZON)
        costs.append(process_time() - began)
    assert min(costs) < 0.001
