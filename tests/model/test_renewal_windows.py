"""Renewals are put into a window that comes in time, and never past the end of a certificate."""

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certwright.model.renewal import is_out_of_hours, next_renewal, renewal_time
from certwright.model.renewal_windows import faults, holds, windows_of
from tests.model.builders import DAY, HOUR, NOW, UID, spec_of

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NIGHTLY = {"cron": "0 2 * * *", "windowDuration": "2h"}
SUNDAYS = {"cron": "0 2 * * sun", "windowDuration": "4h", "timezone": "Europe/Berlin"}
UNTIL_JUNE = {"cron": "0 0 1 6 *", "windowDuration": "1h"}
IMPOSSIBLE = {"cron": "0 0 29 2 */7", "windowDuration": "1m"}


def windowed(*windows: dict[str, Any], **fields: Any) -> Any:
    return spec_of(renewal={"windows": list(windows)}, **fields)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(
    windows: Sequence[dict[str, Any]],
    *,
    now: str = "2030-01-02",
    days: float = 90,
    uid: str = UID,
    **fields: Any,
) -> datetime:
    """The renewal of a certificate that begins with 2030, as it is planned at ``now``."""
    begin = at("2030-01-01")
    spec = windowed(*windows, **fields)
    found = renewal_time(spec, uid, not_before=begin, not_after=begin + days * DAY, now=at(now))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fields", "window", "opens", "closes"),
    [
        # Of ninety days thirty are left on 2 March, at midnight.
        pytest.param({}, NIGHTLY, "2030-03-01T02:00", "2030-03-01T03:00", id="the night before"),
        pytest.param({}, SUNDAYS, "2030-02-24T01:00", "2030-02-24T03:00", id="the Sunday before, in Berlin's winter"),
        pytest.param(
            {"renewBefore": "36h"}, SUNDAYS, "2030-03-24T01:00", "2030-03-24T03:00", id="a Sunday before a late renewal"
        ),
        pytest.param(
            {},
            {"cron": "0 20 * * *", "windowDuration": "8h"},
            "2030-03-01T20:00",
            "2030-03-02T00:00",
            id="the window that holds it, less the jitter",
        ),
        pytest.param(
            {},
            {"cron": "0 0 1 * *", "windowDuration": "2400h"},
            "2030-02-27T00:00",
            "2030-03-02T00:00",
            id="a window that is longer than its period changes nothing",
        ),
        pytest.param(
            {},
            {"cron": "0 4 10 3 *", "windowDuration": "2h"},
            "2030-03-10T04:00",
            "2030-03-10T05:00",
            id="the next one where none comes before",
        ),
        pytest.param(
            {},
            {"cron": "0 4 15 1,3 *", "windowDuration": "2h"},
            "2030-03-15T04:00",
            "2030-03-15T05:00",
            id="the next one rather than one that halves the certificate's time",
        ),
        pytest.param(
            {},
            {"cron": "0 4 15 1,4 *", "windowDuration": "2h"},
            "2030-01-15T04:00",
            "2030-01-15T05:00",
            id="an early one rather than none",
        ),
        pytest.param(
            {},
            {"cron": "0 4 31 1,3 *", "windowDuration": "2h"},
            "2030-01-31T04:00",
            "2030-01-31T05:00",
            id="none that is too close to the end",
        ),
        pytest.param(
            {"renewBeforePercentage": 50},
            {"cron": "0 12 * * *", "windowDuration": "0s"},
            "2030-02-14T12:00",
            "2030-02-14T12:01",
            id="a window has at least a minute",
        ),
    ],
)
def test_a_renewal_is_put_into(fields: dict[str, Any], window: dict[str, Any], opens: str, closes: str) -> None:
    for number in range(50):
        found = due([window], uid=f"uid-{number}", **fields)
        assert at(opens) <= found <= at(closes)
        assert not is_out_of_hours(windowed(window, **fields), found)


def test_of_several_windows_the_one_closest_to_the_desired_time_is_taken() -> None:
    assert due([SUNDAYS]) < due([SUNDAYS, NIGHTLY]) == due([NIGHTLY, SUNDAYS]) == due([NIGHTLY])


