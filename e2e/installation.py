"""Puts certwright's CRDs and its generated roles into a cluster, as the chart does, but with nothing except kubectl.

The end-to-end suite, the demo and the bench run the operator as a process beside the cluster, with the kubeconfig that
comes from here: it may do what the roles say and nothing more. ``chart`` does the same with Helm.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from certwright.manifests.rbac import roles

CRDS = Path(__file__).parent.parent / "crds"
SERVICE_ACCOUNT = "certwright"
ESTABLISHED_WITHIN = "30s"


class Cluster(Protocol):
    """What an installation needs of a cluster: the embedded control plane has it, and so can a user's own."""

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str: ...

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path: ...


def install(cluster: Cluster, *, namespace: str = "certwright", watched: tuple[str, ...] = ()) -> Path:
    """Install or update everything but the Deployment; answer the kubeconfig of the operator's ServiceAccount.

    With ``watched`` the operator gets its rights in these namespaces only, which must exist. Repeating it changes
    nothing, and installations in several namespaces do not disturb each other.
    """
    install_crds(cluster)
    _apply(cluster, *_documents(namespace, watched))
    return cluster.service_account_kubeconfig(namespace, SERVICE_ACCOUNT)


def install_crds(cluster: Cluster) -> None:
    """The three kinds, served when this returns."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    wait_for_crds(cluster)


def wait_for_crds(cluster: Cluster) -> None:
    """Return when the three kinds, installed by whatever means, are served."""
    cluster.kubectl("wait", "--for=condition=Established", f"--timeout={ESTABLISHED_WITHIN}", f"--filename={CRDS}")


def _apply(cluster: Cluster, *documents: dict[str, Any]) -> None:
    items = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(items))


def _documents(namespace: str, watched: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    account = {"name": SERVICE_ACCOUNT, "namespace": namespace}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}
    for document in roles(namespace=namespace, service_account=SERVICE_ACCOUNT, watched=watched):
        if document["kind"].endswith("Binding"):
            # A binding's subjects are replaced as a whole, so two operators must not share one binding.
            document["metadata"]["name"] += f"-{namespace}"
        yield document
