"""Programs of this repository that are built with Maven, which gets their libraries where the user has it look.

What is built is a directory: the program's jar beside those of its libraries, for ``java -classpath <directory>/*``.
"""

import hashlib
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from e2e.processes import ProcessGroup, wait_until
from e2e.tools.progress import Progress
from e2e.tools.tool import Tool, UnavailableError

_LONGEST_BUILD = timedelta(minutes=15)

# Goals instead of a phase: a phase would fetch plugins for tests and resources, of which there are none.
_GOALS = ("compiler:compile", "jar:jar", "dependency:copy-dependencies")
_SOURCES = "src/main/java/**/*.java"
_SIGNATURE = re.compile(r"META-INF/[^/]+\.(SF|RSA|DSA|EC)$")


@dataclass(frozen=True, slots=True)
class MavenSource:
    """The program of a directory of this repository, which holds its pom.xml and its Java sources.

    It is built in a copy, so that nothing that Maven writes gets into the repository.
    """

    directory: Path

    @property
    def version(self) -> str:
        """Names what is in the directory: another content is another program of the cache."""
        digest = hashlib.sha256()
        for file in self._files():
            content = file.read_bytes()
            digest.update(f"{file.relative_to(self.directory)} {len(content)}\n".encode() + content)
        return f"source-{digest.hexdigest()[:16]}"

    def fetch(self, tool: Tool, into: Path) -> None:
        for program in ("mvn", "javac"):
            if shutil.which(program) is None:
                raise UnavailableError(f"there is no {program} on the PATH to build {tool.name}")
        progress = Progress(f"building {tool.name} with mvn")
        module, jars = into / "module", into / tool.name
        for file in self._files():
            copy = module / file.relative_to(self.directory)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
        with ProcessGroup(module) as commands:
            settings = ("-Dstyle.color=never", "-DincludeScope=runtime", f"-DoutputDirectory={jars}")
            _maven(commands, progress, *settings, *_GOALS)
        for jar in (module / "target").glob("*.jar"):
            jar.replace(jars / jar.name)
        for jar in jars.glob("*.jar"):
            _unsign(jar)
        progress.done()

    def _files(self) -> list[Path]:
        return sorted([*self.directory.glob(_SOURCES), self.directory / "pom.xml"])


def _unsign(jar: Path) -> None:
    """Java checks every class of a signed jar when it loads it, which doubles the time that BouncyCastle starts in."""
    with ZipFile(jar) as signed:
        members = signed.infolist()
        kept = [member for member in members if not _SIGNATURE.match(member.filename)]
        if len(kept) == len(members):
            return
        partial = jar.with_suffix(".partial")
        with ZipFile(partial, "w", ZIP_DEFLATED) as unsigned:
            for member in kept:
                unsigned.writestr(member, signed.read(member))
    partial.replace(jar)


def _maven(commands: ProcessGroup, progress: Progress, *arguments: str) -> None:
    """Run Maven to its end; it dies with us."""
    commands.start("mvn", ["mvn", "--batch-mode", "--quiet", *arguments])

    def ended() -> bool:
        progress.tick()
        return commands.returncode("mvn") is not None

    wait_until(ended, "mvn", within=_LONGEST_BUILD)
    if commands.returncode("mvn") != 0:
        raise UnavailableError(f"mvn failed: {commands.log_tail('mvn')}")
