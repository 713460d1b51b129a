"""The paths of the Kubernetes API, taken apart; the API server in memory is the caller."""

import re
from dataclasses import dataclass

Identity = tuple[str, str, str, str]
"""API group and version, plural, namespace and name."""

_PATH = re.compile(
    r"(?P<root>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?P<status>/status)?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names: a collection, everywhere or in one namespace, or one object of it."""

    root: str
    namespace: str
    plural: str
    name: str
    is_status: bool

    @property
    def identity(self) -> Identity:
        return (self.root, self.plural, self.namespace, self.name)

    def holds(self, identity: Identity) -> bool:
        root, plural, namespace, name = identity
        is_named = not self.name or self.name == name
        return (root, plural) == (self.root, self.plural) and self.namespace in {"", namespace} and is_named


def place_of(path: str) -> Place | None:
    """What a path names; None for what is no path of an object or a collection."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    return Place(found["root"], found["namespace"] or "", found["plural"], found["name"] or "", bool(found["status"]))
