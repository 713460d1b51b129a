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
from pathlib import Path

from e2e.demo import ending, interruption, servers
from e2e.demo.cluster import Cluster, EmbeddedCluster
from e2e.demo.named_cluster import NamedCluster
from e2e.demo.screen import Screen
from e2e.demo.servers import Proof, Servers
from e2e.demo.story import Story
from e2e.demo.watching import Watch
from e2e.operator_process import OperatorProcess
from e2e.processes import ProcessGroup

_INTERRUPTED = 130
_VERDICTS = {0: "all of it worked", 1: "it did not work (see above)", _INTERRUPTED: "interrupted"}


@dataclass(frozen=True, slots=True)
class _Options:
    keep: bool
    context: str | None
    proof: Proof


class _Demo:
    """One run; everything that it starts is registered in the stack before it can be in the way."""

    def __init__(self, options: _Options, screen: Screen, stack: ExitStack) -> None:
        self._options = options
        self._screen = screen
        self._stack = stack
        self.operator: OperatorProcess | None = None

    def run(self) -> None:
        directory = self._directory()
        self._introduce()
        cluster = self._cluster(directory)
        self._stack.callback(cluster.stop)
        cluster.start()
        around = servers.start(self._stack, self._screen, self._options.proof)
        operator = self._operator(cluster, around, directory)
        watch = Watch(cluster, operator, self._screen)
        Story(screen=self._screen, cluster=cluster, servers=around, watch=watch, clock=lambda: datetime.now(UTC)).tell()
        if self._options.keep:
            self._stay(cluster, operator)
        else:
            ending.commands(self._screen, cluster, operator, keep=False)

    def _introduce(self) -> None:
        where = f"your cluster {self._options.context}" if self._options.context else "an empty Kubernetes"
        self._screen.prose("certwright demo", "bold")
        self._screen.prose(
            f"From {where} to TLS Secrets, which an ACME certificate authority on this machine issues. All servers "
            "listen on 127.0.0.1 only, and nothing is left of them at the end. The files in examples/ are applied "
            "with the addresses of these servers filled in. On the left: seconds since the start."
        )
        if not servers.are_cached():
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

    def _operator(self, cluster: Cluster, around: Servers, directory: Path) -> OperatorProcess:
        kubeconfig = cluster.install()
        http_port = around.authority.http_port
        self.operator = OperatorProcess(
            kubeconfig,
            directory=directory,
            nameserver=around.dns,
            self_check_port=http_port,
            http01_port=http_port,
            flags=("--http01-namespaced-issuers=any", *cluster.operator_flags),
            # The Kubernetes client writes the cluster's CA there, and nobody removes it when the operator is killed.
            environment={"TMPDIR": str(directory)},
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
            ending.commands(self._screen, cluster, operator, keep=True)
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
        "--proof", type=Proof, choices=list(Proof), default=Proof.AUTO, help="how names are proved to the authority"
    )
    parsed = parser.parse_args(arguments)
    return _Options(parsed.keep, parsed.context, parsed.proof)


if __name__ == "__main__":
    sys.exit(main())
