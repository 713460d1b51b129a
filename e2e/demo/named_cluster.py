"""The user's own cluster, used only when he names its context.

The demo makes one namespace and, where they are missing, the CRDs. It marks both, removes exactly what carries the
mark, and gives the operator no right outside the namespace. The mark also finds what a killed run left.
"""

import contextlib
import json
import os
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from certwright.manifests.rbac import roles
from e2e.controlplane import KubectlError
from e2e.controlplane.kubectl import Kubectl
from e2e.demo.cluster import server_version
from e2e.demo.screen import Screen
from e2e.installation import CRDS, ESTABLISHED_WITHIN, SERVICE_ACCOUNT
from e2e.processes import NotInTimeError, wait_until
from e2e.tools import catalogue, find

NAMESPACE = "certwright-demo"
_MARK = "app.kubernetes.io/managed-by"
_MARKED = f"{_MARK}={NAMESPACE}"
_NAMESPACED_KINDS = "certificates.certwright.io,issuers.certwright.io"
_ALL_KINDS = f"{_NAMESPACED_KINDS},clusterissuers.certwright.io"
# A leader renews its Lease every 2 s; looking for that needs no clock that agrees with the cluster's.
_RENEWED_WITHIN = timedelta(seconds=6)
Manifest = dict[str, Any]


class OccupiedError(RuntimeError):
    """Something of another owner is in the way; the message says what, and what to do."""


class NotRemovedError(RuntimeError):
    """Something that the demo made is still there; the message says how to find it."""


