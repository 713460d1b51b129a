"""The hand-written part of the chart keeps up with the operator's flags; the end-to-end suite renders it with Helm."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from certwright import __version__
from certwright.cli.main import app

CHART = Path(__file__).parents[2] / "helm" / "certwright"
OUTSIDE_A_CLUSTER = {"--kubeconfig", "--context"}
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
DEPLOYMENT = (CHART / "templates" / "deployment.yaml").read_text()

Names = tuple[str, ...]


def flags() -> list[tuple[str, ...]]:
    """Each with its opposite, if it has one."""
    commands = get_command(app)
    assert isinstance(commands, TyperGroup)
    parameters = commands.commands["run"].params
    return [(*each.opts, *each.secondary_opts) for each in parameters if each.opts[0] not in OUTSIDE_A_CLUSTER]


def objects(part: Mapping[str, Any], path: Names = ()) -> Iterator[tuple[Names, Mapping[str, Any]]]:
    """The parts of the schema that name what is below them."""
    if "properties" in part:
        yield path, part
        for name, below in part["properties"].items():
            yield from objects(below, (*path, name))


def settable() -> list[Names]:
    """The paths of everything that can be set; ``global`` belongs to Helm."""
    named = {path for path, _ in objects(SCHEMA)}
    paths = [(*path, name) for path, part in objects(SCHEMA) for name in part["properties"]]
    return [path for path in paths if path not in named and path != ("global",)]


def unknown(values: Mapping[str, Any], part: Mapping[str, Any]) -> list[str]:
    """Names in the values that the schema does not have."""
    if "properties" not in part:
        return []
    wrong = [name for name in values if name not in part["properties"]]
    return wrong + [bad for name in values.keys() - wrong for bad in unknown(values[name], part["properties"][name])]


@pytest.mark.parametrize("flag", flags(), ids=lambda flag: flag[0])
def test_every_flag_is_an_argument_of_the_container(flag: tuple[str, ...]) -> None:
    assert all(re.search(rf'[\s"]{name}[="]', DEPLOYMENT) for name in flag)


def test_the_container_is_given_no_flag_that_does_not_exist() -> None:
    given = re.findall(r'[\s"](--[a-z0-9-]+)[="]', DEPLOYMENT)

    assert set(given) == {name for flag in flags() for name in flag}


@pytest.mark.parametrize("path", settable(), ids=".".join)
def test_every_value_has_a_default_and_is_used(path: Names) -> None:
    templates = "".join(each.read_text() for each in (CHART / "templates").rglob("*.*"))

    default = reduce(lambda values, name: values[name], path, VALUES)

    assert default is not None
    assert re.search(rf"\.Values\.{re.escape('.'.join(path))}\b(?!\.)", templates)


def test_every_default_is_in_the_schema() -> None:
    assert unknown(VALUES, SCHEMA) == []


def test_a_name_with_a_typo_is_refused_at_every_depth() -> None:
    assert [path for path, part in objects(SCHEMA) if part.get("additionalProperties") is not False] == []


def test_the_chart_installs_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["name"], chart["version"], chart["appVersion"]) == ("certwright", __version__, __version__)
