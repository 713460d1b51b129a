"""The documents are true: their manifests are accepted, their commands, links, reasons and metrics exist."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from certwright.cli.main import app
from certwright.model.reasons import Reason
from e2e.controlplane import ControlPlane
from e2e.documents import ROOT, Block, Document, documents, yaml_blocks
from e2e.installation import install
from e2e.operator_process import OperatorProcess
from e2e.world import World

MANIFESTS, FRAGMENTS, VALUES = (yaml_blocks(info) for info in ("yaml", "yaml fragment", "yaml values"))
DOCUMENTS = documents()
BY_NAME = {document.name: document for document in DOCUMENTS}

CHART_VALUES: Mapping[str, Any] = yaml.safe_load((ROOT / "helm/certwright/values.yaml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
FOREIGN_FLAGS = {"--force-conflicts", "--help"}
"""Of kubectl and of every program; all other flags that stand alone in a sentence are certwright's."""


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, gateway_api: None) -> ControlPlane:  # noqa: ARG001 - installed is enough
    """With the namespaces that the documents name: a dry run makes none."""
    install(control_plane)
    named = {each.get("metadata", {}).get("namespace", "default") for block in MANIFESTS for each in parsed(block)}
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(named)]
    bundle = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=bundle)
    return control_plane


def parsed(block: Block) -> list[Any]:
    return [each for each in yaml.safe_load_all(block.text) if each is not None]


@pytest.mark.parametrize("block", MANIFESTS, ids=str)
def test_a_manifest_is_accepted(api: ControlPlane, block: Block) -> None:
    found = parsed(block)

    told = api.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-"), stdin=block.text
    )

    assert len(found) == len(told.splitlines())


@pytest.mark.parametrize("block", FRAGMENTS, ids=str)
def test_a_fragment_is_yaml_and_no_whole_manifest(block: Block) -> None:
    (found,) = parsed(block)

    assert not found.keys() >= {"apiVersion", "kind", "metadata", "spec"}


def test_fragments_are_rare() -> None:
    assert len(MANIFESTS) >= 10
    assert len(FRAGMENTS) <= len(MANIFESTS) / 4


def test_no_yaml_escapes_by_another_name() -> None:
    infos = {block.info for document in DOCUMENTS for block in document.blocks}

    assert infos <= {"yaml", "yaml fragment", "yaml values", "sh", "console", "mermaid", "text", "python"}


@pytest.mark.parametrize("block", VALUES, ids=str)
def test_chart_values_exist(block: Block) -> None:
    (found,) = parsed(block)

    assert list(unknown(found, CHART_VALUES)) == []


def unknown(values: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name not in known:
            yield name
        elif isinstance(value, Mapping) and known[name]:
            yield from unknown(value, known[name])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Document) -> None:
    assert [target for target in document.links if not leads_somewhere(document, target)] == []


def leads_somewhere(document: Document, target: str) -> bool:
    path, _, anchor = target.partition("#")
    place = ((ROOT / document.name).parent / path).resolve() if path else ROOT / document.name
    if not anchor:
        return place.exists()
    other = BY_NAME.get(str(place.relative_to(ROOT)))
    return other is not None and anchor in other.anchors


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_make_has_the_targets_and_variables(document: Document) -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"\$[({]([A-Z0-9]+)[)}]|^([A-Z]+) +[?:]?=", MAKEFILE, re.MULTILINE))
    words = {word for pair in variables for word in pair} | targets
    said = [word.partition("=")[0] for command in document.commands for word in makes(command)]

    assert [word for word in said if word not in words] == []


def makes(command: str) -> list[str]:
    found = re.match(r"(?:[A-Z]+=\S+ )*make((?: [A-Za-z0-9]+(?:=\S+)?)*)$", command.partition("  #")[0].strip())
    return found[1].split() if found else []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_certwright_has_the_verbs_and_flags(document: Document) -> None:
    commands = get_command(app)
    assert isinstance(commands, TyperGroup)
    flags = {
        flag
        for command in commands.commands.values()
        for each in command.params
        for flag in (*each.opts, *each.secondary_opts)
    }
    calls = [command.split() for command in document.commands if re.match(r"(\S*/)?certwright [a-z]", command)]
    alone = [command.split()[0] for command in document.commands if re.match(r"--[a-z]", command)]
    used = [word for call in calls for word in call[2:] if word.startswith("--")] + alone

    assert [call for call in calls if call[1] not in commands.commands] == []
    assert [flag for flag in used if flag.partition("=")[0] not in flags | FOREIGN_FLAGS] == []


def test_every_reason_has_a_remedy_in_the_how_to() -> None:
    page = BY_NAME["docs/how-to/acme.md"].text

    assert [reason for reason in Reason if f"`{reason}`" not in page] == []


def test_the_readme_names_every_document() -> None:
    own = {"README.md", "LICENSE.md"}
    linked = {target.partition("#")[0] for target in BY_NAME["README.md"].links}
    places = {f"{name}/".replace("//", "/") for name in linked}
    pages = [name for name in BY_NAME if name not in own]

    assert [name for name in pages if name not in linked and not any(name.startswith(place) for place in places)] == []


def test_every_metric_has_a_row_and_every_row_a_metric(world: World, operator: OperatorProcess) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    world.wait_ready("www")
    rows = re.findall(r"^\| `(certwright_\w+)` \| (\w+) \|", BY_NAME["docs/reference/metrics.md"].text, re.MULTILINE)
    exposed = re.findall(r"^# TYPE (certwright_\w+) (\w+)$", operator.metrics(), re.MULTILINE)

    assert sorted(rows) == sorted(each for each in exposed if not each[0].endswith("_created"))
