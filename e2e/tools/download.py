"""Published programs, taken only with a checksum that fits, and given up within seconds where there is no network."""

import functools
import hashlib
import platform
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

import httpx
import yaml

from e2e.tools.progress import Progress
from e2e.tools.tool import Tool, UnavailableError

# Seconds without an answer, and for the first connection: a laptop without a network should not have to wait.
_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_ALGORITHMS = {64: "sha256", 128: "sha512"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def machine() -> tuple[str, str]:
    """The operating system and processor, spelt as Go spells them."""
    processor = platform.machine().lower()
    return platform.system().lower(), _MACHINES.get(processor, processor)


@dataclass(frozen=True, slots=True)
class Published:
    """A file on a server, and the hexadecimal SHA-256 or SHA-512 that it must have."""

    url: str
    checksum: str


class Publisher(Protocol):
    """Knows under which address a tool is published for this machine, and with which checksum."""

    def locate(self, tool: Tool) -> Published: ...


@dataclass(frozen=True, slots=True)
class ChecksumBeside:
    """A file whose checksum stands in another one: alone, or in a list of ``<checksum>  <file name>``.

    Both addresses may hold ``{version}``, ``{os}`` and ``{arch}``.
    """

    url: str
    checksums: str

    def locate(self, tool: Tool) -> Published:
        system, processor = machine()
        url, checksums = (
            text.format(version=tool.version, os=system, arch=processor) for text in (self.url, self.checksums)
        )
        name = url.rpartition("/")[2]
        for line in _get(checksums).text.splitlines():
            match line.split():
                case [checksum] | [checksum, _] if line.split()[-1].lstrip("*") in {checksum, name}:
                    return Published(url, checksum)
        raise UnavailableError(f"{checksums} has no checksum of {name}")


@dataclass(frozen=True, slots=True)
class ReleaseIndex:
    """An archive listed in envtest's index, of the tool's minor version: envtest does not publish every patch."""

    url: str

    def locate(self, tool: Tool) -> Published:
        minor = tool.version.rpartition(".")[0] + "."
        releases = yaml.safe_load(_get(self.url).text)["releases"]
        suffix = "-{}-{}.tar.gz".format(*machine())
        archives = {
            int(version.removeprefix(minor)): archive
            for version, files in releases.items()
            if version.startswith(minor) and version.removeprefix(minor).isdigit()
            for name, archive in files.items()
            if name.endswith(suffix)
        }
        if not archives:
            raise UnavailableError(f"{self.url} lists no {minor}x for this machine")
        newest = archives[max(archives)]
        return Published(newest["selfLink"], newest["hash"])


@dataclass(frozen=True, slots=True)
class GitHubAsset:
    """A release file whose checksum GitHub itself tells, for projects that publish none."""

    repository: str
    asset: str

    def locate(self, tool: Tool) -> Published:
        name = self.asset.format(os=machine()[0], arch=machine()[1])
        release = _get(f"https://api.github.com/repos/{self.repository}/releases/tags/{tool.version}").json()
        for asset in release.get("assets", []):
            if asset["name"] == name and str(asset.get("digest")).startswith("sha256:"):
                return Published(asset["browser_download_url"], asset["digest"].removeprefix("sha256:"))
        raise UnavailableError(f"{self.repository} {tool.version} publishes no {name} with a checksum")


@dataclass(frozen=True, slots=True)
class Download:
    """A published program, bare or as the file of its name in a tar archive."""

    publisher: Publisher

    def fetch(self, tool: Tool, into: Path) -> None:
        published = self.publisher.locate(tool)
        progress = Progress(f"downloading {tool.name} {tool.version}")
        file = into / "download"
        _download(published, file, progress)
        if tarfile.is_tarfile(file):
            _extract(file, tool.name, into / tool.name)
        else:
            file.replace(into / tool.name)
        progress.done()


def _download(published: Published, file: Path, progress: Progress) -> None:
    algorithm = _ALGORITHMS.get(len(published.checksum))
    if algorithm is None:
        raise UnavailableError(f"the checksum published for {published.url} is neither SHA-256 nor SHA-512")
    digest = hashlib.new(algorithm)
    try:
        with (
            httpx.stream("GET", published.url, follow_redirects=True, timeout=_TIMEOUT) as response,
            file.open("wb") as output,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes():
                output.write(chunk)
                digest.update(chunk)
                progress.tick()
    except httpx.HTTPError as error:
        raise UnavailableError(f"{published.url}: {error}") from error
    if digest.hexdigest() != published.checksum.lower():
        raise UnavailableError(f"{published.url} does not have the published {algorithm} checksum")


def _extract(archive: Path, name: str, target: Path) -> None:
    """Copy one file out of the archive; paths inside it are only compared, never written to."""
    with tarfile.open(archive) as members:
        for member in members:
            if member.isfile() and PurePosixPath(member.name).name == name:
                content = members.extractfile(member)
                assert content is not None
                with content, target.open("wb") as output:
                    shutil.copyfileobj(content, output)
                return
    raise UnavailableError(f"the archive holds no {name}")


def _get(url: str) -> httpx.Response:
    host = urlsplit(url).netloc
    if not _reachable(f"{urlsplit(url).scheme}://{host}"):
        raise UnavailableError(f"{host} cannot be reached")
    try:
        return httpx.get(url, follow_redirects=True, timeout=_TIMEOUT).raise_for_status()
    except httpx.HTTPError as error:
        raise UnavailableError(f"{url}: {error}") from error


@functools.cache
def _reachable(origin: str) -> bool:
    """Asked once per host, or every tool would wait again for a network that is not there."""
    try:
        httpx.head(origin, timeout=_TIMEOUT)
    except httpx.TransportError:
        return False
    return True
