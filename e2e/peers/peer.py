"""The interface of every peer, and the part of starting one that is the same for all."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from e2e.processes import ProcessGroup, wait_until
from e2e.tools import Tool, UnavailableError, find

_START_WITHIN = timedelta(seconds=20)


class PeerUnavailableError(RuntimeError):
    """This machine cannot run the peer; the message says what is missing. Tests skip on it, with CI=true they fail."""


class Peer(ABC):
    """One server in a temporary directory on loopback, which ends with this program at the latest.

    Its ports and keys are chosen once, so a stopped peer that is started again has the same ``url``.
    """

    tool: ClassVar[Tool]

    @property
    @abstractmethod
    def url(self) -> str:
        """What a client is configured with."""

    @property
    @abstractmethod
    def trust_anchor(self) -> str | None:
        """The CA certificate (PEM) of the server's own TLS endpoint; None where it has none."""

    @abstractmethod
    def _command(self, program: Path, directory: Path) -> list[str]:
        """Write the configuration into the directory and answer the command line."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server serves yet."""

    def _environment(self) -> Mapping[str, str]:
        return {}

    def start(self) -> Self:
        """Return when the server answers."""
        try:
            program = find(self.tool)
        except UnavailableError as reason:
            raise PeerUnavailableError(str(reason)) from reason
        directory = Path(tempfile.mkdtemp(prefix=f"certwright-{self.tool.name}-"))
        self._processes = ProcessGroup(directory, remove=True)
        try:
            self._processes.start(self.tool.name, self._command(program, directory), env=self._environment())
            wait_until(self._ready, f"{self.tool.name} answers", within=_START_WITHIN)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the server at once; what it remembered is gone."""
        self._processes.close()

    @property
    def pid(self) -> int:
        """For the CPU time of the bench, and for tests that halt the server with SIGSTOP."""
        return self._processes.pid(self.tool.name)

    @property
    def log(self) -> Path:
        """What the server printed so far."""
        return self._processes.log(self.tool.name)

    def _ready(self) -> bool:
        self._processes.check()
        return self._answers()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()
