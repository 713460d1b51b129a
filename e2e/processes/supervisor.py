"""The process between us and our servers: it ends them when we end, also when we are killed with signal 9.

Run as a script by ``group.ProcessGroup`` with the standard library only. It reads one JSON request per line and
answers each with one line. The end of its input means that the parent is gone: it kills every process group that it
started and removes the directory it was given.

A parent-death signal alone would not do: it fires when the *thread* that forked ends, and macOS has none.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PARENT_CHECK_SECONDS = 0.5


def _last_will() -> Callable[[], None] | None:
    """On Linux the servers also end when this supervisor itself is killed; it has one thread, so that is safe."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def die_with_supervisor() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return die_with_supervisor


class _Servers:
    """The running commands by name."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._before_exec = _last_will()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        match request:
            case {"start": str(name), "argv": list(argv), "env": dict(env), "cwd": str(cwd), "log": str(log)}:
                return self._start(name, argv, env=env, cwd=cwd, log=log)
            case {"poll": str(name)}:
                return {"returncode": self._running[name].poll()}
            case {"kill": str(name)}:
                return {"returncode": self._kill(self._running[name])}
            case _:
                return {"error": f"unknown request {sorted(request)}"}

    def _start(self, name: str, argv: list[str], *, env: dict[str, str], cwd: str, log: str) -> dict[str, Any]:
        try:
            with Path(log).open("ab") as output:
                process = subprocess.Popen(
                    argv,
                    env=env,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=self._before_exec,  # noqa: PLW1509  this program has one thread
                )
        except OSError as error:
            return {"error": str(error)}
        self._running[name] = process
        return {"pid": process.pid}

    def kill_all(self) -> None:
        for process in reversed(self._running.values()):
            self._kill(process)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> int:
        # The group may be gone already; macOS says PermissionError for one that holds nothing but zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def _serve(servers: _Servers) -> None:
    parent = os.getppid()
    pending = b""
    while os.getppid() == parent:
        # The parent check covers a child of the parent that still holds the other end of our pipe open.
        if not select.select([0], [], [], _PARENT_CHECK_SECONDS)[0]:
            continue
        received = os.read(0, 65536)
        if not received:
            return
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            os.write(1, json.dumps(servers.answer(json.loads(line))).encode() + b"\n")


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit


def main() -> None:
    # Ctrl-C and a closed terminal are for the parent: it may still want to read logs before it lets go of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    servers = _Servers()
    try:
        with contextlib.suppress(BrokenPipeError):  # the parent may end between its request and our answer
            _serve(servers)
    finally:
        servers.kill_all()
        for directory in sys.argv[1:]:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
