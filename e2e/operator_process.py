"""The operator as a process of its own, beside the API server: what its users' pods run, with a role and no more."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from e2e.processes import ProcessGroup, free_ports, wait_until


class OperatorProcess:
    """`certwright run` with the flags that loopback needs.

    Its responder and probes listen on free ports of loopback; all of loopback may be reached, because the CA, the
    name server and the names themselves are there.
    """

    def __init__(
        self,
        kubeconfig: Path,
        *,
        directory: Path,
        nameserver: str = "",
        self_check_port: int = 80,
        http01_port: int | None = None,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "certwright.cli.main"),
    ) -> None:
        ports = free_ports(2)
        self.http01_port = http01_port or ports[0]
        self.metrics_port = ports[1]
        # The Kubernetes client puts the cluster's CA into a temporary file, and a killed process cannot remove it.
        self._environment = {"PYTHONUNBUFFERED": "1", "TMPDIR": str(directory), **(environment or {})}
        self._command = [
            *(*program, "run"),
            f"--kubeconfig={kubeconfig}",
            "--operator-namespace=certwright",
            f"--http01-listen=127.0.0.1:{self.http01_port}",
            f"--http01-self-check-port={self_check_port}",
            f"--metrics-listen=127.0.0.1:{self.metrics_port}",
            f"--recursive-nameservers={nameserver}",
            "--allow-cidrs=127.0.0.0/8",
            *flags,
        ]
        self._group = ProcessGroup(directory)
        self._starts = 0

    def start(self, *, wait_ready: bool = True) -> Self:
        """Start it, or start it again; returns when it is ready."""
        self._starts += 1
        self._group.start(self._name, self._command, env=self._environment)
        if wait_ready:
            self.wait_ready()
        return self

    @property
    def _name(self) -> str:
        return f"operator-{self._starts}"

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._group.pid(self._name)

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._group.returncode(self._name)

    @property
    def log(self) -> Path:
        """What this start of it said."""
        return self._group.log(self._name)

    def wait_ready(self, seconds: float = 30) -> None:
        """Until /readyz says yes; fails with the end of the log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.returncode is not None:
                raise RuntimeError(f"the operator ended with {self.returncode}:\n{self.tail()}")
            try:
                if httpx.get(f"http://127.0.0.1:{self.metrics_port}/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"the operator was not ready within {seconds:.0f} s:\n{self.tail()}")

    def metrics(self) -> str:
        """What Prometheus would read."""
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text

    def tail(self, lines: int = 30) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL, 10)

    def stop(self, seconds: float = 40) -> int:
        """End it as Kubernetes would; its exit code."""
        return self._end(signal.SIGTERM, seconds)

    def _end(self, number: signal.Signals, seconds: float) -> int:
        if self.returncode is None:
            os.kill(self.pid, number)
        wait_until(lambda: self.returncode is not None, "the end of the operator", within=timedelta(seconds=seconds))
        return self.returncode or 0

    def close(self) -> None:
        """End it, and whatever watches over it."""
        self._group.close()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
