"""What a field manager owns, as server-side apply keeps it; the API server in memory is the caller.

Approximated: a list is one value (on a real API server lists of a map type are merged by key).
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]

_IDENTITY = frozenset(
    {("apiVersion",), ("kind",)}
    | {("metadata", name) for name in ("name", "namespace", "uid", "resourceVersion", "generation")}
)


class Ownership:
    """The owners of one object's fields."""

    def __init__(self) -> None:
        self._owners: dict[Path, set[str]] = {}

    def claim(self, manager: str, body: Mapping[str, Any]) -> None:
        """A manager made these fields."""
        for path, _ in _leaves(body):
            self._owners.setdefault(path, set()).add(manager)

    def changed(self, manager: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A manager wrote without applying: what it changed is its own now, what it removed is nobody's.

        What it applies under the same name is another entry: an apply never takes away what an update set.
        """
        old, new = dict(_leaves(before)), dict(_leaves(after))
        for path in old.keys() - new.keys():
            self._owners.pop(path, None)
        for path, value in new.items():
            if path not in old or old[path] != value:
                self._owners[path] = {f"{manager}, Update"}

    def applied(
        self, before: Mapping[str, Any], wanted: Mapping[str, Any], manager: str
    ) -> tuple[dict[str, Any], list[str]]:
        """The object after an apply by ``manager``, and the fields that others own with another value."""
        after: dict[str, Any] = copy.deepcopy(dict(before))
        old, new = dict(_leaves(before)), dict(_leaves(wanted))
        conflicts = [
            ".".join(path)
            for path, value in new.items()
            if path in old and old[path] != value and self._owners.get(path, set()) - {manager}
        ]
        for path in [path for path, owners in self._owners.items() if manager in owners and path not in new]:
            self._owners[path] -= {manager}
            if not self._owners[path]:
                del self._owners[path]
                _remove(after, path)
        for path, value in new.items():
            owners = self._owners.setdefault(path, set())
            if path in old and old[path] != value:
                owners.clear()
            owners.add(manager)
            _set(after, path, value)
        return after, conflicts


def merged(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(copy.deepcopy(target)) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _leaves(body: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, value in body.items():
        path = (*above, name)
        if path in _IDENTITY:
            continue
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _set(body: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = copy.deepcopy(value)


def _remove(body: dict[str, Any], path: Path) -> None:
    """A map whose last field goes, goes with it, as in the real one."""
    name, *below = path
    if below and isinstance(body.get(name), dict):
        _remove(body[name], tuple(below))
    if not below or not body.get(name):
        body.pop(name, None)
