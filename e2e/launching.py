"""Operators that one test starts for itself: behind a gate, with flags of its own, or several at once."""

import json
from collections.abc import Sequence
from pathlib import Path

from e2e.gate import Gate
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9


class Launcher:
    """Starts operators, and ends all of them on ``close``."""

    def __init__(self, kubeconfig: Path, bind9: Bind9, directory: Path) -> None:
        self._kubeconfig = kubeconfig
        self._bind9 = bind9
        self._directory = directory
        self._started: list[OperatorProcess] = []

    def __call__(
        self,
        gate: Gate | None = None,
        *,
        elects: bool = False,
        flags: Sequence[str] = (),
        http01_port: int | None = None,
        self_check_port: int = 80,
    ) -> OperatorProcess:
        """One more, which is ready.

        Who was killed holds the Lease for fifteen seconds more: only a test of the election wants to wait for that.
        """
        directory = self._directory / f"operator-{len(self._started)}"
        directory.mkdir()
        process = OperatorProcess(
            self._kubeconfig if gate is None else _through(gate, self._kubeconfig, directory),
            directory=directory,
            nameserver=self._bind9.url,
            http01_port=http01_port,
            self_check_port=self_check_port,
            flags=[*([] if elects else ["--no-leader-election"]), *flags],
        )
        self._started.append(process)
        return process.start()

    def close(self) -> None:
        for process in self._started:
            process.close()


def _through(gate: Gate, kubeconfig: Path, directory: Path) -> Path:
    """The same credentials, another address."""
    content = json.loads(kubeconfig.read_text())
    content["clusters"][0]["cluster"] = {"server": gate.url}
    path = directory / "through-the-gate.kubeconfig"
    path.write_text(json.dumps(content))
    return path
