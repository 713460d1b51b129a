"""The layer with the operator: the locked packages, without what it never imports, compiled once for all starts."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from image.debian import PYTHON

HOME = "opt/certwright"
"""Where the packages stand, without a leading slash."""

KEPT_MODELS = ("__init__.py", "v1_managed_fields_entry.py", "v1_object_meta.py", "v1_owner_reference.py")
"""What Kubernetes' client loads of the kinds that it knows; the operator has types of its own."""

NEVER_IMPORTED = (
    "bin",
    "kubernetes/client/api/*_api.py",
    "kubernetes/aio/client/api/*_api.py",
    "kubernetes/docs",
    "kubernetes/aio/docs",
    "kubernetes/e2e_test",
    "kubernetes/test",
    "kubernetes/aio/test",
    "kubernetes/aio/e2e_test",
    "pygments/lexers/[a-z]*.py",
    "pygments/formatters/[a-z]*.py",
    "pygments/styles/[a-z]*.py",
    "**/tests",
    "**/*.pyi",
    "**/*.c",
    "**/*.h",
    "**/*.pyx",
    "**/*.pxd",
)
"""Patterns of files that go. An end-to-end test runs the operator from what is left."""

NEEDED = ("pygments/lexers/python.py", "pygments/styles/default.py", "pygments/styles/_mapping.py")
"""Exceptions from these: what rich takes to colour a traceback."""


def install(root: Path, project: Path) -> None:
    """Put the project and what it depends on into ``root``, in the versions of constraints.txt."""
    target = root / HOME
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
            *("--target", str(target), "--only-binary", ":all:", "--no-binary", "certwright"),
            *("--constraint", str(project / "constraints.txt"), str(project)),
        ],
        check=True,
    )
    prune(target)


def prune(target: Path) -> None:
    """Take away what is never imported."""
    needed = {target / name for name in NEEDED}
    for path in (*_unused(target), *_unused_models(target)):
        if path not in needed:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for record in target.glob("*.dist-info/direct_url.json"):
        record.unlink()  # It would tell where on this machine the project stands.
    for record in target.glob("*.dist-info/RECORD"):
        record.unlink()  # It lists the files that have gone, in an order of its own.


def _unused(target: Path) -> Iterator[Path]:
    for pattern in NEVER_IMPORTED:
        yield from sorted(target.glob(pattern))


def _unused_models(target: Path) -> Iterator[Path]:
    for folder in ("kubernetes/client/models", "kubernetes/aio/client/models"):
        yield from (path for path in sorted((target / folder).glob("*.py")) if path.name not in KEPT_MODELS)


def compile_all(folder: Path, root: Path, *, base: Path) -> None:
    """Compile a folder under ``root`` with the image's own Python: the root file system will be read-only.

    Nothing but its name binds a compiled file to its source, and the order of sets is fixed: so no two builds differ.
    """
    command = [
        *_python(base),
        *("-B", "-s", "-P", "-m", "compileall", "-f", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(root), "-p", "/", str(folder)),
    ]
    subprocess.run(command, check=True)


def _python(base: Path) -> tuple[str, ...]:
    """The image's interpreter, run here: with its own loader and libraries, whatever this machine has."""
    loader = base / "usr/lib64/ld-linux-x86-64.so.2"
    if not loader.exists():
        loader = next((base / "usr/lib").glob("*/ld-linux-*.so.*"))
    libraries = ":".join(str(path) for path in sorted((base / "usr/lib").glob("*-linux-gnu")))
    environment = ("env", "PYTHONHASHSEED=0", f"PYTHONHOME={base / 'usr'}")
    return (*environment, str(loader), "--library-path", libraries, str(base / "usr/bin" / PYTHON))


def distributions(root: Path) -> list[Distribution]:
    """The Python packages in the layer, by name."""
    found = (PathDistribution(path) for path in sorted((root / HOME).glob("*.dist-info")))
    return sorted(found, key=lambda each: each.name.lower())
