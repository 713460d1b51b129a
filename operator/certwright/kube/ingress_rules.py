"""Puts one challenge into the rules of somebody's Ingress and takes it out again, leaving no trace.

Pure functions over an Ingress's ``spec``; `named_ingress_routes` calls them between its GET and its PUT.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def with_path(spec: Mapping[str, Any], *, host: str, path: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with ``path`` in the rule that serves ``host`` (empty: any host).

    That may be a wildcard's: a rule of its own for the host would take all other requests away from there.
    """
    if backend_service(path) in {backend_service(each) for rule in _rules(spec) for each in _paths(rule)}:
        return dict(spec)
    rules = [dict(rule) for rule in _rules(spec)]
    serving = _serving(rules, host)
    if serving is None:
        rules.append({**({"host": host} if host else {}), "http": {"paths": [path]}})
    else:
        # Some controllers take the first path that fits, and the user's is often a prefix of ours.
        serving["http"] = {**serving["http"], "paths": [path, *serving["http"]["paths"]]}
    return {**spec, "rules": rules}


def without_service(spec: Mapping[str, Any], service_name: str) -> dict[str, Any]:
    """The spec without any path that leads to ``service_name``."""
    # A rule that is left without paths was ours: the API server accepts none that begins so.
    kept = [_without_service(rule, service_name) for rule in _rules(spec)]
    rules = [rule for rule in kept if rule is not None]
    others = {name: value for name, value in spec.items() if name != "rules"}
    return others | ({"rules": rules} if rules else {})


def backend_service(path: Mapping[str, Any]) -> str:
    """The Service that a path leads to; empty for another kind of backend."""
    service = (path.get("backend") or {}).get("service") or {}
    return str(service.get("name", ""))


def does_wildcard_match(pattern: str, host: str) -> bool:
    """Whether ``*.example.com`` stands for ``host`` in an Ingress: for exactly one label."""
    return pattern.startswith("*.") and host.partition(".")[2] == pattern[2:]


def _serving(rules: Sequence[dict[str, Any]], host: str) -> dict[str, Any] | None:
    """The rule whose paths are asked for ``host``, if one has paths: the exact one before a wildcard and the rest."""
    exact = [rule for rule in rules if rule.get("host", "") == host]
    wild = [rule for rule in rules if does_wildcard_match(rule.get("host", ""), host)]
    rest = [rule for rule in rules if not rule.get("host")]
    candidates = exact or wild or rest
    return next((rule for rule in candidates if _paths(rule)), None)


def _without_service(rule: Mapping[str, Any], service_name: str) -> dict[str, Any] | None:
    paths = _paths(rule)
    kept = [path for path in paths if backend_service(path) != service_name]
    if len(kept) == len(paths):
        return dict(rule)
    return {**rule, "http": {**rule["http"], "paths": kept}} if kept else None


def _rules(spec: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return spec.get("rules") or ()


def _paths(rule: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (rule.get("http") or {}).get("paths") or ()
