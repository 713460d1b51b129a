"""Our end of the supervisor: start commands, look at them, and be sure that they end.

Used by the control plane, by every peer and by Go builds.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_LOG_TAIL_LINES = 15


class ProcessError(RuntimeError):
    """A command could not be started, or ended when it should have kept running; the message holds its last lines."""


class ProcessGroup:
    """Commands that run until ``close``, or until this program ends in whatever way.

    Their output goes to ``<directory>/<name>.log``. With ``remove`` the directory vanishes with the last of them,
    also after a kill -9 of this program.
    """

    def __init__(self, directory: Path, *, remove: bool = False) -> None:
        self.directory = directory
        self._pids: dict[str, int] = {}
        arguments = [str(directory)] if remove else []
        self.supervisor = subprocess.Popen(
            # Isolated and without site packages: it starts in 20 ms and no environment variable can change it.
            [sys.executable, "-I", "-S", str(_SUPERVISOR), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> int:
        """Start a command under a name of its own and answer its process ID; ``env`` is added to ours."""
        answer = self._ask(
            {
                "start": name,
                "argv": [str(argument) for argument in argv],
                "env": dict(os.environ) | dict(env or {}),
                "cwd": str(cwd or self.directory),
                "log": str(self.log(name)),
            },
        )
        self._pids[name] = int(answer["pid"])
        return self._pids[name]

    def pid(self, name: str) -> int:
        return self._pids[name]

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def returncode(self, name: str) -> int | None:
        """None while it runs; negative for a signal, as in ``subprocess``."""
        code = self._ask({"poll": name})["returncode"]
        return None if code is None else int(code)

    def check(self) -> None:
        """Raise ``ProcessError`` if one of the commands has ended."""
        for name in self._pids:
            code = self.returncode(name)
            if code is not None:
                raise ProcessError(f"{name} ended with code {code}; the last lines of its log:\n{self.log_tail(name)}")

    def log_tail(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    def kill(self, name: str) -> None:
        """End one command and everything that it started, at once; its name is free again."""
        self._ask({"kill": name})
        del self._pids[name]

    def close(self) -> None:
        """End all of them and wait until they are gone; calling it again does no harm."""
        with contextlib.suppress(BrokenPipeError):
            self._pipes[0].close()
        self.supervisor.wait()
        self._pipes[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _pipes(self) -> tuple[Any, Any]:
        assert self.supervisor.stdin is not None
        assert self.supervisor.stdout is not None
        return self.supervisor.stdin, self.supervisor.stdout

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        requests, answers = self._pipes
        requests.write(json.dumps(request).encode() + b"\n")
        requests.flush()
        answer: dict[str, Any] = json.loads(answers.readline())
        if "error" in answer:
            raise ProcessError(answer["error"])
        return answer
