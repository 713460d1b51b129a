"""What one part is played on: control plane, name server, authority and operator, all fresh, and gone afterwards.

Fresh ones, so that no part pays for what another left behind; the authority above all, which has been seen to
deadlock. The operator runs as its users' pods do: its flags are the defaults, but for where loopback needs others.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from e2e.bench import usage
from e2e.bench.audit import OPERATOR, AuditLog
from e2e.controlplane import ControlPlane
from e2e.installation import install
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble
from e2e.world import Object, World

NAMESPACE = "bench"
NONCE_REJECT = 5
"""Percent of good nonces that pebble refuses: its own default. The test suite has it refuse 30."""

_ISSUER = "pebble"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Everything of one stage, running."""

    world: World
    operator: OperatorProcess
    audit: AuditLog

    @property
    def pids(self) -> dict[str, int]:
        """The processes whose CPU time is told."""
        return {
            "operator": self.operator.pid,
            "apiserver": self.world.control_plane.apiserver_pid,
            "etcd": self.world.control_plane.etcd_pid,
            "pebble": self.world.pebble.pid,
            "bind9": self.world.bind9.pid,
        }

    def cpu(self) -> dict[str, float]:
        return usage.cpu_seconds(self.pids)

    def add_issuer(self, issuer: Object) -> None:
        """Apply it and wait until it is Ready."""
        self.world.apply(issuer)
        self.world.wait_condition(issuer["kind"], issuer["metadata"]["name"], reason="Ready")

    def over_dns01(self) -> Object:
        """An Issuer whose names are proved by RFC 2136 updates of BIND."""
        return self.world.issuer(_ISSUER)

    def over_http01(self) -> Object:
        """A ClusterIssuer, which may prove every host whose port 80 leads to the operator."""
        issuer = self.world.issuer(_ISSUER, solvers=[{"http01": {"direct": {}}}])
        return {**issuer, "kind": "ClusterIssuer"}

    def certificate(self, name: str, issuer: Object) -> Object:
        reference = {"name": issuer["metadata"]["name"], "kind": issuer["kind"]}
        return self.world.certificate(name, f"{name}.example.test", issuerRef=reference)


class Stage:
    """Builds a `Place` up and takes it down."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._stack = ExitStack()

    def __enter__(self) -> Place:
        with ExitStack() as stack:
            place = self._build(stack)
            self._stack = stack.pop_all()
            return place

    def _build(self, stack: ExitStack) -> Place:
        self._say("starting control plane, BIND, pebble and the operator")
        control_plane = stack.enter_context(ControlPlane(audit_users=(OPERATOR,)))
        bind9 = stack.enter_context(Bind9())
        pebble = stack.enter_context(Pebble(bind9.url, nonce_reject=NONCE_REJECT, authz_reuse=0))
        kubeconfig = install(control_plane)
        control_plane.kubectl("create", "namespace", NAMESPACE)
        world = World(
            control_plane=control_plane, bind9=bind9, pebble=pebble, kubeconfig=kubeconfig, namespace=NAMESPACE
        )
        world.apply(world.tsig_secret())
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="certwright-bench-"))
        operator = OperatorProcess(
            kubeconfig,
            directory=Path(directory),
            nameserver=bind9.url,
            http01_port=pebble.http_port,
            self_check_port=pebble.http_port,
        )
        stack.enter_context(operator)
        return Place(world, operator, AuditLog(control_plane.audit_log))

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
