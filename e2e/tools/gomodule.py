"""Files that a Go module carries along, from the Go module proxy."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from e2e.tools.progress import Progress
from e2e.tools.tool import Tool, UnavailableError

_LONGEST_DOWNLOAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GoModuleYAML:
    """YAML files of one module, put together into one."""

    module: str
    paths: Sequence[str]

    def fetch(self, tool: Tool, into: Path) -> None:
        if shutil.which("go") is None:
            raise UnavailableError(f"there is no go on the PATH to download {self.module}")
        progress = Progress(f"downloading {tool.name} {tool.version} with go")
        directory = self._download(tool.version, into)
        try:
            documents = [(directory / path).read_text() for path in self.paths]
        except OSError as error:
            raise UnavailableError(f"{self.module} {tool.version} has no {error.filename}") from error
        (into / tool.name).write_text("\n---\n".join(documents))
        progress.done()

    def _download(self, version: str, directory: Path) -> Path:
        command = ["go", "mod", "download", "-json", f"{self.module}@{version}"]
        # No setting of the user's own Go workspace may reach into it.
        environment = os.environ | {"GOFLAGS": "", "GOWORK": "off"}
        try:
            ended = subprocess.run(
                command,
                cwd=directory,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=_LONGEST_DOWNLOAD.total_seconds(),
            )
        except subprocess.CalledProcessError as error:
            raise UnavailableError(f"go mod download failed: {error.stdout[-500:]}{error.stderr[-500:]}") from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{self.module} was not downloaded within {_LONGEST_DOWNLOAD}") from error
        return Path(json.loads(ended.stdout)["Dir"])
