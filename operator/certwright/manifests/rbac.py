"""The RBAC roles, collected from the ``RULES`` that stand beside the calls in ``kube``."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from certwright import kube
from certwright.kube.permissions import Rule, Scope

ROLE_NAMES = {
    Scope.WATCHED: "certwright",
    Scope.CLUSTER: "certwright-cluster",
    Scope.OPERATOR: "certwright-operator",
}


def collected_rules() -> tuple[Rule, ...]:
    """The rules of every module of ``kube``, in a stable order."""
    modules = sorted(module.name for module in pkgutil.walk_packages(kube.__path__, f"{kube.__name__}."))
    return tuple(rule for name in modules for rule in getattr(importlib.import_module(name), "RULES", ()))


def merged(rules: Iterable[Rule], scope: Scope) -> tuple[Rule, ...]:
    """The rules of one scope without repetition: verbs united per resource, resources with equal verbs together."""
    verbs: dict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for rule in rules:
        if rule.scope is scope:
            for resource in rule.resources:
                verbs[rule.group, resource, rule.names] |= set(rule.verbs)
    together: dict[tuple[str, tuple[str, ...], tuple[str, ...]], set[str]] = defaultdict(set)
    for (group, resource, names), allowed in verbs.items():
        together[group, names, tuple(sorted(allowed))].add(resource)
    return tuple(
        Rule(group, tuple(sorted(resources)), allowed, scope, names)
        for (group, names, allowed), resources in sorted(together.items(), key=lambda item: (item[0], sorted(item[1])))
    )


def policy_rule(rule: Rule) -> dict[str, Any]:
    """One rule as RBAC writes it."""
    document: dict[str, Any] = {"apiGroups": [rule.group], "resources": list(rule.resources), "verbs": list(rule.verbs)}
    return document | ({"resourceNames": list(rule.names)} if rule.names else {})


def roles(*, namespace: str, service_account: str, watched: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Roles and their bindings for an operator in ``namespace``; without ``watched`` it serves the whole cluster.

    In namespaced mode the cluster role is neither made nor bound, because ClusterIssuers are not served then.
    """
    rules = collected_rules()
    subject = {"kind": "ServiceAccount", "name": service_account, "namespace": namespace}
    watching = ROLE_NAMES[Scope.WATCHED]
    yield _role("ClusterRole", watching, merged(rules, Scope.WATCHED))
    for each in watched:
        yield _binding("RoleBinding", ("ClusterRole", watching), subject, namespace=each)
    if not watched:
        yield _binding("ClusterRoleBinding", ("ClusterRole", watching), subject)
        yield _role("ClusterRole", ROLE_NAMES[Scope.CLUSTER], merged(rules, Scope.CLUSTER))
        yield _binding("ClusterRoleBinding", ("ClusterRole", ROLE_NAMES[Scope.CLUSTER]), subject)
    own = ROLE_NAMES[Scope.OPERATOR]
    yield _role("Role", own, merged(rules, Scope.OPERATOR), namespace=namespace)
    yield _binding("RoleBinding", ("Role", own), subject, namespace=namespace)


def _document(kind: str, name: str, namespace: str | None) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata}


def _role(kind: str, name: str, rules: tuple[Rule, ...], *, namespace: str | None = None) -> dict[str, Any]:
    return _document(kind, name, namespace) | {"rules": [policy_rule(rule) for rule in rules]}


def _binding(
    kind: str, role: tuple[str, str], subject: dict[str, str], *, namespace: str | None = None
) -> dict[str, Any]:
    role_kind, name = role
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": name}
    return _document(kind, name, namespace) | {"roleRef": reference, "subjects": [subject]}
