"""The layer with Python: the few packages of Debian that it needs, unpacked, with nothing that a shell would need.

``apt-get download`` brings them from whatever the machine's own sources are, and checks their signatures. No package is
installed: no script of theirs runs, here or in the image.
"""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PYTHON = "python3.11"
PACKAGES = (
    f"{PYTHON}-minimal",
    f"lib{PYTHON}-minimal",
    f"lib{PYTHON}-stdlib",
    "ca-certificates",
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libssl3",
    "libstdc++6",
    "libuuid1",
    "zlib1g",
)
"""What the interpreter and the compiled Python packages are linked with; ``bill`` tells their versions."""

UNUSED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/gcc",
    "usr/share/gdb",
    "usr/share/binfmts",
    "usr/lib/binfmt.d",
    "usr/lib/x86_64-linux-gnu/gconv",
    f"usr/lib/{PYTHON}/lib2to3",
    f"usr/lib/{PYTHON}/pydoc_data",
    f"usr/lib/{PYTHON}/turtle.py",
    "usr/sbin",
    "etc/ca-certificates",
    "etc/ld.so.conf.d",
)
USER = 65532

_CERTIFICATES = "usr/share/ca-certificates"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_MERGED = ("bin", "sbin", "lib", "lib64")
"""Folders that are links into /usr, as Debian has it; some packages still write into them by their old names."""


class NoDebianError(RuntimeError):
    """This machine has no apt, or none with the packages wanted."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package that went in."""

    name: str
    version: str
    architecture: str


def unpack(root: Path, *, downloads: Path) -> list[Package]:
    """Make the file system; answers what is in it. Raises `NoDebianError`."""
    downloads.mkdir(parents=True, exist_ok=True)
    archives = _download(downloads)
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        _run("dpkg-deb", "--fsys-tarfile", archive, into=root)
    for name in UNUSED:
        _remove(root / name)
    _write_accounts(root)
    _write_bundle(root)
    for name in ("tmp", "run", "proc", "sys", "dev", "home/nonroot"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "usr/bin/python3").symlink_to(PYTHON)
    return sorted(_package(archive) for archive in archives)


def _download(downloads: Path) -> list[Path]:
    try:
        done = subprocess.run(
            ["apt-get", "download", "-qq", *PACKAGES], cwd=downloads, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise NoDebianError(
            "apt-get is not there: make the image on Debian 12, or build operator/Dockerfile with Docker or buildah"
        ) from error
    if done.returncode != 0:
        raise NoDebianError(
            f"apt-get cannot bring the packages of Debian 12: {done.stderr.strip()[-500:]}. Run apt-get update first,"
            " or build operator/Dockerfile with Docker or buildah"
        )
    return sorted(downloads.glob("*.deb"))


def _run(*command: str | Path, into: Path) -> None:
    """Unpack by way of tar, so that the links of merged folders are followed and stay."""
    packed = subprocess.run([*map(str, command)], capture_output=True, check=True)
    unpacking = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", f"--directory={into}"]
    subprocess.run(unpacking, input=packed.stdout, check=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _package(archive: Path) -> Package:
    fields = subprocess.run(
        ["dpkg-deb", "--show", "--showformat=${Package}\t${Version}\t${Architecture}", str(archive)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Package(*fields.stdout.split("\t"))


def _write_accounts(root: Path) -> None:
    (root / "etc").mkdir(exist_ok=True)
    lines = {
        "passwd": (
            "root:x:0:0:root:/root:/sbin/nologin",
            f"nonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin",
        ),
        "group": ("root:x:0:", f"nonroot:x:{USER}:"),
    }
    for name, entries in lines.items():
        (root / "etc" / name).write_text("\n".join(entries) + "\n")


def _write_bundle(root: Path) -> None:
    """The roots in one file, where OpenSSL looks for them; the packages' own script would need a shell."""
    bundle = root / _BUNDLE
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(_certificates(root / _CERTIFICATES)))
    shutil.rmtree(root / _CERTIFICATES)


def _certificates(folder: Path) -> Iterable[bytes]:
    for path in sorted(folder.rglob("*.crt")):
        yield path.read_bytes().strip() + b"\n"
