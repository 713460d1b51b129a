"""Rules of the modules become roles, without repetition and in a stable order."""

import pytest
import yaml

from certwright.kube.permissions import Rule, Scope
from certwright.manifests.chart import crd_template, rules_template
from certwright.manifests.files import CHART_CRDS, render
from certwright.manifests.rbac import collected_rules, merged, roles

SCATTERED = (
    Rule("", ("secrets",), ("get",), Scope.WATCHED),
    Rule("apps", ("deployments",), ("patch",), Scope.WATCHED),
    Rule("", ("secrets", "configmaps"), ("watch", "list"), Scope.WATCHED),
    Rule("", ("configmaps",), ("get",), Scope.WATCHED),
    Rule("", ("secrets",), ("create",), Scope.OPERATOR),
    Rule("", ("secrets",), ("update",), Scope.OPERATOR, names=("ca",)),
)


def test_rules_of_one_resource_are_united() -> None:
    assert merged(SCATTERED, Scope.WATCHED) == (
        Rule("", ("configmaps", "secrets"), ("get", "list", "watch"), Scope.WATCHED),
        Rule("apps", ("deployments",), ("patch",), Scope.WATCHED),
    )


def test_a_rule_for_names_stays_apart() -> None:
    assert merged(SCATTERED, Scope.OPERATOR) == (
        Rule("", ("secrets",), ("create",), Scope.OPERATOR),
        Rule("", ("secrets",), ("update",), Scope.OPERATOR, names=("ca",)),
    )


def test_the_order_of_modules_does_not_matter() -> None:
    for scope in Scope:
        assert merged(reversed(SCATTERED), scope) == merged(SCATTERED, scope)


def test_the_modules_have_rules_for_certificates() -> None:
    watched = {resource for rule in merged(collected_rules(), Scope.WATCHED) for resource in rule.resources}

    assert {"certificates", "issuers", "secrets"} <= watched


def test_nothing_is_granted_by_wildcard() -> None:
    words = {word for rule in collected_rules() for word in (rule.group, *rule.resources, *rule.verbs)}

    assert "*" not in words


def test_cluster_wide_roles_are_bound_once_for_all() -> None:
    documents = list(roles(namespace="certwright", service_account="operator"))

    assert [(document["kind"], document["metadata"]["name"]) for document in documents] == [
        ("ClusterRole", "certwright"),
        ("ClusterRoleBinding", "certwright"),
        ("ClusterRole", "certwright-cluster"),
        ("ClusterRoleBinding", "certwright-cluster"),
        ("Role", "certwright-operator"),
        ("RoleBinding", "certwright-operator"),
    ]
    assert {document["metadata"].get("namespace") for document in documents[-2:]} == {"certwright"}


def test_in_namespaced_mode_nothing_is_bound_cluster_wide() -> None:
    documents = list(roles(namespace="certwright", service_account="operator", watched=("a", "b")))

    assert "ClusterRoleBinding" not in {document["kind"] for document in documents}
    assert [
        document["metadata"]["namespace"]
        for document in documents
        if document["kind"] == "RoleBinding" and document["roleRef"]["name"] == "certwright"
    ] == ["a", "b"]


@pytest.mark.parametrize("scope", Scope)
def test_the_chart_has_the_rules_of_each_scope(scope: Scope) -> None:
    assert f'{{{{- define "certwright.rules.{scope}" -}}}}' in rules_template()


def test_listing_secrets_can_be_switched_off() -> None:
    before, _, after = rules_template().partition("{{- if .Values.rbac.secrets.list }}\n")
    conditional = yaml.safe_load(after.partition("{{- end }}")[0])
    always = yaml.safe_load(before.partition("-}}")[2])

    assert conditional == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]
    assert not any("list" in rule["verbs"] for rule in always if "secrets" in rule["resources"])


def test_switching_off_takes_nothing_from_other_resources() -> None:
    before, _, after = rules_template(SCATTERED).partition("{{- if .Values.rbac.secrets.list }}\n")
    always = yaml.safe_load(before.partition("-}}")[2])

    assert always == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]
    assert "deployments" in after


def test_a_chart_crd_obeys_its_values() -> None:
    template = crd_template("kind: X\nmetadata:\n  name: x\nspec: {}\n")

    assert template.splitlines() == [
        "{{- if .Values.crds.enabled }}",
        "kind: X",
        "metadata:",
        "{{- if .Values.crds.keep }}",
        "  annotations:",
        "    helm.sh/resource-policy: keep",
        "{{- end }}",
        "  name: x",
        "spec: {}",
        "{{- end }}",
    ]


def test_chart_crds_hold_no_other_template_syntax() -> None:
    templates = [text for path, text in render().items() if path.parent == CHART_CRDS]

    assert [text.count("{{") for text in templates] == [4, 4, 4]