def test_certificates_that_share_a_window_are_spread_over_its_first_half() -> None:
    found = [due([NIGHTLY], uid=f"uid-{number}") for number in range(1000)]
    assert len(set(found)) > 800
    assert max(found) - min(found) > 55 * MINUTE
    assert max(found) < at("2030-03-01T03:00"), "the rest of the window is for further attempts"


def test_a_restart_moves_nobodys_date() -> None:
    assert len({due([NIGHTLY]) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("windows", "fields", "now"),
    [
        pytest.param([UNTIL_JUNE], {}, "2030-01-02", id="none opens before the end"),
        pytest.param([{**NIGHTLY, "cron": "0 2 30 3 *"}], {}, "2030-03-05", id="it opens when hardly any time is left"),
        pytest.param([NIGHTLY], {"renewBefore": "1h"}, "2030-03-31T23:30", id="the end is too close"),
        pytest.param([NIGHTLY], {}, "2030-04-02", id="it has expired"),
        pytest.param([IMPOSSIBLE], {}, "2030-01-02", id="it opens once in decades"),
    ],
)
def test_a_window_that_cannot_be_met_is_overridden(windows: list[Any], fields: dict[str, Any], now: str) -> None:
    found = due(windows, now=now, **fields)
    assert due([], now=now, **fields) == found
    assert is_out_of_hours(windowed(*windows), found)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2030-03-05T01:59", "2030-03-05T02:00", id="just before a window"),
        pytest.param("2030-03-05T12:00", "2030-03-06T02:00", id="after that day's window"),
    ],
)
def test_an_overdue_renewal_waits_for_the_next_window(now: str, expected: str) -> None:
    assert at(expected) <= due([NIGHTLY], now=now) < at(expected) + HOUR


def test_an_overdue_renewal_is_due_while_a_window_is_open() -> None:
    assert due([NIGHTLY], now="2030-03-05T03:30") == at("2030-03-05T03:30")


def test_an_edit_in_the_window_in_which_it_was_issued_renews_nothing() -> None:
    begin = at("2030-01-01T01:05")
    spec = windowed(NIGHTLY)
    found = renewal_time(spec, UID, not_before=begin, not_after=begin + DAY, now=at("2030-01-01T02:30"))
    assert found is not None
    assert found > at("2030-01-01T12:00"), "no window comes in time, and this one has just had its renewal"


def test_disabled_renewal_needs_no_window() -> None:
    spec = spec_of(renewal={"policy": "Disabled", "windows": [NIGHTLY]})
    assert renewal_time(spec, UID, not_before=NOW, not_after=NOW + 90 * DAY, now=NOW) is None
    assert next_renewal(spec, UID, not_before=NOW, not_after=NOW + 90 * DAY, now=NOW) is None
    assert not is_out_of_hours(spec, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"cron": "0 25 * * *"}, "windows[1].cron: hour: 25 is not within 0-23", id="cron"),
        pytest.param({"timezone": "Europe/Atlantis"}, "windows[1].timezone: 'Europe/Atlantis' is not", id="zone"),
        pytest.param({"timezone": "../../etc/passwd"}, "windows[1].timezone: '../../etc/passwd'", id="a path"),
        pytest.param({"timezone": "Europe"}, "windows[1].timezone: 'Europe' is not", id="a folder of zones"),
        pytest.param({"timezone": "/etc/localtime"}, "windows[1].timezone", id="an absolute path"),
        pytest.param({"timezone": "a\x00b"}, "windows[1].timezone", id="a zero byte"),
        pytest.param({"timezone": "Europe/Zürich"}, "windows[1].timezone", id="beyond ASCII"),
        pytest.param({"timezone": "x" * 253}, "windows[1].timezone: 'xxx", id="a long name"),
    ],
)
def test_a_window_that_cannot_be_read_is_named_and_none_is_kept_to(change: dict[str, Any], complaint: str) -> None:
    spec = windowed(NIGHTLY, {**NIGHTLY, **change})
    (found,) = faults(spec)
    assert complaint in found
    assert windows_of(spec) == ()
    assert due([]) == due([NIGHTLY, {**NIGHTLY, **change}])


def test_zones_need_no_files_of_the_system() -> None:
    """Slim images have none."""
    zoneinfo.reset_tzpath(to=())
    try:
        assert zoneinfo.ZoneInfo.no_cache("America/Argentina/Buenos_Aires").key
    finally:
        zoneinfo.reset_tzpath()


