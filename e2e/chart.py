"""The Helm chart as a user installs it, with the helm of ``tools``.

``test_chart`` is the main caller; any test may use ``install_chart`` to get the roles from the chart instead of from
``installation``. Pods are never started, because there is no node: a test starts the operator itself.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from e2e.controlplane import ControlPlane
from e2e.installation import wait_for_crds
from e2e.tools import catalogue, find

CHART = Path(__file__).parent.parent / "helm" / "certwright"
NAME = "certwright"

Values = Mapping[str, Any]

_LONGEST_CALL = timedelta(minutes=2)


class HelmError(RuntimeError):
    """Helm ended with an error; the message is what it printed."""


class Helm:
    """Helm against one kubeconfig, or none for what needs no cluster; blind to the user's own settings and plugins."""

    def __init__(self, home: Path, kubeconfig: Path | None = None) -> None:
        self._home = home
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str, values: Values | None = None) -> str:
        """Answer standard output."""
        done = subprocess.run(
            [self._program, *arguments, *(() if values is None else ("--values=-",))],
            input=json.dumps(values or {}),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_LONGEST_CALL.total_seconds(),
            check=False,
        )
        if done.returncode != 0:
            raise HelmError(f"{done.stdout}{done.stderr}".strip())
        return done.stdout

    @cached_property
    def _program(self) -> Path:
        return find(catalogue.HELM)

    def _environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
        homes = {f"HELM_{kind.upper()}_HOME": str(self._home / kind) for kind in ("cache", "config", "data")}
        return environment | homes | {"KUBECONFIG": str(self._kubeconfig or self._home / "none")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One release of the chart, and what the operator needs to run under its ServiceAccount."""

    release: str
    namespace: str
    service_account: str
    kubeconfig: Path = field(repr=False)
    arguments: Sequence[str]
    """The command line that the pods would have, after the name of the program."""


def render(helm: Helm, values: Values, *, release: str = NAME, namespace: str = NAME) -> list[dict[str, Any]]:
    """The objects of a release, without a cluster."""
    text = helm("template", release, str(CHART), f"--namespace={namespace}", values=values)
    return [document for document in yaml.safe_load_all(text) if document]


def arguments_of(deployment: Mapping[str, Any], namespace: str) -> list[str]:
    """The arguments of the container, as the kubelet would hand them over."""
    arguments: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return [argument.replace("$(POD_NAMESPACE)", namespace) for argument in arguments]


def helm_for(control_plane: ControlPlane) -> Helm:
    """Helm as the administrator of this control plane."""
    return Helm(control_plane.directory / "helm", control_plane.admin_kubeconfig)


def install_chart(
    control_plane: ControlPlane, *, values: Values, release: str = NAME, namespace: str = NAME
) -> Installation:
    """Install a release; its CRDs are served when this returns.

    Where they were installed by other means, ``values`` has to say ``crds: {enabled: false}``.
    """
    where = f"--namespace={namespace}"
    helm_for(control_plane)("install", release, str(CHART), where, "--create-namespace", values=values)
    wait_for_crds(control_plane)
    selector = f"--selector=app.kubernetes.io/instance={release}"
    found = json.loads(control_plane.kubectl("get", "deployments", where, selector, "--output=json"))
    (deployment,) = found["items"]
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    return Installation(
        release=release,
        namespace=namespace,
        service_account=account,
        kubeconfig=control_plane.service_account_kubeconfig(namespace, account),
        arguments=arguments_of(deployment, namespace),
    )


@contextmanager
def installed_chart(
    control_plane: ControlPlane, *, values: Values, release: str = NAME, namespace: str = NAME
) -> Iterator[Installation]:
    """A release that is uninstalled at the end; its namespace stays, and so do CRDs with ``crds.keep``."""
    try:
        yield install_chart(control_plane, values=values, release=release, namespace=namespace)
    finally:
        helm_for(control_plane)("uninstall", release, f"--namespace={namespace}", "--ignore-not-found")
