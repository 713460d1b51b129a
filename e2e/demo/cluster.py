"""The cluster under the demo, as the story sees it, and the one that the demo brings up for itself.

``named_cluster`` is the other kind: the user's own.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from e2e import installation
from e2e.controlplane import ControlPlane
from e2e.demo.screen import Screen


class Cluster(Protocol):
    """Where the examples are applied; ``kubectl`` acts in the namespace of the demo."""

    options: str
    """What a user adds to each kubectl command; with a space in front, or empty."""

    make_variables: str
    """What is added to ``make demo`` to use it again; with a space in front, or empty."""

    operator_namespace: str
    operator_flags: Sequence[str]

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str: ...

    def start(self) -> None:
        """Return when it can be used, and say what it is."""

    def install(self) -> Path:
        """Resource kinds and roles; answers the kubeconfig of the operator's ServiceAccount."""

    def access(self) -> list[str]:
        """Commands that let another terminal reach it."""

    def withdraw(self) -> None:
        """Delete the Certificates and Issuers, while the operator still runs and can let go of them."""

    def stop(self) -> None:
        """Remove everything that was made; nothing happens for what was not."""


class EmbeddedCluster:
    """A control plane on loopback, which vanishes as a whole."""

    options = ""
    make_variables = ""
    operator_namespace = "certwright"
    operator_flags: Sequence[str] = ()

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._control_plane = ControlPlane()
        self._is_started = False

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """As its administrator, in the namespace ``default``."""
        return self._control_plane.kubectl(*arguments, stdin=stdin)

    def start(self) -> None:
        with self._screen.doing("starting Kubernetes"):
            self._control_plane.start()
        self._is_started = True
        self._screen.happened(f"Kubernetes {server_version(self)}: API server, etcd and controllers; no nodes")

    def install(self) -> Path:
        with self._screen.doing("installing the resource kinds"):
            kubeconfig = installation.install(self._control_plane, namespace=self.operator_namespace)
        self._screen.happened("installed: the kinds Certificate, Issuer and ClusterIssuer; short: cwc, cwi, cwci")
        return kubeconfig

    def access(self) -> list[str]:
        return [f"export KUBECONFIG={self._control_plane.admin_kubeconfig}"]

    def withdraw(self) -> None:
        """Needless: all is thrown away."""

    def stop(self) -> None:
        if self._is_started:
            self._control_plane.stop()


def server_version(cluster: Cluster) -> str:
    """As in ``v1.37.2``; ``KubectlError`` where there is no answer within seconds."""
    answer = cluster.kubectl("version", "--output=json", "--request-timeout=10s")
    return str(json.loads(answer)["serverVersion"]["gitVersion"])
