"""A renewal comes when the spec says, spread over a fleet, and never outside the certificate's life."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certwright.model.renewal import next_renewal, renewal_time
from tests.model.builders import DAY, HOUR, NOW, UID, spec_of

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("fields", "life", "left"),
    [
        pytest.param({}, 90 * DAY, 30 * DAY, id="a third by default"),
        pytest.param({}, 10 * DAY, 10 * DAY / 3, id="a third of ten days"),
        pytest.param({}, 9 * DAY, 4.5 * DAY, id="half below ten days"),
        pytest.param({}, HOUR, 30 * MINUTE, id="half of an hour"),
        pytest.param({"renewBefore": "360h"}, 90 * DAY, 15 * DAY, id="renewBefore"),
        pytest.param({"renewBefore": "10m"}, HOUR, 10 * MINUTE, id="renewBefore of an hour"),
        pytest.param({"renewBeforePercentage": 25}, 100 * DAY, 25 * DAY, id="a percentage"),
        pytest.param({"renewBefore": "2160h"}, 90 * DAY, 30 * DAY, id="renewBefore of the whole life is ignored"),
        pytest.param({"renewBefore": "9000h"}, 90 * DAY, 30 * DAY, id="renewBefore longer than the life is ignored"),
        pytest.param({"renewBefore": "0s"}, 90 * DAY, 30 * DAY, id="renewBefore of nothing is ignored"),
        pytest.param({"renewal": {"policy": "RenewBefore"}}, 90 * DAY, 30 * DAY, id="the policy by name"),
    ],
)
def test_a_renewal_is_due_when_so_much_life_is_left(fields: dict[str, Any], life: timedelta, left: timedelta) -> None:
    due = renewal_time(spec_of(**fields), UID, not_before=NOW, not_after=NOW + life, now=NOW)
    assert due is not None
    assert left - timedelta(seconds=1) <= NOW + life - due <= left * 1.1


def test_no_renewal_is_due_where_it_is_disabled() -> None:
    spec = spec_of(renewal={"policy": "Disabled"}, renewBefore="1h")
    assert renewal_time(spec, UID, not_before=NOW, not_after=NOW + DAY, now=NOW) is None
    assert next_renewal(spec, UID, not_before=NOW, not_after=NOW + DAY, now=NOW) is None


def test_a_restart_moves_nobodys_date() -> None:
    dates = {renewal_time(spec_of(), UID, not_before=NOW, not_after=NOW + 90 * DAY, now=NOW) for _ in range(3)}
    assert len(dates) == 1


def test_a_fleet_does_not_renew_together() -> None:
    dates = [
        renewal_time(spec_of(), f"uid-{n}", not_before=NOW, not_after=NOW + 90 * DAY, now=NOW) for n in range(1000)
    ]
    days = {date.date() for date in dates if date is not None}
    assert len(days) == 3, "30 days before the end, and up to 3 days earlier"
    assert len(set(dates)) > 990


@pytest.mark.parametrize("percentage", [90, 95, 99])
def test_the_jitter_leaves_most_of_the_time_before_an_early_renewal(percentage: int) -> None:
    life = 100 * DAY
    for number in range(200):
        due = renewal_time(
            spec_of(renewBeforePercentage=percentage), f"uid-{number}", not_before=NOW, not_after=NOW + life, now=NOW
        )
        assert due is not None
        assert due - NOW >= (life * (100 - percentage) / 100) * 0.89


lives = st.integers(1, 400 * 86400).map(lambda seconds: timedelta(seconds=seconds))
renewals: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.integers(0, 500 * 86400).map(lambda seconds: {"renewBefore": f"{seconds}s"}),
    st.integers(1, 99).map(lambda share: {"renewBeforePercentage": share}),
)


@given(renewals, lives, st.uuids())
def test_a_renewal_falls_into_the_certificates_life(fields: dict[str, Any], life: timedelta, uid: object) -> None:
    due = renewal_time(spec_of(**fields), str(uid), not_before=NOW, not_after=NOW + life, now=NOW)
    assert due is not None
    assert NOW <= due < NOW + life


@given(renewals, lives, st.uuids(), st.integers(0, 400 * 86400))
def test_a_certificate_is_never_due_at_the_moment_in_which_it_was_issued(
    fields: dict[str, Any], life: timedelta, uid: object, age: int
) -> None:
    assume(age < life.total_seconds())
    end = NOW - timedelta(seconds=age) + life
    due = next_renewal(spec_of(**fields), str(uid), not_before=end - life, not_after=end, now=NOW)
    assert due is not None
    assert due > NOW or end - NOW <= timedelta(seconds=2)
    assert due <= end


def test_a_renewal_that_lies_ahead_stays_where_it_is() -> None:
    life = {"not_before": NOW, "not_after": NOW + 90 * DAY}
    assert renewal_time(spec_of(), UID, **life, now=NOW) == next_renewal(spec_of(), UID, **life, now=NOW)


def test_a_certificate_that_came_with_its_renewal_overdue_is_renewed_after_half_of_what_is_left() -> None:
    """A CA that dates back, and a renewBefore close to the lifetime, would otherwise be asked without end."""
    spec = spec_of(renewBefore="2159h30m")
    due = next_renewal(spec, UID, not_before=NOW - HOUR, not_after=NOW - HOUR + 90 * DAY, now=NOW)
    assert due == NOW + (90 * DAY - HOUR) / 2


def test_a_renewal_that_would_come_within_the_second_comes_later() -> None:
    """It is planned in whole seconds: cut to one, it would be due at once."""
    start = NOW - timedelta(seconds=5)
    spec = spec_of(renewBeforePercentage=95)
    due = next_renewal(spec, UID, not_before=start, not_after=start + timedelta(seconds=120), now=NOW)
    assert due is not None
    assert due > NOW + timedelta(seconds=10)
