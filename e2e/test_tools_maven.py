"""Programs that are built with Maven from sources of this repository."""

from pathlib import Path

import pytest

from e2e.tools import Tool, UnavailableError, find
from e2e.tools.maven import MavenSource


@pytest.fixture
def source(tmp_path: Path) -> MavenSource:
    directory = tmp_path / "source"
    code = directory / "src/main/java/greeter"
    code.mkdir(parents=True)
    (directory / "pom.xml").write_text("<project/>")
    (code / "Main.java").write_text("package greeter;")
    return MavenSource(directory)


@pytest.fixture
def tool(source: MavenSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Tool("greeter", source.version, sources=[source])


@pytest.mark.parametrize("changed", ["pom.xml", "src/main/java/greeter/Main.java", "src/main/java/greeter/New.java"])
def test_another_content_is_another_version(changed: str, source: MavenSource) -> None:
    before = source.version

    (source.directory / changed).write_text("another content")

    assert source.version != before


def test_what_is_no_part_of_the_program_changes_nothing(source: MavenSource) -> None:
    before = source.version

    (source.directory / "target").mkdir()
    (source.directory / "target/Main.java").write_text("made by a build in place")

    assert source.version == before


def test_without_maven_it_is_unavailable(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match="there is no mvn on the PATH to build greeter"):
        find(tool)


def test_a_build_that_fails_tells_why_and_leaves_nothing(tool: Tool, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="mvn failed"):
        find(tool)

    assert [path.name for path in tmp_path.rglob("*greeter*") if "cache" in path.parts] == [".greeter.lock"]
