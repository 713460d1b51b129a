"""``make image``: the archive, its bill of materials, and in a line what came out."""

import argparse
import platform
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from image.application import HOME, compile_all, distributions, install
from image.archive import Image, image, packed
from image.bill import bill_of_materials
from image.debian import PYTHON, USER, NoDebianError, Package, unpack

PROJECT = Path(__file__).parent.parent
VERSION: str = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LABELS = {
    "org.opencontainers.image.title": "certwright",
    "org.opencontainers.image.version": VERSION,
    "org.opencontainers.image.licenses": "Apache-2.0",
}
RUN = {
    "Entrypoint": ["/usr/bin/python3", "-P", "-m", "certwright.cli.main"],
    "Cmd": ["run"],
    "User": f"{USER}:{USER}",
    "WorkingDir": "/home/nonroot",
    "Env": [
        f"PYTHONPATH=/{HOME}",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONUNBUFFERED=1",
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
        "PATH=/usr/bin",
    ],
    "ExposedPorts": {"8089/tcp": {}, "9402/tcp": {}},
    "StopSignal": "SIGTERM",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the image; 1 with a line of why where it cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    parser.add_argument("--output", type=Path, default=PROJECT / "build", help="folder of the archive")
    parser.add_argument("--tree", type=Path, help="write the file system into this folder instead, as Docker wants it")
    parser.add_argument("--name", default=f"certwright:{VERSION}", help="name and tag in the archive")
    wanted = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="certwright-image-") as scratch:
            if wanted.tree is None:
                return _make(Path(scratch), wanted.output, wanted.name)
            for layer in layers(Path(scratch))[0]:
                shutil.copytree(layer, wanted.tree, symlinks=True, dirs_exist_ok=True)
            return 0
    except NoDebianError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1


def _make(scratch: Path, output: Path, name: str) -> int:
    made, packages = build(scratch)
    output.mkdir(parents=True, exist_ok=True)
    archive, bill = output / f"certwright-{VERSION}.oci.tar", output / f"certwright-{VERSION}.cdx.json"
    _say(f"writing {archive} ...")
    made.write(archive, name=name)
    bill.write_text(
        bill_of_materials(made.digest, VERSION, packages, distributions(scratch / "application")), encoding="utf-8"
    )
    mebibytes = made.unpacked_size / 2**20
    _say(f"{name}: {made.digest}, {mebibytes:.0f} MiB unpacked; {bill.name} lists what is in it")
    return 0


def build(scratch: Path) -> tuple[Image, list[Package]]:
    """The image, and the packages of Debian in it; ``scratch`` holds both file systems afterwards."""
    folders, packages = layers(scratch)
    _say("packing ...")
    architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
    return image(map(packed, folders), run=RUN, labels=LABELS, architecture=architecture), packages


def layers(scratch: Path) -> tuple[tuple[Path, Path], list[Package]]:
    """The two file systems, Python's and the operator's, and the packages of Debian in the first."""
    base, application = scratch / "base", scratch / "application"
    base.mkdir()
    application.mkdir()
    _say("unpacking Python from Debian's packages ...")
    packages = unpack(base, downloads=scratch / "downloads")
    compile_all(base / "usr/lib" / PYTHON, base, base=base)
    _say("installing the operator and what it depends on ...")
    install(application, PROJECT)
    compile_all(application / HOME, application, base=base)
    return (base, application), packages


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
