"""Waits for what the operator does, and tells each change of an object's conditions as it comes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from e2e.demo.cluster import Cluster
from e2e.demo.screen import Screen
from e2e.operator_process import OperatorProcess
from e2e.processes import NotInTimeError, wait_until

Object = dict[str, Any]
_WITHIN = timedelta(seconds=60)


class NotReachedError(RuntimeError):
    """An object did not become what it should; ``seen`` is how it was last."""

    def __init__(self, what: str, seen: Object) -> None:
        super().__init__(what)
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Watch:
    """Objects of one cluster, which one operator works on."""

    cluster: Cluster
    operator: OperatorProcess
    screen: Screen
    within: timedelta = _WITHIN
    told: set[tuple[str, str]] = field(default_factory=set)

    def get(self, resource: str) -> Object:
        """The object as it is now; ``resource`` as kubectl takes it (``cwc/shop``)."""
        found: Object = json.loads(self.cluster.kubectl("get", resource, "--output=json"))
        return found

    def until(self, resource: str, reached: Callable[[Object], bool], what: str) -> Object:
        """The object, as soon as it is what is waited for."""
        seen: Object = {}
        since = self.screen.elapsed

        def look() -> bool:
            seen.update(self.get(resource))
            self._tell(resource, seen, since)
            return reached(seen) or self.operator.returncode is not None

        with self.screen.doing(what):
            try:
                wait_until(look, what, within=self.within)
            except NotInTimeError as late:
                raise NotReachedError(str(late), seen) from None
        if not reached(seen):
            raise NotReachedError(f"the operator ended with code {self.operator.returncode}", seen)
        return seen

    def _tell(self, resource: str, seen: Object, since: float) -> None:
        after = f"after {self.screen.elapsed - since:.1f} s"
        for state, why, style in _conditions(seen):
            if (resource, state + why) not in self.told:
                self.told.add((resource, state + why))
                self.screen.happened(f"{state} {after}: {why}", style)


def condition(found: Object, kind: str = "Ready") -> Object:
    """The condition of that type, if it speaks of the newest spec; else an empty one."""
    generation = found["metadata"]["generation"]
    for one in found.get("status", {}).get("conditions", ()):
        if one["type"] == kind and one.get("observedGeneration") == generation:
            return dict(one)
    return {}


def is_ready(found: Object) -> bool:
    """As ``kubectl wait --for=condition=Ready`` sees it."""
    return condition(found).get("status") == "True"


def _conditions(found: Object) -> Iterator[tuple[str, str, str]]:
    """State, reason and style; that nothing is being issued is no news beside Ready."""
    for one in found.get("status", {}).get("conditions", ()):
        state, reason, message = f"{one['type']}={one['status']}", one["reason"], one.get("message", "")
        if state == "Issuing=False":
            continue
        why = message if reason == one["type"] else f"{reason}: {message}"
        yield state, why, "green" if state == "Ready=True" else "yellow"
