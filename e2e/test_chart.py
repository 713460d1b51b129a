"""The chart on a real API server: it installs, upgrades and leaves as promised; its roles are enough and no more."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from certwright.kube.permissions import Scope
from certwright.manifests.rbac import collected_rules
from e2e.chart import CHART, NAME, Helm, helm_for, install_chart, installed_chart, render
from e2e.chart_values import ACCEPTED, Values
from e2e.controlplane import ControlPlane, KubectlError
from e2e.operator_process import OperatorProcess

WATCHED = ("a", "b")
ELSEWHERE = "elsewhere"
NAMESPACED: Values = {"rbac": {"namespaces": list(WATCHED)}}
MODES: dict[str, Values] = {
    "clusterwide": {},
    "one-namespace": {"rbac": {"namespaces": ["a"]}},
    "namespaces": NAMESPACED,
    "without-listing-secrets": {"rbac": {"namespaces": list(WATCHED), "secrets": {"list": False}}},
}
DRY_RUN = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename=-")
CRDS = {f"{plural}.certwright.io" for plural in ("certificates", "issuers", "clusterissuers")}

Document = dict[str, Any]
Asked = tuple[str, str, str, str]
"""Namespace (empty: all, or none), API group, resource and verb."""

NEVER: set[Asked] = {
    ("", "", "nodes", "list"),
    ("", "", "pods", "list"),
    ("a", "", "pods", "create"),
    ("a", "", "configmaps", "create"),
    ("a", "", "serviceaccounts/token", "create"),
    ("a", "certwright.io", "certificates", "delete"),
    ("a", "certwright.io", "issuers", "update"),
    ("a", "coordination.k8s.io", "leases", "update"),
    ("", "apiextensions.k8s.io", "customresourcedefinitions", "update"),
    ("", "rbac.authorization.k8s.io", "clusterroles", "create"),
}
"""What no mode allows, in whatever namespace."""

NEVER_NAMESPACED: set[Asked] = NEVER | {
    ("", "", "secrets", "list"),
    (ELSEWHERE, "", "secrets", "get"),
    (ELSEWHERE, "certwright.io", "certificates", "list"),
    ("", "certwright.io", "clusterissuers", "list"),
    ("", "", "namespaces", "get"),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """Its own one, because Helm takes no CRDs over that another test has installed."""
    with ControlPlane() as cluster:
        for name in (NAME, ELSEWHERE, *WATCHED):
            cluster.kubectl("create", "namespace", name)
        # Warnings become refusals here, so that a pod which is not restricted fails a test.
        cluster.kubectl("label", "namespace", NAME, "pod-security.kubernetes.io/enforce=restricted")
        yield cluster


@pytest.fixture
def helm(cluster: ControlPlane) -> Helm:
    return helm_for(cluster)


def as_list(documents: Iterable[Document]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})


def state(cluster: ControlPlane, documents: Iterable[Document]) -> dict[tuple[str, str, str], str]:
    """The resourceVersion of each that exists."""
    text = cluster.kubectl("get", "--ignore-not-found", "--output=json", "--filename=-", stdin=as_list(documents))
    found = json.loads(text)["items"] if text.strip() else []
    return {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one["metadata"]["resourceVersion"]
        for one in found
    }


def allowed(cluster: ControlPlane, account: str, questions: Iterable[Asked]) -> set[Asked]:
    """Those that the API server allows to the account, asked as ``kubectl auth can-i`` asks."""
    asked = sorted(questions)
    reviews = [review(f"system:serviceaccount:{NAME}:{account}", question) for question in asked]
    printed = '--output=jsonpath={.status.allowed}{"\\n"}'
    answers = cluster.kubectl("create", printed, "--filename=-", stdin=as_list(reviews)).split()
    return {question for question, answer in zip(asked, answers, strict=True) if answer == "true"}


def review(user: str, question: Asked) -> Document:
    namespace, group, resource, verb = question
    kind, _, subresource = resource.partition("/")
    attributes = {"group": group, "resource": kind, "subresource": subresource, "verb": verb, "namespace": namespace}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes},
    }


def needed(scope: Scope, namespaces: Iterable[str]) -> set[Asked]:
    return {
        (namespace, rule.group, resource, verb)
        for rule in collected_rules()
        if rule.scope is scope and not rule.names
        for namespace in namespaces
        for resource in rule.resources
        for verb in rule.verbs
    }


@pytest.mark.parametrize("values", ACCEPTED.values(), ids=ACCEPTED)
def test_every_object_is_accepted(cluster: ControlPlane, helm: Helm, values: Values) -> None:
    documents = render(helm, values)

    accepted = cluster.kubectl(*DRY_RUN, stdin=as_list(documents))

    assert len(accepted.splitlines()) == len(documents)


def test_an_upgrade_to_the_same_changes_nothing(cluster: ControlPlane, helm: Helm) -> None:
    with installed_chart(cluster, values={}):
        documents = render(helm, {})
        before = state(cluster, documents)

        helm("upgrade", NAME, str(CHART), f"--namespace={NAME}", values={})

        assert len(before) == len(documents)
        assert state(cluster, documents) == before


def test_uninstalling_leaves_the_crds_and_nothing_else(cluster: ControlPlane, helm: Helm) -> None:
    install_chart(cluster, values={})

    helm("uninstall", NAME, f"--namespace={NAME}")

    documents = render(helm, {})
    assert set(state(cluster, documents)) == {("CustomResourceDefinition", "", name) for name in CRDS}
    assert "certwright" not in cluster.kubectl("get", "secrets,configmaps", f"--namespace={NAME}", "--output=name")


def test_the_same_release_can_come_back_to_its_crds(cluster: ControlPlane) -> None:
    for _ in range(2):
        with installed_chart(cluster, values={}):
            assert "No resources" not in cluster.kubectl("get", "crd", *CRDS)


def test_the_pod_is_restricted(cluster: ControlPlane) -> None:
    with installed_chart(cluster, values={}):
        deployment = json.loads(cluster.kubectl("get", "deployment", NAME, f"--namespace={NAME}", "--output=json"))
        pod = deployment["spec"]["template"] | {"apiVersion": "v1", "kind": "Pod"}
        pod["metadata"] = {"name": "certwright", "namespace": NAME}

        cluster.kubectl(*DRY_RUN, stdin=json.dumps(pod))

        del pod["spec"]["containers"][0]["securityContext"]
        with pytest.raises(KubectlError, match="violates PodSecurity"):
            cluster.kubectl(*DRY_RUN, stdin=json.dumps(pod))


def test_the_account_may_do_what_the_operator_needs(cluster: ControlPlane) -> None:
    wanted = needed(Scope.WATCHED, ("", ELSEWHERE)) | needed(Scope.CLUSTER, ("",)) | needed(Scope.OPERATOR, (NAME,))

    with installed_chart(cluster, values={}) as release:
        assert allowed(cluster, release.service_account, wanted | NEVER) == wanted


def test_in_namespaced_mode_the_account_may_do_it_there_only(cluster: ControlPlane) -> None:
    wanted = needed(Scope.WATCHED, WATCHED) | needed(Scope.OPERATOR, (NAME,))

    with installed_chart(cluster, values=NAMESPACED) as release:
        assert allowed(cluster, release.service_account, wanted | NEVER_NAMESPACED) == wanted


@pytest.mark.parametrize("values", MODES.values(), ids=MODES)
def test_the_operator_becomes_ready_under_its_roles(cluster: ControlPlane, values: Values, tmp_path: Path) -> None:
    with installed_chart(cluster, values=values) as release:
        flags = [flag for flag in release.arguments[1:] if "-listen=" not in flag]
        with closing(OperatorProcess(release.kubeconfig, directory=tmp_path, flags=flags)) as operator:
            operator.start()
            assert "forbidden" not in operator.tail().lower()
            assert operator.stop() == 0


@pytest.mark.parametrize("values", [{}, NAMESPACED], ids=["clusterwide", "namespaced"])
def test_the_example_in_the_notes_is_accepted(cluster: ControlPlane, helm: Helm, values: Values) -> None:
    with installed_chart(cluster, values=values):
        notes = helm("get", "notes", NAME, f"--namespace={NAME}")
        # A here-document ends at an END in the first column only: an indented example could not be pasted.
        _, _, manifests = notes.partition("<<'END'\n")
        text, end, _ = manifests.partition("\nEND\n")
        documents = list(yaml.safe_load_all(text))

        accepted = cluster.kubectl(*DRY_RUN, stdin=as_list(documents))

        assert end
        assert [document["kind"] for document in documents] == ["Issuer", "Certificate"]
        assert len(accepted.splitlines()) == len(documents)
