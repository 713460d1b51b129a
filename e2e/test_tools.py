"""Where foreign programs come from: installed, cached, downloaded with a checksum, or built; never half a file."""

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from e2e.processes import free_ports
from e2e.tools import Tool, UnavailableError, find
from e2e.tools.download import ChecksumBeside, Download, ReleaseIndex, machine
from e2e.tools.golang import GoSource
from e2e.tools.places import DirectoryFromEnvironment

PROGRAM = b"#!/bin/sh\necho hello\n"


@dataclass
class Site:
    """A server for files, as a project publishes its releases."""

    directory: Path
    url: str

    def publish(self, name: str, content: bytes) -> str:
        (self.directory / name).write_bytes(content)
        return f"{self.url}/{name}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    directory = tmp_path / "site"
    directory.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(directory))  # type: ignore[arg-type]  # passed on as they came

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(directory, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@dataclass
class Maker:
    """A source that works, and counts."""

    calls: int = 0
    may_finish: threading.Event = field(default_factory=threading.Event)

    def fetch(self, tool: Tool, into: Path) -> None:
        self.calls += 1
        (into / tool.name).write_bytes(PROGRAM)
        assert self.may_finish.wait(timeout=10)


@dataclass
class Broken:
    """A source that leaves half a file."""

    reason: str = "the disk is full"

    def fetch(self, tool: Tool, into: Path) -> None:
        (into / tool.name).write_bytes(PROGRAM[:5])
        raise UnavailableError(self.reason)


def _ready_maker() -> Maker:
    maker = Maker()
    maker.may_finish.set()
    return maker


def _archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(f"some/folder/{name}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _beside(site: Site, content: bytes, checksums: str) -> Download:
    url = site.publish("greeter", content)
    return Download(ChecksumBeside(url, site.publish("greeter.sha256", checksums.encode())))


def test_an_installed_program_is_used_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "greeter"
    program.write_bytes(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("GREETER_ASSETS", str(tmp_path))

    assert find(Tool("greeter", "v1", installed=[DirectoryFromEnvironment("GREETER_ASSETS")])) == program


def test_the_first_source_that_works_fills_the_cache() -> None:
    maker = _ready_maker()
    tool = Tool("greeter", "v1", sources=[Broken(), maker])

    first, second = find(tool), find(tool)

    assert first == second
    assert first.read_bytes() == PROGRAM
    assert maker.calls == 1


def test_another_version_is_another_program() -> None:
    maker = _ready_maker()

    assert find(Tool("greeter", "v1", sources=[maker])) != find(Tool("greeter", "v2", sources=[maker]))


def test_another_content_of_our_own_source_is_another_version(tmp_path: Path) -> None:
    for name, content in (("main.go", "package main"), ("go.mod", "module greeter"), ("go.sum", "")):
        (tmp_path / name).write_text(content)
    source = GoSource(tmp_path)
    before = source.version

    (tmp_path / "notes.txt").write_text("no part of the program")
    unchanged = source.version
    (tmp_path / "go.sum").write_text("another sum")

    assert unchanged == before
    assert source.version != before


def test_every_reason_is_told_and_nothing_half_is_left(cache: Path) -> None:
    sources = [Broken("there is no network"), Broken("there is no go")]

    with pytest.raises(UnavailableError, match="greeter v1 cannot be had here: there is no network; there is no go"):
        find(Tool("greeter", "v1", sources=sources))

    assert [path for path in cache.rglob("*greeter*") if not path.name.endswith(".lock")] == []


def test_two_at_once_make_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    maker = Maker()
    tool = Tool("greeter", "v1", sources=[maker])
    threads = [threading.Thread(target=find, args=[tool]) for _ in range(2)]
    for thread in threads:
        thread.start()

    maker.may_finish.set()
    for thread in threads:
        thread.join()

    assert maker.calls == 1
    assert capsys.readouterr().err in {"", "waiting for another process that is getting greeter\n"}


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param("{checksum}\n", id="alone"),
        pytest.param("{checksum}  greeter\n", id="with its name"),
        pytest.param("0000  other\n{checksum} *greeter\n", id="in a list"),
    ],
)
def test_a_download_is_taken_with_its_checksum(listing: str, site: Site) -> None:
    checksum = hashlib.sha256(PROGRAM).hexdigest()

    program = find(Tool("greeter", "v1", sources=[_beside(site, PROGRAM, listing.format(checksum=checksum))]))

    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("listing", "complaint"),
    [
        pytest.param("0" * 64, "does not have the published sha256 checksum", id="another checksum"),
        pytest.param("0" * 64 + "  other", "has no checksum of greeter", id="no checksum"),
        pytest.param("0" * 32, "neither SHA-256 nor SHA-512", id="a weak checksum"),
    ],
)
def test_a_download_is_refused_with(listing: str, complaint: str, site: Site) -> None:
    with pytest.raises(UnavailableError, match=complaint):
        find(Tool("greeter", "v1", sources=[_beside(site, PROGRAM, listing)]))


def test_the_index_gives_the_newest_patch_for_this_machine(site: Site) -> None:
    archive = _archive("greeter", PROGRAM)
    name = "envtest-v1.37.1-{}-{}.tar.gz".format(*machine())
    entry = {"hash": hashlib.sha512(archive).hexdigest(), "selfLink": site.publish(name, archive)}
    releases = {
        "v1.37.0": {name.replace("37.1", "37.0"): {"hash": "00", "selfLink": "old"}},
        "v1.37.1": {name: entry, "envtest-v1.37.1-plan9-mips.tar.gz": {"hash": "00", "selfLink": "foreign"}},
        "v1.38.0": {name.replace("37.1", "38.0"): {"hash": "00", "selfLink": "new"}},
    }
    index = site.publish("index.yaml", yaml.safe_dump({"releases": releases}).encode())

    program = find(Tool("greeter", "v1.37.2", sources=[Download(ReleaseIndex(index))]))

    assert program.read_bytes() == PROGRAM


def test_an_unreachable_host_is_given_up_within_seconds() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/greeter"
    started = time.monotonic()

    with pytest.raises(UnavailableError, match="cannot be reached"):
        find(Tool("greeter", "v1", sources=[Download(ChecksumBeside(url, f"{url}.sha256"))]))

    assert time.monotonic() - started < 5
