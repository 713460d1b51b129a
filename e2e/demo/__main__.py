"""``python -m e2e.demo``, which is ``make demo``: brings everything up, tells the story, takes everything down."""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from e2e.demo import ending, interruption
from e2e.demo.acme import ACME, Proof
from e2e.demo.authority import Authority
from e2e.demo.cluster import Cluster, EmbeddedCluster
from e2e.demo.cmp import CMP
from e2e.demo.est import EST
from e2e.demo.named_cluster import NamedCluster
from e2e.demo.scep import SCEP
from e2e.demo.screen import Screen
from e2e.demo.story import Story
from e2e.demo.watching import Watch
from e2e.operator_process import OperatorProcess
from e2e.processes import ProcessGroup

_INTERRUPTED = 130
_VERDICTS = {0: "all of it worked", 1: "it did not work (see above)", _INTERRUPTED: "interrupted"}


class _Protocol(StrEnum):
    """What the authority speaks."""

    ACME = "acme"
    EST = "est"
    CMP = "cmp"
    SCEP = "scep"


@dataclass(frozen=True, slots=True)
class _Options:
    keep: bool
    context: str | None
    protocol: _Protocol
    proof: Proof

    def authority(self) -> Authority:
        match self.protocol:
            case _Protocol.ACME:
                return ACME(self.proof)
            case _Protocol.EST:
                return EST()
            case _Protocol.CMP:
                return CMP()
            case _Protocol.SCEP:
                return SCEP()
            case _ as never:
                assert_never(never)


class _Demo:
    """One run; everything that it starts is registered in the stack before it can be in the way."""

    def __init__(self, options: _Options, screen: Screen, stack: ExitStack) -> None:
        self._options = options
        self._screen = screen
        self._stack = stack
        self._authority = options.authority()
        self.operator: OperatorProcess | None = None

    def run(self) -> None:
        directory = self._directory()
        self._introduce()
        cluster = self._cluster(directory)
        self._stack.callback(cluster.stop)
        cluster.start()
        self._authority.start(self._stack, self._screen)
        operator = self._operator(cluster, directory)
        Story(
            screen=self._screen,
            cluster=cluster,
            authority=self._authority,
            watch=Watch(cluster, operator, self._screen),
            clock=lambda: datetime.now(UTC),
        ).tell()
        if self._options.keep:
            self._stay(cluster, operator)
        else:
            ending.commands(self._screen, cluster, operator, again=self._again(cluster))

    def _again(self, cluster: Cluster) -> str:
        protocol = self._options.protocol
        chosen = "" if protocol is _Protocol.ACME else f" PROTOCOL={protocol}"
        return f"make demo KEEP=1{chosen}{cluster.make_variables}"

    def _introduce(self) -> None:
        where = f"your cluster {self._options.context}" if self._options.context else "an empty Kubernetes"
        self._screen.prose("certwright demo", "bold")
        self._screen.prose(
            f"From {where} to TLS Secrets, which {self._authority.described} certificate authority on this machine "
            "issues. All servers listen on 127.0.0.1 only, and nothing is left of them at the end. The files in "
            "examples/ are applied with the addresses of these servers filled in. On the left: seconds since the start."
        )
        if not self._authority.is_cached():
            self._screen.prose(
                "This is the first run here: the servers are downloaded or built before, once, which takes minutes."
            )
        self._screen.heading("Starting the servers")

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

    def _operator(self, cluster: Cluster, directory: Path) -> OperatorProcess:
        kubeconfig = cluster.install()
        options = dict(self._authority.operator_options)
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
            ending.commands(self._screen, cluster, operator)
            while operator.returncode is None:
                time.sleep(1)
            raise RuntimeError(f"the operator ended with code {operator.returncode}")


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
        default=str(_Protocol.ACME),
        help="what the authority speaks (acme)",
    )
    parser.add_argument(
        "--proof", type=Proof, choices=list(Proof), default=Proof.AUTO, help="over ACME: how names are proved"
    )
    parsed = parser.parse_args(arguments)
    return _Options(parsed.keep, parsed.context, _Protocol(parsed.protocol), parsed.proof)


if __name__ == "__main__":
    sys.exit(main())
