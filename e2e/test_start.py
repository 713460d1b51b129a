"""Starting `certwright run`: whatever is wrong is said in one clear line, and the exit code tells."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.controlplane import ControlPlane
from e2e.controlplane import kubeconfig as kubeconfigs
from e2e.operator_process import OperatorProcess

FAILED, USAGE = 1, 2
LIMIT = 60
"""Seconds within which every one of these must have ended."""


def run(*flags: str, directory: Path) -> tuple[int, list[str]]:
    """Start it; its exit code and what it said on standard error, line by line."""
    quiet = ["--operator-namespace=certwright", "--metrics-listen=", "--http01-listen="]
    ended = subprocess.run(
        [sys.executable, "-m", "certwright.cli.main", "run", *quiet, *flags],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        env={**os.environ, "TMPDIR": str(directory)},
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr.splitlines()


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        pytest.param("--nonsense", "No such option: --nonsense", id="unknown"),
        pytest.param("--workers=none", "--workers", id="no number"),
        pytest.param("--workers=0", "--workers", id="too small"),
        pytest.param("--log-format=xml", "'xml' is not one of 'text', 'json'", id="log format"),
        pytest.param("--metrics-listen=here", "write host:port, :port, or nothing", id="no port"),
        pytest.param("--metrics-listen=:99999", "write host:port, :port, or nothing", id="no such port"),
        pytest.param("--http01-service=:80", "write name:port", id="no Service"),
        pytest.param("--deny-cidrs=10.0.0.1/8", "write networks such as 10.0.0.0/8", id="no network"),
        pytest.param("--recursive-nameservers=here", "write addresses such as 192.0.2.1", id="no name server"),
        pytest.param("--http01-namespaced-issuers=all", "write claimed or any", id="no choice"),
    ],
)
def test_a_bad_flag_is_named(tmp_path: Path, flag: str, words: str) -> None:
    code, lines = run(flag, directory=tmp_path)

    assert code == USAGE
    assert lines[-1].startswith(("Error: Invalid value for ", "Error: No such option"))
    assert words in lines[-1]
    assert flag.partition("=")[0] in lines[-1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "there is no such file", id="missing"),
        pytest.param("", "this is no kubeconfig file", id="empty"),
        pytest.param("token: [hunter2", "this is no kubeconfig file", id="no YAML"),
        pytest.param("token-hunter2", "this is no kubeconfig file", id="no mapping"),
        pytest.param("current-context: other\ncontexts: []", "other", id="no such context"),
    ],
)
def test_an_unusable_kubeconfig_is_named_and_not_quoted(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)

    code, (line,) = run(f"--kubeconfig={path}", directory=tmp_path)

    assert code == FAILED
    assert line.startswith(f"certwright: no usable Kubernetes credentials in {path}: ")
    assert words in line
    assert "hunter2" not in line


def test_an_api_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        path = kubeconfigs.write(tmp_path / "kubeconfig", url=url, ca_pem="", user={"token": "hunter2"}, name="test")

        code, (line,) = run(f"--kubeconfig={path}", directory=tmp_path)

    assert code == FAILED
    assert line.startswith("certwright: the API server cannot be reached: ")
    assert url.rpartition("/")[2] in line


def test_credentials_that_are_refused_are_told(tmp_path: Path, control_plane: ControlPlane) -> None:
    path = kubeconfigs.write(
        tmp_path / "kubeconfig",
        url=control_plane.url,
        ca_pem=control_plane.ca_pem,
        user={"token": "hunter2"},
        name="stranger",
    )

    code, (line,) = run(f"--kubeconfig={path}", directory=tmp_path)

    assert code == FAILED
    assert line.startswith("certwright: the API server refuses the operator's credentials or role: ")


@pytest.fixture(scope="module")
def bare_control_plane() -> Iterator[ControlPlane]:
    """One that has never heard of certwright."""
    with ControlPlane() as bare:
        yield bare


def test_missing_definitions_are_told_with_the_remedy(tmp_path: Path, bare_control_plane: ControlPlane) -> None:
    code, (line,) = run(f"--kubeconfig={bare_control_plane.admin_kubeconfig}", directory=tmp_path)

    assert code == FAILED
    assert "certificates, clusterissuers, issuers" in line
    assert "kubectl apply -f crds/" in line


@pytest.mark.parametrize("flag", ["--metrics-listen", "--http01-listen"], ids=["probes", "responder"])
def test_a_port_in_use_is_named(tmp_path: Path, kubeconfig: Path, flag: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]

        code, (line,) = run(f"--kubeconfig={kubeconfig}", f"{flag}=127.0.0.1:{port}", directory=tmp_path)

    assert code == FAILED
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in line


@pytest.mark.parametrize(
    ("flags", "environment"),
    [
        pytest.param(["--log-format=json"], {}, id="by flag"),
        pytest.param([], {"CERTWRIGHT_LOG_FORMAT": "json"}, id="by environment"),
    ],
)
def test_json_lines_can_be_collected(
    tmp_path: Path, kubeconfig: Path, flags: list[str], environment: dict[str, str]
) -> None:
    lines = log_of(kubeconfig, tmp_path, ["--no-leader-election", *flags], environment)

    found = [json.loads(line) for line in lines]
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in found)
    assert any(line["message"].startswith("working: ") for line in found)


def test_text_lines_can_be_read(tmp_path: Path, kubeconfig: Path) -> None:
    lines = log_of(kubeconfig, tmp_path, ["--no-leader-election"], {})

    assert any(" INFO    working: " in line for line in lines)
    assert not any(line.startswith("{") for line in lines)


def log_of(kubeconfig: Path, directory: Path, flags: list[str], environment: dict[str, str]) -> list[str]:
    """What the operator says from its start to a clean end."""
    process = OperatorProcess(kubeconfig, directory=directory, flags=flags, environment=environment)
    with process:
        assert process.stop() == 0, process.tail()
        return process.log.read_text().splitlines()
