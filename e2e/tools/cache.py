"""The cache of programs: ``~/.cache/certwright/<name>/<version>/<name>``.

A program appears there by one rename when it is complete, so a killed build or download leaves nothing half.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.tools.progress import say


def location(name: str, version: str) -> Path:
    return _root() / name / version / name


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process at a time makes a tool; the lock ends with its holder, however that dies."""
    _root().mkdir(parents=True, exist_ok=True)
    with (_root() / f".{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is getting {name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def landing(target: Path) -> Iterator[Path]:
    """An empty directory on the file system of the cache; call it while ``locked``.

    Its name is fixed, so what a killed run left there is cleared away by the next one.
    """
    directory = _root() / f".{target.name}.partial"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def land(program: Path, target: Path) -> Path:
    program.chmod(0o755)
    target.parent.mkdir(parents=True, exist_ok=True)
    program.replace(target)
    return target


def _root() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certwright"