class NamedCluster:
    """One context of the user's kubeconfig."""

    operator_namespace = NAMESPACE
    operator_flags: Sequence[str] = (f"--operator-namespace={NAMESPACE}", f"--namespace={NAMESPACE}")

    def __init__(self, context: str, directory: Path, screen: Screen) -> None:
        self._context = context
        self._directory = directory
        self._screen = screen
        self._is_ours = False
        self.options = f" --context={shlex.quote(context)} -n {NAMESPACE}"
        self.make_variables = f" CONTEXT={shlex.quote(context)}"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """As the user, in the demo's namespace."""
        return self._kubectl(f"--context={self._context}", f"--namespace={NAMESPACE}", *arguments, stdin=stdin)

    def start(self) -> None:
        kubeconfig = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        with self._screen.doing(f"looking at the cluster of context {self._context}"):
            self._kubectl = Kubectl(find(catalogue.KUBECTL), kubeconfig, self._directory / "kubectl-cache")
            version = server_version(self)
            self._refuse_other_operators()
            leftover = self._refuse_other_namespace()
        self._is_ours = True
        self._screen.happened(f"Kubernetes {version}: your cluster of context {self._context}")
        if leftover:
            self._screen.happened("an earlier run was killed there: removing what it left")
            self._remove()
        self.kubectl("create", "--filename=-", stdin=json.dumps(_namespace()))
        self._screen.happened(f"made namespace {NAMESPACE} in it; it is removed at the end")

    def install(self) -> Path:
        with self._screen.doing("installing the resource kinds"):
            self._install_crds()
            self._apply(*_account_and_roles())
            return self._operator_kubeconfig()

    def access(self) -> list[str]:
        return []

    def withdraw(self) -> None:
        with self._screen.doing("deleting the Certificates and Issuers"), contextlib.suppress(KubectlError):
            self.kubectl("delete", _NAMESPACED_KINDS, "--all", "--timeout=30s")

    def stop(self) -> None:
        if self._is_ours:
            self._remove()

    def _refuse_other_operators(self) -> None:
        """Another operator would enrol the demo's Certificates too, and could not reach its servers."""
        held = self._leases()

        def renewed() -> str:
            now = self._leases()
            return next((namespace for namespace, when in held.items() if now.get(namespace, when) != when), "")

        try:
            where = wait_until(renewed, "a renewal", within=_RENEWED_WITHIN) if held else ""
        except NotInTimeError:
            return  # whoever held them was killed
        if where:
            who = "another demo runs" if where == NAMESPACE else "a certwright operator is at work"
            raise OccupiedError(
                f"{who} in namespace {where} of this cluster, and the two would get in each other's way: "
                "use another cluster, or `make demo` without CONTEXT"
            )

    def _leases(self) -> dict[str, str]:
        """When each operator of this cluster last said that it lives, by namespace."""
        selector = "--field-selector=metadata.name=certwright"
        found = json.loads(self.kubectl("get", "leases", "--all-namespaces", selector, "--output=json"))
        return {
            lease["metadata"]["namespace"]: lease["spec"].get("renewTime", "")
            for lease in found["items"]
            if lease["spec"].get("holderIdentity")
        }

    def _refuse_other_namespace(self) -> bool:
        """Whether a killed run left the namespace."""
        found = self.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output=json")
        if not found:
            return False
        if json.loads(found)["metadata"].get("labels", {}).get(_MARK) != NAMESPACE:
            raise OccupiedError(f"namespace {NAMESPACE} exists and was not made by the demo: remove or rename it")
        return True

    def _install_crds(self) -> None:
        present = json.loads(self.kubectl("get", "customresourcedefinitions", "--output=json"))["items"]
        foreign = [
            one
            for one in present
            if one["spec"]["group"] == "certwright.io" and one["metadata"].get("labels", {}).get(_MARK) != NAMESPACE
        ]
        if foreign:
            self._screen.happened("certwright's CRDs are there already: used as they are, and left there")
            return
        self._apply(*_marked_crds())
        self.kubectl("wait", "--for=condition=Established", f"--timeout={ESTABLISHED_WITHIN}", f"--filename={CRDS}")
        self._screen.happened(
            "made the CRDs of the kinds Certificate, Issuer and ClusterIssuer (short: cwc, cwi, cwci); "
            "they are removed at the end"
        )

    def _apply(self, *documents: Manifest) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(items))

    def _operator_kubeconfig(self) -> Path:
        """The user's address of the cluster, with the ServiceAccount's token in the place of his credentials."""
        view = json.loads(self.kubectl("config", "view", "--minify", "--flatten", "--raw", "--output=json"))
        token = self.kubectl("create", "token", SERVICE_ACCOUNT, "--duration=24h").strip()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": view["clusters"][0]["cluster"]}],
            "users": [{"name": "operator", "user": {"token": token}}],
            "contexts": [{"name": "operator", "context": {"cluster": "cluster", "user": "operator"}}],
            "current-context": "operator",
        }
        path = self._directory / "operator.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content))
        return path

    def _remove(self) -> None:
        with self._screen.doing(f"removing namespace {NAMESPACE}"):
            try:
                self.kubectl("delete", "namespaces", f"--selector={_MARKED}", "--timeout=90s")
                crds_go = self._remove_crds()
            except KubectlError as error:
                raise NotRemovedError(f"what carries the label {_MARKED} could not all be removed: {error}") from error
        kept = "" if crds_go else "; certwright's CRDs stay"
        self._screen.happened(f"removed namespace {NAMESPACE}{' and the CRDs' if crds_go else kept}")

    def _remove_crds(self) -> bool:
        """With them every Certificate would go, so they stay if somebody has begun to use them meanwhile."""
        ours = self.kubectl("get", "customresourcedefinitions", f"--selector={_MARKED}", "--output=name")
        if not ours or self.kubectl("get", _ALL_KINDS, "--all-namespaces", "--output=name"):
            return False
        self.kubectl("delete", "customresourcedefinitions", f"--selector={_MARKED}", "--timeout=60s")
        return True


def _namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {_MARK: NAMESPACE}}}


def _marked_crds() -> list[Manifest]:
    documents = [yaml.safe_load(file.read_text()) for file in sorted(CRDS.glob("*.yaml"))]
    for document in documents:
        document["metadata"].setdefault("labels", {})[_MARK] = NAMESPACE
    return documents


def _account_and_roles() -> list[Manifest]:
    """The generated rules, all of them as Roles of the namespace: a ClusterRole would be seen by the whole cluster."""
    account = {"name": SERVICE_ACCOUNT, "namespace": NAMESPACE}
    documents: list[Manifest] = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}]
    for document in roles(namespace=NAMESPACE, service_account=SERVICE_ACCOUNT, watched=(NAMESPACE,)):
        if document["kind"] == "ClusterRole":
            document["kind"] = "Role"
            document["metadata"]["namespace"] = NAMESPACE
        if "roleRef" in document:
            document["roleRef"]["kind"] = "Role"
        documents.append(document)
    return documents
