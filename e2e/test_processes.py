"""Whatever a process group started is gone when it closes, and when its supervisor dies."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.processes import ProcessError, ProcessGroup, wait_until

FAMILY = ["sh", "-c", "sleep 1000 & echo $!; wait"]


def _lives(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def _grandchild(group: ProcessGroup, name: str) -> int:
    return int(wait_until(lambda: group.log(name).read_text(), "the grandchild says its process ID"))


def test_close_ends_a_command_and_what_it_started(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        child = group.start("family", FAMILY)
        grandchild = _grandchild(group, "family")
        assert _lives(child)
        assert _lives(grandchild)

    wait_until(lambda: not _lives(child) and not _lives(grandchild), "both are gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_a_command_ends_with_its_supervisor(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        child = group.start("sleep", ["sleep", "1000"])
        group.supervisor.send_signal(signal.SIGKILL)

        wait_until(lambda: not _lives(child), "the command is gone")


def test_the_directory_goes_with_the_group(tmp_path: Path) -> None:
    directory = tmp_path / "temporary"
    directory.mkdir()
    with ProcessGroup(directory, remove=True) as group:
        group.start("sleep", ["sleep", "1000"])
        assert directory.exists()

    assert not directory.exists()


def test_an_early_end_is_told_with_the_last_words(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        group.start("failing", ["sh", "-c", "echo the reason; exit 3"])
        wait_until(lambda: group.returncode("failing") is not None, "the command ends")

        with pytest.raises(ProcessError, match=r"(?s)failing ended with code 3.*the reason"):
            group.check()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group, pytest.raises(ProcessError, match="no-such-program"):
        group.start("nothing", ["no-such-program"])


def test_a_killed_command_frees_its_name(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        first = group.start("sleep", ["sleep", "1000"])
        group.kill("sleep")
        second = group.start("sleep", ["sleep", "1000"])

        assert not _lives(first)
        assert _lives(second)
