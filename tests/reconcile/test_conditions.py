"""Conditions are kept as ``kubectl wait`` and dashboards rely on."""

from datetime import timedelta

import pytest

from certwright.model.resources import Condition
from certwright.reconcile.conditions import MESSAGE_LIMIT, find, is_true, with_condition, without
from tests.model.builders import NOW

HOUR = timedelta(hours=1)


def told(
    conditions: tuple[Condition, ...] = (),
    *,
    kind: str = "Ready",
    is_met: bool = True,
    after: int = 0,
    message: str = "m",
) -> tuple[Condition, ...]:
    now = NOW + after * HOUR
    return with_condition(conditions, kind, is_met=is_met, reason="R", message=message, generation=after, now=now)


def test_a_condition_is_found_by_its_type() -> None:
    conditions = told(told(), kind="Issuing", is_met=False)
    assert [condition.type for condition in conditions] == ["Issuing", "Ready"]
    assert is_true(conditions, "Ready")
    assert not is_true(conditions, "Issuing")
    assert not is_true(conditions, "Other")
    assert find(conditions, "Other") is None
    assert without(conditions, "Issuing") == told()


@pytest.mark.parametrize(
    ("is_met", "since"),
    [pytest.param(True, 0, id="the status stays"), pytest.param(False, 5, id="the status turns")],
)
def test_the_time_of_transition_moves_with_the_status_alone(since: int, *, is_met: bool) -> None:
    [condition] = told(told(), is_met=is_met, after=5, message="other")
    assert condition.last_transition_time == NOW + since * HOUR
    assert (condition.message, condition.observed_generation) == ("other", 5)


def test_a_condition_of_unknown_status_turns() -> None:
    unknown = Condition(type="Ready", status="Unknown", last_transition_time=NOW - HOUR)
    [condition] = told((unknown,))
    assert condition.last_transition_time == NOW


def test_a_transition_without_a_time_gets_one() -> None:
    [condition] = told((Condition(type="Ready", status="True"),))
    assert condition.last_transition_time == NOW


def test_times_are_whole_seconds_and_messages_are_cut() -> None:
    odd = NOW.replace(microsecond=7)
    [condition] = with_condition((), "Ready", is_met=True, reason="R", message="x" * 9999, generation=1, now=odd)
    assert condition.last_transition_time == NOW
    assert len(condition.message) == MESSAGE_LIMIT
