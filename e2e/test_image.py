"""The image as a node would run it, but for the node: its root file system, its user, and nothing else of this machine.

``e2e/node`` runs it in a Pod. Here it is seen that two builds are one, and that nothing was left out that is needed.
"""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from e2e import issuers
from e2e.operator_process import OperatorProcess
from e2e.peers import PeerUnavailableError
from e2e.peers.cmp import CMPServer
from e2e.peers.est import ScriptedESTServer
from e2e.peers.scep import SCEPServer
from e2e.tenant import Tenant
from image.__main__ import PROJECT, RUN, build
from image.application import HOME
from image.archive import Image
from image.debian import USER, NoDebianError

LARGEST = 130 * 2**20
PASSWORD = "image-pass-0001"


@dataclass(frozen=True, kw_only=True)
class Built:
    """The image, and its file system as a node unpacks it."""

    image: Image
    root: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    scratch = tmp_path_factory.mktemp("image")
    try:
        image, _ = build(scratch)
    except NoDebianError as error:
        raise PeerUnavailableError(str(error)) from error
    root = scratch / "root"
    for layer in image.layers:
        with tarfile.open(fileobj=BytesIO(layer.blob.content)) as packed:
            packed.extractall(root, filter="fully_trusted")  # noqa: S202 - we have just packed it
    yield Built(image=image, root=root)
    shutil.rmtree(scratch)


@pytest.fixture(scope="module")
def as_root() -> None:
    if os.getuid() != 0:
        raise PeerUnavailableError("only root may change into another root file system")


def inside(built: Built) -> list[str]:
    """What runs a program as the image's user, with nothing but the image around it."""
    chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert chroot is not None
    return [chroot, f"--userspec={USER}:{USER}", str(built.root)]


def test_two_builds_are_the_same_bytes(built: Built, tmp_path: Path) -> None:
    again, _ = build(tmp_path)
    assert again.digest == built.image.digest


def test_it_is_small_and_has_no_shell(built: Built) -> None:
    assert built.image.unpacked_size < LARGEST
    programs = {path.name for folder in ("usr/bin", "usr/sbin") for path in (built.root / folder).glob("*")}
    assert programs == {"python3", "python3.11"}


def test_nothing_in_it_tells_of_the_machine_that_made_it(built: Built) -> None:
    here = str(Path(__file__).parent.parent).encode()
    told = [path for path in (built.root / HOME).rglob("*") if path.is_file() and here in path.read_bytes()]
    assert told == []


def test_the_dockerfile_says_the_same() -> None:
    """Nobody here can run it; that it copies the same file system is all that it does."""
    text = (PROJECT / "operator/Dockerfile").read_text().replace(" \\\n", " ")
    _, _, last = text.rpartition("FROM scratch\n")
    said = [line.partition(" ") for line in last.splitlines()]
    by_word = {word: value for word, _, value in said}
    assert by_word["ENV"].split() == RUN["Env"]
    assert json.loads(by_word["ENTRYPOINT"]) == RUN["Entrypoint"]
    assert json.loads(by_word["CMD"]) == RUN["Cmd"]
    assert (by_word["USER"], by_word["WORKDIR"]) == (RUN["User"], RUN["WorkingDir"])
    assert set(by_word["EXPOSE"].split()) == set(RUN["ExposedPorts"])


@pytest.mark.usefixtures("as_root")
def test_the_operator_in_it_enrols(built: Built, tenant: Tenant, tmp_path: Path) -> None:
    """Everything that the four protocols and a keystore import is still there."""
    shutil.copy(tenant.kubeconfig, built.root / "tmp/kubeconfig")
    os.chown(built.root / "tmp/kubeconfig", USER, USER)
    # What a node puts into every container.
    (built.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    environment = dict(entry.split("=", 1) for entry in RUN["Env"])
    operator = OperatorProcess(
        Path("/tmp/kubeconfig"),  # noqa: S108 - the image's own
        directory=tmp_path,
        flags=["--no-leader-election"],
        environment={**environment, "TMPDIR": "/tmp"},  # noqa: S108 - as above
        program=(*inside(built), *RUN["Entrypoint"]),
    )
    with (
        closing(operator),
        ScriptedESTServer(username="device", password=PASSWORD) as est,
        SCEPServer(challenge=PASSWORD) as scep,
        CMPServer(request_template=b"") as cmp,
    ):
        operator.start()
        tenant.apply(
            *issuers.est_issuer("est", est, username="device", password=PASSWORD),
            *issuers.scep_issuer("scep", scep, challenge=PASSWORD),
            *issuers.cmp_issuer("cmp", cmp),
            *(tenant.certificate(name, issuer=name) for name in ("est", "scep", "cmp")),
        )
        for name in ("est", "scep", "cmp"):
            tenant.wait_ready(name)
        assert "Traceback" not in operator.tail(1000)
        assert operator.stop() == 0


@pytest.mark.usefixtures("as_root")
def test_every_module_of_the_operator_can_be_imported_in_it(built: Built) -> None:
    modules = sorted(
        ".".join(path.relative_to(built.root / HOME).with_suffix("").parts)
        for path in (built.root / HOME / "certwright").rglob("*.py")
        if path.name != "__init__.py"
    )
    code = f"import importlib; [importlib.import_module(name) for name in {modules!r}]"
    environment = dict(entry.split("=", 1) for entry in RUN["Env"])
    program = [*inside(built), "/usr/bin/python3", "-P", "-c", code]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
