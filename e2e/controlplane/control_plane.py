"""Starts and stops one control plane and hands out kubeconfigs for it."""

import re
import ssl
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from e2e.authority import Authority, private_key_pem, public_key_pem
from e2e.controlplane import commands, kubeconfig
from e2e.controlplane.kubectl import Kubectl
from e2e.processes import ProcessGroup, free_ports, wait_until
from e2e.tools import catalogue, find

_START_WITHIN = timedelta(seconds=60)
_ADMIN = "certwright-e2e-admin"
_SERVER_NAMES = ("127.0.0.1", "10.0.0.1", "localhost", "kubernetes.default.svc", "kubernetes.default")


class ControlPlane:
    """etcd, kube-apiserver (RBAC) and kube-controller-manager on free loopback ports, with a CA of their own.

    Without a ``directory`` everything is in a temporary one that vanishes at the end, also after kill -9 of this
    program. ``audit_users`` are the exact user names whose requests go into ``audit_log``, one JSON object a line at
    level Metadata; without any there is no audit log and no cost.
    """

    def __init__(self, directory: Path | None = None, *, audit_users: Sequence[str] = ()) -> None:
        self._wanted_directory = directory
        self._audit_users = tuple(audit_users)

    def start(self) -> Self:
        """Return when the API server is ready and its controllers have begun to work."""
        self._programs = {tool.name: find(tool) for tool in (catalogue.ETCD, catalogue.KUBE_APISERVER)}
        manager = catalogue.kube_controller_manager(_version(self._programs["kube-apiserver"]))
        self._programs[manager.name] = find(manager)
        kubectl = find(catalogue.KUBECTL)
        directory = self._wanted_directory or Path(tempfile.mkdtemp(prefix="certwright-controlplane-"))
        # The supervisor comes before the first file, so that nothing is left whenever we are killed.
        self._processes = ProcessGroup(directory, remove=self._wanted_directory is None)
        try:
            self._layout = commands.Layout(directory, *free_ports(3))
            self._write_files()
            self._kubectl = Kubectl(kubectl, self.admin_kubeconfig, directory / "kubectl-cache")
            self._start_processes()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all processes and remove the temporary directory; nothing is shut down gently, the data is garbage."""
        self._processes.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def directory(self) -> Path:
        """Holds the kubeconfigs and the logs of the servers (``kube-apiserver.log`` and so on)."""
        return self._layout.directory

    @property
    def url(self) -> str:
        return self._layout.url

    @property
    def ca_pem(self) -> str:
        return self._authority.pem

    @property
    def admin_kubeconfig(self) -> Path:
        return self.directory / "admin.kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Exists only with ``audit_users``."""
        return self._layout.audit_log

    @property
    def etcd_pid(self) -> int:
        return self._processes.pid("etcd")

    @property
    def apiserver_pid(self) -> int:
        return self._processes.pid("kube-apiserver")

    @property
    def controller_manager_pid(self) -> int:
        return self._processes.pid("kube-controller-manager")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and answer its output; ``KubectlError`` holds what it complained about."""
        return self._kubectl(*arguments, stdin=stdin)

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a client certificate for a user who may do only what RBAC bindings give him."""
        return self._kubeconfig(user, kubeconfig.certificate_user(self._authority.issue(user, organisations=groups)))

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a token for an existing ServiceAccount, as a Pod that runs under it would have."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=24h").strip()
        return self._kubeconfig(f"{namespace}.{name}", kubeconfig.token_user(token))

    def _kubeconfig(self, name: str, user: Mapping[str, str]) -> Path:
        path = self.directory / f"{re.sub(r'[^A-Za-z0-9.-]', '-', name)}.kubeconfig"
        return kubeconfig.write(path, url=self.url, ca_pem=self.ca_pem, user=user, name=name)

    def _write_files(self) -> None:
        pki = self._layout.pki
        pki.mkdir(parents=True, exist_ok=True)
        self._authority = Authority.create("certwright end-to-end Kubernetes CA")
        self._authority.key_pair.write(pki, "ca")
        self._authority.issue("kube-apiserver", names=_SERVER_NAMES).write(pki, "apiserver")
        service_accounts = ec.generate_private_key(ec.SECP256R1())
        (pki / "service-account.key").write_text(private_key_pem(service_accounts))
        (pki / "service-account.pub").write_text(public_key_pem(service_accounts))
        self._layout.audit_policy.write_text(commands.audit_policy(self._audit_users))
        admin = self._authority.issue(_ADMIN, organisations=["system:masters"])
        admin.write(pki, "admin")
        self._kubeconfig("admin", kubeconfig.certificate_user(admin))
        manager = self._authority.issue("system:kube-controller-manager")
        self._kubeconfig("controller-manager", kubeconfig.certificate_user(manager))

    def _start_processes(self) -> None:
        for name, command in (
            ("etcd", commands.etcd(self._programs["etcd"], self._layout)),
            (
                "kube-apiserver",
                commands.kube_apiserver(
                    self._programs["kube-apiserver"],
                    self._layout,
                    audited=bool(self._audit_users),
                ),
            ),
        ):
            self._processes.start(name, command)
        context = ssl.create_default_context(cadata=self.ca_pem)
        context.load_cert_chain(self._layout.pki / "admin.crt", self._layout.pki / "admin.key")
        with httpx.Client(base_url=self.url, verify=context) as client:
            self._wait_for(client, "/readyz", "the API server is ready")
            self._processes.start(
                "kube-controller-manager",
                commands.kube_controller_manager(self._programs["kube-controller-manager"], self._layout),
            )
            # Made by a controller: once it is there, namespaces are usable.
            self._wait_for(client, "/api/v1/namespaces/default/serviceaccounts/default", "the controllers work")

    def _wait_for(self, client: httpx.Client, path: str, what: str) -> None:
        def answered() -> bool:
            self._processes.check()
            try:
                return client.get(path).is_success
            except httpx.TransportError:
                return False

        wait_until(answered, what, within=_START_WITHIN)


def _version(apiserver: Path) -> str:
    """Ours, unless ``KUBEBUILDER_ASSETS`` gave an API server of another minor version."""
    answer = subprocess.run([apiserver, "--version"], capture_output=True, text=True, check=True).stdout
    version = answer.split()[-1]
    ours = catalogue.KUBERNETES_VERSION
    return ours if version.rpartition(".")[0] == ours.rpartition(".")[0] else version