def test_a_hundred_bad_windows_are_told_in_few_words() -> None:
    text = "; ".join(faults(windowed(*[{"cron": f"0 {n} * * *", "windowDuration": "1h"} for n in range(24, 124)])))
    assert len(text) < 500


seconds = st.integers(120, 400 * 86400).map(lambda each: timedelta(seconds=each))
windows = st.lists(
    st.fixed_dictionaries(
        {
            "cron": st.sampled_from(
                ["0 2 * * *", "*/7 * * * *", "0 0 1 * *", "30 2 * * sun", "0 5 29 2 *", "0 0 1 1,7 *", "59 23 * * 1-5"]
            ),
            "windowDuration": st.sampled_from(["0s", "1m", "30m", "4h", "25h", "2400h", "999999h"]),
            "timezone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
        }
    ),
    min_size=1,
    max_size=3,
)
rules: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.integers(0, 500 * 86400).map(lambda each: {"renewBefore": f"{each}s"}),
    st.integers(1, 99).map(lambda share: {"renewBeforePercentage": share}),
)
specs = st.tuples(windows, rules).map(lambda pair: (windowed(*pair[0], **pair[1]), spec_of(**pair[1])))
"""The spec with its windows, and without."""

moments = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - aware
    lambda each: each.replace(microsecond=0)
)


@given(specs, seconds, moments, st.floats(0, 1.1), st.uuids())
def test_a_renewal_falls_into_the_certificates_life_and_into_a_window_if_one_is_met(
    given_specs: tuple[Any, Any], life: timedelta, begin: datetime, age: float, uid: object
) -> None:
    (spec, plain), now, end = given_specs, begin + life * age, begin + life
    found = renewal_time(spec, str(uid), not_before=begin, not_after=end, now=now)
    without = renewal_time(plain, str(uid), not_before=begin, not_after=end, now=now)
    assert found is not None
    assert begin <= found < end
    assert found == renewal_time(spec, str(uid), not_before=begin, not_after=end, now=now)
    if not holds(windows_of(spec), found):
        assert found == without
        assert not _is_met(spec, max(without, now), end - (end - without) / 10)


def _is_met(spec: Any, desired: datetime, end: datetime) -> bool:
    """Whether a window opens or is open in the first half of the time from the desired renewal to the last moment."""
    steps = [desired + (end - desired) / 2 * step / 40 for step in range(41)]
    return any(holds(windows_of(spec), instant) for instant in steps if instant < end)


@given(specs, seconds, moments, st.floats(0, 0.5), st.uuids())
def test_no_renewal_follows_at_once_upon_another(
    given_specs: tuple[Any, Any], life: timedelta, now: datetime, backdated: float, uid: object
) -> None:
    """A CA dates back by a share of the lifetime; the renewal is done when it is due, ten times in a row."""
    spec, begins = given_specs[0], [now]
    for _ in range(10):
        start = now - life * backdated
        found = next_renewal(spec, str(uid), not_before=start, not_after=start + life, now=now)
        assert found is not None
        assert now < found <= start + life
        now = found
        begins.append(now)
    assert begins[-1] - begins[0] >= 10 * SECOND


@given(windows, seconds, moments, st.uuids())
def test_an_edit_of_something_else_does_not_make_a_new_certificate_due(
    given_windows: list[Any], life: timedelta, now: datetime, uid: object
) -> None:
    assume(life > HOUR)
    spec = windowed(*given_windows)
    start = now - life / 20
    planned = next_renewal(spec, str(uid), not_before=start, not_after=start + life, now=now)
    edited = renewal_time(spec, str(uid), not_before=start, not_after=start + life, now=now + MINUTE)
    assert planned is not None
    assert edited is not None
    assert edited > now + MINUTE


def test_a_hundred_hostile_windows_cost_little() -> None:
    hostile = [{"cron": f"{n % 60} {n % 24} 29 2 */7", "windowDuration": "1m"} for n in range(100)]
    spec, costs = windowed(*hostile), []
    for _ in range(3):
        began = process_time()
        next_renewal(spec, UID, not_before=NOW, not_after=NOW + 3650 * DAY, now=NOW)
        costs.append(process_time() - began)
    assert min(costs) < 0.1
