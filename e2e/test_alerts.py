"""The chart's alerts: promtool proves when they fire, and each has a runbook and stands on metrics that there are."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.chart import CHART, Helm, render
from e2e.peers import PeerUnavailableError
from e2e.tools import UnavailableError, catalogue, find

ALERTS = CHART / "files/alerts.yaml"
DOCS = CHART.parents[1] / "docs"


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return find(catalogue.PROMTOOL)
    except UnavailableError as error:
        raise PeerUnavailableError(str(error)) from error


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_each_fires_when_it_should_and_not_before(promtool: Path) -> None:
    tests = ALERTS.with_name("alerts_test.yaml")
    done = subprocess.run([promtool, "test", "rules", tests], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_in_the_test() -> None:
    tested = set(re.findall(r"alertname: (\w+)", ALERTS.with_name("alerts_test.yaml").read_text()))
    assert tested == {rule["alert"] for rule in rules()}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    pages = {page.name: page.read_text().splitlines()[0] for page in (DOCS / "runbooks").glob("*.md")}
    del pages["README.md"]
    linked = {rule["annotations"]["runbook_url"].rpartition("/")[2]: f"# {rule['alert']}" for rule in rules()}
    assert linked == pages


def test_they_stand_on_metrics_that_there_are() -> None:
    documented = set(re.findall(r"^\| `(certwright_\w+)`", (DOCS / "reference/metrics.md").read_text(), re.MULTILINE))
    used = {name for rule in rules() for name in re.findall(r"certwright_\w+", rule["expr"])}
    assert used - documented == set()


def test_the_chart_wraps_them(tmp_path: Path) -> None:
    values = {"prometheusRule": {"enabled": True, "labels": {"a": "b"}, "runbookURL": "https://example.com/runbooks/"}}
    (wrapped,) = (each for each in render(Helm(tmp_path), values) if each["kind"] == "PrometheusRule")
    expected = yaml.safe_load(ALERTS.read_text().replace("RUNBOOKS", "https://example.com/runbooks"))
    assert wrapped["spec"] == expected
    assert wrapped["metadata"]["labels"]["a"] == "b"
