"""What a module of ``kube`` needs to be allowed, said beside the calls that need it.

Every module here holds ``RULES``; ``manifests.rbac`` collects them into the roles of the chart, and the end-to-end
suite runs the operator with those roles and nothing more. So a call without its rule fails a test, not a user.
"""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where a rule has to hold."""

    WATCHED = "watched"
    """In every namespace that is watched."""

    OPERATOR = "operator"
    """In the operator's own namespace only."""

    CLUSTER = "cluster"
    """For kinds that have no namespace; not granted in namespaced mode."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One RBAC rule: verbs on resources of one API group (``""`` is the core group), perhaps by name."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    scope: Scope
    names: tuple[str, ...] = ()
