"""Conditions: set, kept and removed the way that ``kubectl wait`` and dashboards rely on."""

from collections.abc import Iterable
from datetime import datetime

from certwright.model.resources import Condition

MESSAGE_LIMIT = 4096


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of that type."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: Iterable[Condition], kind: str) -> bool:
    """Whether there is a condition of that type and it is True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


def with_condition(
    conditions: Iterable[Condition],
    kind: str,
    *,
    is_met: bool,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The conditions with this one in place; its transition time moves only when the status does."""
    before = find(conditions, kind)
    status = "True" if is_met else "False"
    since = before.last_transition_time if before is not None and before.status == status else None
    condition = Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message[:MESSAGE_LIMIT],
        last_transition_time=since or now.replace(microsecond=0),
        observed_generation=generation,
    )
    return tuple(sorted((*without(conditions, kind), condition), key=lambda each: each.type))


def without(conditions: Iterable[Condition], kind: str) -> tuple[Condition, ...]:
    """The conditions without that one."""
    return tuple(condition for condition in conditions if condition.type != kind)
