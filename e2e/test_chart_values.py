"""Every flag of the operator has a value in the chart, typos are refused, and the roles are those of the code."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from certwright.cli.main import app
from certwright.kube.permissions import Scope
from certwright.manifests.rbac import collected_rules
from e2e.chart import CHART, Helm, HelmError, arguments_of, render
from e2e.chart_values import ACCEPTED, CHANGED, MONITORED, REFUSED, Values

NAMESPACE = "here"
OUTSIDE_A_CLUSTER = {"kubeconfig", "context"}
SECRETS_LISTED = {("", "secrets", "list", ()), ("", "secrets", "watch", ())}

Document = dict[str, Any]
Grant = tuple[str, str, str, tuple[str, ...]]


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    return Helm(tmp_path)


def rendered(helm: Helm, values: Values) -> list[Document]:
    return render(helm, values, namespace=NAMESPACE)


def settings(helm: Helm, values: Values) -> dict[str, Any]:
    """What the operator itself reads from the arguments of the container."""
    verb, *flags = arguments_of(the("Deployment", rendered(helm, values)), NAMESPACE)
    return parsed(verb, *flags)


def parsed(verb: str, *flags: str) -> dict[str, Any]:
    commands = get_command(app)
    assert isinstance(commands, TyperGroup)
    return dict(commands.commands[verb].make_context(verb, list(flags)).params)


def the(kind: str, documents: Iterable[Document]) -> Document:
    (found,) = (document for document in documents if document["kind"] == kind)
    return found


def granted(rules: Iterable[Document]) -> Iterator[Grant]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from ((group, resource, verb, tuple(rule.get("resourceNames", ()))) for verb in rule["verbs"])


def needed(*scopes: Scope) -> set[Grant]:
    return {
        (rule.group, resource, verb, rule.names)
        for rule in collected_rules()
        if rule.scope in scopes
        for resource in rule.resources
        for verb in rule.verbs
    }


def roles_of(documents: Iterable[Document]) -> dict[tuple[str, str, str], set[Grant]]:
    """What each role grants the operator, by kind, namespace and name."""
    return {
        (document["kind"], document["metadata"].get("namespace", ""), document["metadata"]["name"]): set(
            granted(document["rules"])
        )
        for document in documents
        if document["kind"] in {"Role", "ClusterRole"} and not aggregated_to(document)
    }


def aggregated_to(role: Document) -> set[str]:
    """Which of Kubernetes' own roles get what a role grants."""
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    return {name.removeprefix(prefix) for name in role["metadata"]["labels"] if name.startswith(prefix)}


def services(documents: Iterable[Document], port: str) -> list[Document]:
    """Those with a port of that name."""
    found = (document for document in documents if document["kind"] == "Service")
    return [service for service in found if service["spec"]["ports"][0]["name"] == port]


def test_the_linter_has_nothing_to_say(helm: Helm) -> None:
    helm("lint", "--strict", str(CHART))


def test_by_default_every_flag_is_as_without_a_chart(helm: Helm) -> None:
    expected = parsed("run") | {"operator_namespace": NAMESPACE}

    assert settings(helm, {}) == expected


def test_every_flag_has_a_value(helm: Helm) -> None:
    by_default = parsed("run")

    changed = settings(helm, CHANGED)

    unchanged = {name for name, value in changed.items() if value == by_default[name]}
    assert unchanged == OUTSIDE_A_CLUSTER
    assert changed["namespace"] == ["a", "b"]
    assert changed["recursive_nameservers"] == "192.0.2.53:53,[2001:db8::53]:53"


def test_without_http01_nothing_listens(helm: Helm) -> None:
    documents = rendered(helm, {"http01": {"enabled": False}})

    assert settings(helm, {"http01": {"enabled": False}})["http01_listen"] == ""
    assert services(documents, "http01") == []


@pytest.mark.parametrize("values", ACCEPTED.values(), ids=ACCEPTED)
def test_the_operator_is_told_the_service_that_is_made(helm: Helm, values: Values) -> None:
    made = services(rendered(helm, values), "http01")

    told = settings(helm, values)["http01_service"]

    assert [f"{s['metadata']['name']}:{s['spec']['ports'][0]['port']}" for s in made] in ([told], [])


