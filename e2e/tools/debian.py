"""Programs out of Debian's packages, unpacked and not installed: no script of theirs runs, and no service starts."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from e2e.tools.progress import Progress
from e2e.tools.tool import Tool, UnavailableError


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """One program of a package that needs no library which the machine lacks; ``path`` is where it stands in it."""

    package: str
    path: str

    def fetch(self, tool: Tool, into: Path) -> None:
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise UnavailableError(f"there is no apt-get on the PATH to download {self.package}")
        progress = Progress(f"downloading {tool.name} with apt-get")
        download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", self.package]
        done = subprocess.run(download, cwd=into, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise UnavailableError(f"apt-get download {self.package} failed: {done.stderr.strip()[-300:]}")
        (archive,) = into.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, into / "root"], check=True, timeout=300)
        shutil.move(into / "root" / self.path, into / tool.name)
        progress.done()
