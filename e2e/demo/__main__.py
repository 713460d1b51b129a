"""``python -m e2e.demo``, which is ``make demo``: brings everything up, tells its story, takes everything down.

Without a protocol it is the tour of all four, else the story of that one.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

from e2e.demo import ending, interruption, launching
from e2e.demo.acme import ACME, Proof
from e2e.demo.authority import Authority
from e2e.demo.cluster import Cluster, EmbeddedCluster
from e2e.demo.cmp import CMP
from e2e.demo.est import EST
from e2e.demo.named_cluster import NamedCluster
from e2e.demo.scep import SCEP
from e2e.demo.screen import Screen
from e2e.demo.story import Story
from e2e.demo.terminal import Terminal
from e2e.demo.tour import Tour
from e2e.demo.watching import Watch
from e2e.operator_process import OperatorProcess
from e2e.processes import ProcessGroup

_INTERRUPTED = 130
_VERDICTS = {0: "all of it worked", 1: "it did not work (see above)", _INTERRUPTED: "interrupted"}


class _Protocol(StrEnum):
    """What the authority speaks."""

    ACME = "acme"
    EST = "est"
    SCEP = "scep"
    CMP = "cmp"


@dataclass(frozen=True, slots=True)
class _Options:
    """``protocol``: None for all of them at once."""

    keep: bool
    context: str | None
    protocol: _Protocol | None
    proof: Proof

    def authorities(self) -> Sequence[Authority]:
        chosen = [self.protocol] if self.protocol else list(_Protocol)
        return [self._authority(protocol) for protocol in chosen]

    def _authority(self, protocol: _Protocol) -> Authority:
        match protocol:
            case _Protocol.ACME:
                return ACME(self.proof)
            case _Protocol.EST:
                return EST()
            case _Protocol.SCEP:
                return SCEP()
            case _Protocol.CMP:
                return CMP()
            case _ as never:
                assert_never(never)


class _Demo:
    """One run; everything that it starts is registered in the stack before it can be in the way."""

    def __init__(self, options: _Options, screen: Screen, stack: ExitStack) -> None:
        self._options = options
        self._screen = screen
        self._stack = stack
        self._authorities = options.authorities()
        self.operator: OperatorProcess | None = None

    def run(self) -> None:
        directory = self._directory()
        self._introduce()
        cluster = self._cluster(directory)
        self._stack.callback(cluster.stop)
        with launching.in_background(self._authorities, self._screen, self._stack) as started:
            cluster.start()
            kubeconfig = cluster.install()
            authorities = started()
        operator = self._operator(cluster, kubeconfig, authorities, directory)
        terminal = Terminal(self._screen, cluster, Watch(cluster, operator, self._screen))
        self._telling(terminal, authorities).tell()
        if self._options.keep:
            self._stay(cluster, operator)
        else:
            is_tour = self._options.protocol is None
            ending.commands(self._screen, cluster, operator, is_tour=is_tour, again=self._again(cluster))

    def _telling(self, terminal: Terminal, authorities: Sequence[Authority]) -> Tour | Story:
        if self._options.protocol is None:
            by_protocol = {authority.protocol: authority for authority in authorities}
            return Tour(terminal=terminal, authorities=by_protocol, clock=_now)
        (authority,) = authorities
        return Story(terminal=terminal, authority=authority, clock=_now)

    def _again(self, cluster: Cluster) -> str:
        protocol = self._options.protocol
        chosen = f" PROTOCOL={protocol}" if protocol else ""
        return f"make demo KEEP=1{chosen}{cluster.make_variables}"

    def _introduce(self) -> None:
        where = f"your cluster {self._options.context}" if self._options.context else "an empty Kubernetes"
        self._screen.prose("certwright demo", "bold")
        self._screen.prose(
            f"From {where} to TLS Secrets, which {self._issuing}. "
            "All servers listen on 127.0.0.1 only, and nothing is left of them at the end. The files in "
            "examples/ are applied with the addresses of these servers filled in. On the left: seconds since the start."
        )
        if not all(authority.is_cached() for authority in self._authorities):
            self._screen.prose(
                "This is the first run here: the servers are downloaded or built before, once, which takes minutes."
            )
        self._screen.heading("Starting the servers")

    @property
    def _issuing(self) -> str:
        if self._options.protocol is None:
            return "four certificate authorities on this machine issue, one for each protocol"
        (authority,) = self._authorities
        return f"{authority.described} certificate authority on this machine issues"

    def _directory(self) -> Path:
        """Vanishes with us, also after kill -9."""
        group = ProcessGroup(Path(tempfile.mkdtemp(prefix="certwright-demo-")), remove=True)
        self._stack.callback(group.close)
        # An interrupted build of the first run would leave hundreds of megabytes in the system's place.
        os.environ["GOTMPDIR"] = str(group.directory)
        return group.directory

    def _cluster(self, directory: Path) -> Cluster:
        if self._options.context:
            return NamedCluster(self._options.context, directory, self._screen)
        return EmbeddedCluster(self._screen)

    def _operator(
        self, cluster: Cluster, kubeconfig: Path, authorities: Sequence[Authority], directory: Path
    ) -> OperatorProcess:
        options: dict[str, Any] = {}
        for authority in authorities:
            options |= authority.operator_options
        flags = (*options.pop("flags", ()), *cluster.operator_flags)
        self.operator = OperatorProcess(
            kubeconfig,
            directory=directory,
            flags=flags,
            # The Kubernetes client writes the cluster's CA there, and nobody removes it when the operator is killed.
            environment={"TMPDIR": str(directory)},
            **options,
        )
        self._stack.callback(self.operator.close)
        with self._screen.doing("starting the operator"):
            self.operator.start()
        self._stack.callback(cluster.withdraw)
        self._screen.happened("operator: certwright, with the rights of its generated role and no other")
        return self.operator

    def _stay(self, cluster: Cluster, operator: OperatorProcess) -> None:
        """Until somebody has seen enough, which is no failure."""
        with contextlib.suppress(KeyboardInterrupt):
            ending.commands(self._screen, cluster, operator, is_tour=self._options.protocol is None)
            while operator.returncode is None:
                time.sleep(1)
            raise RuntimeError(f"the operator ended with code {operator.returncode}")


def _now() -> datetime:
    return datetime.now(UTC)


def _run(options: _Options, screen: Screen) -> int:
    with ExitStack() as stack:
        demo = _Demo(options, screen, stack)
        try:
            demo.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the person sees it with the operator's log
            ending.failure(screen, error, demo.operator)
            return 1
        finally:
            interruption.ignore()
            screen.heading("Stopping the servers")
    return 0


def main() -> int:
    """The exit code: 0 if all of it worked."""
    options = _parsed(sys.argv[1:])
    screen = Screen()
    interruption.catch()
    try:
        code = _run(options, screen)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - what could not be removed must be told, too
        ending.failure(screen, error, None)
        return 1
    screen.happened(f"{_VERDICTS[code]}, {screen.elapsed:.1f} s in total; nothing is left running")
    return code


def _parsed(arguments: list[str]) -> _Options:
    parser = argparse.ArgumentParser(prog="python -m e2e.demo", description="From nothing to a certificate.")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--context", metavar="NAME", help="use the cluster of this context of your kubeconfig")
    parser.add_argument(
        "--protocol",
        choices=[str(protocol) for protocol in _Protocol],
        help="tell of this one only, closer (all four at once)",
    )
    parser.add_argument(
        "--proof", type=Proof, choices=list(Proof), default=Proof.AUTO, help="over ACME: how names are proved"
    )
    parsed = parser.parse_args(arguments)
    protocol = _Protocol(parsed.protocol) if parsed.protocol else None
    return _Options(parsed.keep, parsed.context, protocol, parsed.proof)


if __name__ == "__main__":
    sys.exit(main())
