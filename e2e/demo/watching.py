"""Waits for what the operator does, and tells each change of an object's conditions as it comes."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from e2e.demo.cluster import Cluster
from e2e.demo.screen import Screen
from e2e.operator_process import OperatorProcess
from e2e.processes import NotInTimeError, wait_until

Object = dict[str, Any]
_WITHIN = timedelta(seconds=60)
_READY = "Ready=True"


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
        since = self.screen.elapsed

        def look() -> list[Object]:
            found = self.get(resource)
            for state, why, style in self._news(resource, found):
                self.screen.happened(f"{state} after {self.screen.elapsed - since:.1f} s: {why}", style)
            return [found]

        (found,) = self._wait(look, reached, what)
        return found

    def until_all(
        self, kind: str, names: Sequence[str], reached: Callable[[Object], bool], what: str
    ) -> Sequence[Object]:
        """The objects of these names, as soon as each is what is waited for."""
        since = self.screen.elapsed

        def look() -> list[Object]:
            listed = json.loads(self.cluster.kubectl("get", kind, "--output=json"))["items"]
            by_name = {one["metadata"]["name"]: one for one in listed}
            for name in names:
                for state, why, style in self._news(f"{kind}/{name}", by_name[name]):
                    reason = "" if state == _READY else f": {why}"
                    self.screen.happened(f"{name}: {state} after {self.screen.elapsed - since:.1f} s{reason}", style)
            return [by_name[name] for name in names]

        return self._wait(look, reached, what)

    def _wait(
        self, look: Callable[[], Sequence[Object]], reached: Callable[[Object], bool], what: str
    ) -> Sequence[Object]:
        seen: list[Object] = []

        def is_over() -> bool:
            seen[:] = look()
            return all(reached(one) for one in seen) or self.operator.returncode is not None

        with self.screen.doing(what):
            try:
                wait_until(is_over, what, within=self.within)
            except NotInTimeError as late:
                raise NotReachedError(str(late), _first(seen, reached)) from None
        if not all(reached(one) for one in seen):
            code = self.operator.returncode
            raise NotReachedError(f"the operator ended with code {code}", _first(seen, reached))
        return seen

    def _news(self, resource: str, found: Object) -> Iterator[tuple[str, str, str]]:
        """What of its conditions was not told yet: state, reason and style."""
        for state, why, style in _conditions(found):
            if (resource, state + why) not in self.told:
                self.told.add((resource, state + why))
                yield state, why, style


def _first(seen: Sequence[Object], reached: Callable[[Object], bool]) -> Object:
    """The one that held up the others."""
    return next(one for one in seen if not reached(one))


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
        yield state, why, "green" if state == _READY else "yellow"
