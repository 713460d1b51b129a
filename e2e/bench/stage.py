"""What one part is played on: control plane, authority and operator, all fresh, and gone afterwards.

Fresh ones, so that no part pays for what another left behind; the authority above all, which has been seen to
deadlock. The operator runs as its users' pods do: its flags are the defaults, but for where loopback needs others.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from e2e.bench import cpus, usage
from e2e.bench.audit import OPERATOR, AuditLog
from e2e.bench.authorities import Authority
from e2e.controlplane import ControlPlane
from e2e.installation import install
from e2e.operator_process import OperatorProcess
from e2e.tenant import API, Object, Tenant

NAMESPACE = "bench"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Everything of one stage, running."""

    tenant: Tenant
    authority: Authority
    operator: OperatorProcess
    audit: AuditLog

    @property
    def pids(self) -> dict[str, int]:
        """The processes whose CPU time is told."""
        return {
            "operator": self.operator.pid,
            "apiserver": self.tenant.control_plane.apiserver_pid,
            "etcd": self.tenant.control_plane.etcd_pid,
            **{name: server.pid for name, server in self.authority.servers.items()},
        }

    def cpu(self) -> dict[str, float]:
        return usage.cpu_seconds(self.pids)

    def add_issuer(self) -> None:
        """Apply the authority's issuer, or issuers, and wait until each is Ready."""
        objects = self.authority.issuer()
        self.tenant.apply(*objects)
        for one in objects:
            if one["apiVersion"] == API:
                self.tenant.wait_condition(one["kind"], one["metadata"]["name"], reason="Ready")

    def certificate(self, name: str) -> Object:
        """From that issuer, or from the one that the name decides on."""
        issuer = self.authority.issuer_for(name)
        reference = {"name": issuer["metadata"]["name"], "kind": issuer["kind"]}
        return self.tenant.certificate(name, f"{name}.example.test", issuerRef=reference)


class Stage:
    """Builds a `Place` up and takes it down."""

    def __init__(self, authority: Authority, say: Say) -> None:
        self._authority = authority
        self._say = say
        self._stack = ExitStack()

    def __enter__(self) -> Place:
        with ExitStack() as stack:
            place = self._build(stack)
            self._stack = stack.pop_all()
            return place

    def _build(self, stack: ExitStack) -> Place:
        self._say("starting control plane, authority and operator")
        is_loop_measured = self._authority.aims.loop_lag_seconds is not None
        if is_loop_measured:
            stack.enter_context(cpus.all_but_one())
        control_plane = stack.enter_context(ControlPlane(audit_users=(OPERATOR,)))
        stack.enter_context(self._authority)
        kubeconfig = install(control_plane)
        control_plane.kubectl("create", "namespace", NAMESPACE)
        tenant = Tenant(control_plane=control_plane, kubeconfig=kubeconfig, namespace=NAMESPACE)
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="certwright-bench-"))
        operator = OperatorProcess(kubeconfig, directory=Path(directory), **self._authority.operator_options)
        stack.enter_context(operator)
        if is_loop_measured:
            cpus.give_the_one(operator.pid)
        return Place(tenant, self._authority, operator, AuditLog(control_plane.audit_log))

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
