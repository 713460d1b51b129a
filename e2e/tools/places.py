"""Places where a machine may already have a program."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from e2e.tools.tool import Tool


class OnPath:
    """The user's own installation, of whatever version."""

    def look(self, tool: Tool) -> Path | None:
        found = shutil.which(tool.name)
        return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class InDirectory:
    """A directory outside the PATH where a system package puts daemons."""

    directory: Path

    def look(self, tool: Tool) -> Path | None:
        candidate = self.directory / tool.name
        return candidate if os.access(candidate, os.X_OK) else None


@dataclass(frozen=True, slots=True)
class DirectoryFromEnvironment:
    """The directory that an environment variable names, as envtest's users set ``KUBEBUILDER_ASSETS``."""

    variable: str

    def look(self, tool: Tool) -> Path | None:
        directory = os.environ.get(self.variable)
        return InDirectory(Path(directory)).look(tool) if directory else None
