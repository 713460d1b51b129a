"""Programs built with Go: those of the module proxy, where nothing prebuilt can be had, and those of this repository.

``go install module@version`` refuses modules with ``replace`` lines (Kubernetes, etcd), so a small module of our own
requires the one that holds the program.
"""

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from e2e.processes import ProcessGroup, wait_until
from e2e.tools.progress import Progress
from e2e.tools.tool import Tool, UnavailableError

_LONGEST_BUILD = timedelta(minutes=60)
_STAGED = re.compile(r"^\s*(?:replace\s+)?(k8s\.io/\S+) => \./staging/src/k8s\.io/\S+$", re.MULTILINE)
_DOWNLOADED_GO_MOD = re.compile(r'^\s*"GoMod": "(.+)"', re.MULTILINE)
_GO_LINES = re.compile(r"^(?:go|godebug) .+$", re.MULTILINE)

# No C compiler is needed, and no setting of the user's own Go workspace may reach into the build.
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


@dataclass(frozen=True, slots=True)
class GoBuild:
    """One main package of a module; ``staging_version`` for Kubernetes, whose go.mod points into its own tree."""

    module: str
    package: str
    staging_version: str | None = None
    ldflags: Sequence[str] = ()

    def fetch(self, tool: Tool, into: Path) -> None:
        if shutil.which("go") is None:
            raise UnavailableError(f"there is no go on the PATH to build {self.package}")
        progress = Progress(f"building {tool.name} {tool.version} with go")
        module = into / "module"
        module.mkdir()
        with ProcessGroup(module) as commands:
            (module / "go.mod").write_text(self._go_mod(tool, commands, progress))
            (module / "tools.go").write_text(f'//go:build tools\n\npackage tools\n\nimport _ "{self.package}"\n')
            _go(commands, progress, "mod", "tidy")
            flags = " ".join(("-s -w", *self.ldflags))
            _go(commands, progress, "build", "-trimpath", "-ldflags", flags, "-o", into / tool.name, self.package)
        progress.done()

    def _go_mod(self, tool: Tool, commands: ProcessGroup, progress: Progress) -> str:
        # Their go line prunes the module graph: without it, tidy asks for modules that nobody builds with.
        theirs = self._their_go_mod(tool, commands, progress)
        lines = ["module tools", f"require {self.module} {tool.version}", *_GO_LINES.findall(theirs)]
        if self.staging_version:
            lines += [f"replace {path} => {path} {self.staging_version}" for path in _STAGED.findall(theirs)]
        return "\n".join(lines) + "\n"

    def _their_go_mod(self, tool: Tool, commands: ProcessGroup, progress: Progress) -> str:
        answer = _go(commands, progress, "mod", "download", "-json", f"{self.module}@{tool.version}")
        found = _DOWNLOADED_GO_MOD.search(answer)
        if found is None:
            raise UnavailableError(f"go mod download did not say where the go.mod of {self.module} is")
        return Path(found[1]).read_text()


@dataclass(frozen=True, slots=True)
class GoSource:
    """The main package of a directory of this repository, which holds its go.mod and go.sum.

    It is built in a copy, so that nothing that go writes gets into the repository.
    """

    directory: Path

    @property
    def version(self) -> str:
        """Names what is in the directory: another content is another program of the cache."""
        digest = hashlib.sha256()
        for file in self._files():
            content = file.read_bytes()
            digest.update(f"{file.name} {len(content)}\n".encode() + content)
        return f"source-{digest.hexdigest()[:16]}"

    def fetch(self, tool: Tool, into: Path) -> None:
        if shutil.which("go") is None:
            raise UnavailableError(f"there is no go on the PATH to build {tool.name}")
        progress = Progress(f"building {tool.name} with go")
        module = into / "module"
        module.mkdir()
        for file in self._files():
            shutil.copy(file, module)
        with ProcessGroup(module) as commands:
            _go(commands, progress, "build", "-buildvcs=false", "-trimpath", "-o", into / tool.name, ".")
        progress.done()

    def _files(self) -> list[Path]:
        return sorted([*self.directory.glob("*.go"), self.directory / "go.mod", self.directory / "go.sum"])


def _go(commands: ProcessGroup, progress: Progress, *arguments: str | Path) -> str:
    """Run go to its end and answer its output; it dies with us, or a cancelled build would go on for minutes."""
    commands.start("go", ["go", *arguments], env={**_ENVIRONMENT, "GOTMPDIR": str(commands.directory)})

    def ended() -> bool:
        progress.tick()
        return commands.returncode("go") is not None

    wait_until(ended, f"go {arguments[0]}", within=_LONGEST_BUILD)
    if commands.returncode("go") != 0:
        raise UnavailableError(f"go {arguments[0]} failed: {commands.log_tail('go')}")
    output = commands.log("go").read_text()
    commands.kill("go")
    commands.log("go").unlink()
    return output