@pytest.mark.parametrize(("kind", "values"), MONITORED.items(), ids=MONITORED)
def test_prometheus_finds_the_metrics(helm: Helm, kind: str, values: Values) -> None:
    documents = rendered(helm, values)

    monitor = the(kind, documents)

    (service,) = services(documents, "metrics")
    pod = the("Deployment", documents)["spec"]["template"]
    labels = service["metadata"]["labels"] if kind == "ServiceMonitor" else pod["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_kubernetes_own_roles_get_to_know_our_kinds(helm: Helm) -> None:
    roles = [each for each in rendered(helm, {}) if each["kind"] == "ClusterRole" and aggregated_to(each)]

    by_role: dict[str, set[Grant]] = {}
    for role in roles:
        for name in aggregated_to(role):
            by_role.setdefault(name, set()).update(granted(role["rules"]))
    reads, writes = {"get", "list", "watch"}, {"create", "update", "patch", "delete", "deletecollection"}
    view = {("certwright.io", kind, verb, ()) for kind in ("certificates", "issuers") for verb in reads}
    edit = view | {("certwright.io", "certificates", verb, ()) for verb in writes}
    admin = edit | {("certwright.io", "issuers", verb, ()) for verb in writes}
    assert by_role == {"view": view, "edit": edit, "admin": admin}


@pytest.mark.parametrize(
    ("values", "budgets"),
    [({}, 0), ({"replicaCount": 2}, 1), ({"replicaCount": 2, "podDisruptionBudget": {"enabled": False}}, 0)],
    ids=["one-replica", "two-replicas", "switched-off"],
)
def test_a_drain_leaves_a_replica_where_there_are_several(helm: Helm, values: Values, budgets: int) -> None:
    kinds = [document["kind"] for document in rendered(helm, values)]

    assert kinds.count("PodDisruptionBudget") == budgets


@pytest.mark.parametrize(("values", "word"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_means_nothing_is_refused(helm: Helm, values: Values, word: str) -> None:
    with pytest.raises(HelmError, match=word):
        rendered(helm, values)


def test_cluster_wide_roles_are_those_of_the_code(helm: Helm) -> None:
    assert roles_of(rendered(helm, {})) == {
        ("ClusterRole", "", "certwright"): needed(Scope.WATCHED, Scope.CLUSTER),
        ("Role", NAMESPACE, "certwright-operator"): needed(Scope.OPERATOR),
    }


def test_namespaced_roles_are_those_of_the_code_and_no_more(helm: Helm) -> None:
    documents = rendered(helm, {"rbac": {"namespaces": ["a", "b"]}})

    assert roles_of(documents) == {
        ("Role", "a", "certwright"): needed(Scope.WATCHED),
        ("Role", "b", "certwright"): needed(Scope.WATCHED),
        ("Role", NAMESPACE, "certwright-operator"): needed(Scope.OPERATOR),
    }
    assert "ClusterRoleBinding" not in {document["kind"] for document in documents}


def test_without_listing_secrets_the_operator_knows_and_only_that_is_missing(helm: Helm) -> None:
    values = {"rbac": {"secrets": {"list": False}}}

    roles = roles_of(rendered(helm, values))

    assert roles["ClusterRole", "", "certwright"] == needed(Scope.WATCHED, Scope.CLUSTER) - SECRETS_LISTED
    assert settings(helm, values)["secret_watch"] is False


def test_the_pod_has_time_to_end(helm: Helm) -> None:
    pod = the("Deployment", rendered(helm, {"shutdownGrace": 30.5}))["spec"]["template"]["spec"]

    assert pod["terminationGracePeriodSeconds"] == 56


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "certwright:0.1.0"),
        ({"tag": "edge"}, "certwright:edge"),
        ({"tag": "edge", "digest": f"sha256:{'a' * 64}"}, f"certwright@sha256:{'a' * 64}"),
    ],
    ids=["default", "tag", "digest"],
)
def test_the_image_is_the_one_that_was_named(helm: Helm, image: Values, reference: str) -> None:
    pod = the("Deployment", rendered(helm, {"image": image}))["spec"]["template"]["spec"]

    assert pod["containers"][0]["image"] == reference
