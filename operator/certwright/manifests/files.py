"""The generated files of the repository: what they should hold, writing them, and finding those that differ."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from certwright.manifests.chart import crd_template, rules_template
from certwright.manifests.crds import RESOURCES, Resource, custom_resource_definition
from certwright.manifests.reference import permissions_page, reasons_page, reference_page
from certwright.manifests.yaml_text import GENERATED, yaml_text

CRDS = Path("crds")
CHART_CRDS = Path("helm/certwright/templates/crds")
CHART_RULES = Path("helm/certwright/templates/_rules.tpl")
REFERENCE = Path("docs/reference")

REMEDY = "run make manifests"


def render(more: Mapping[Path, str] | None = None) -> dict[Path, str]:
    """Every generated file, by its path from the root of the repository.

    ``more`` holds those that only the caller can render: this package does not know the command line.
    """
    files = {
        CHART_RULES: rules_template(),
        REFERENCE / "permissions.md": permissions_page(),
        REFERENCE / "reasons.md": reasons_page(),
        **(more or {}),
    }
    for resource in RESOURCES:
        crd = _crd_text(resource)
        files[CRDS / f"{resource.plural}.yaml"] = crd
        files[CHART_CRDS / f"{resource.plural}.yaml"] = crd_template(crd)
        files[REFERENCE / f"{resource.kind.lower()}.md"] = reference_page(resource)
    return dict(sorted(files.items()))


def write(root: Path, more: Mapping[Path, str] | None = None) -> list[Path]:
    """Writes what differs and deletes what is generated no longer; returns what was touched."""
    files = render(more)
    touched = check(root, more)
    for path in touched:
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8")
        else:
            (root / path).unlink()
    return touched


def check(root: Path, more: Mapping[Path, str] | None = None) -> list[Path]:
    """The paths whose content differs from what is rendered, missing and left-over ones included."""
    files = render(more)
    differing = [path for path, text in files.items() if not _holds(root / path, text)]
    return sorted({*differing, *(path for path in _generated(root) if path not in files)})


@cache
def _crd_text(resource: Resource) -> str:
    """Cached because PyYAML takes a third of a second for each, and a check renders what a write has rendered."""
    return GENERATED + yaml_text(custom_resource_definition(resource))


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _generated(root: Path) -> Iterator[Path]:
    """Files in directories that hold nothing but generated ones."""
    for directory in (CRDS, CHART_CRDS):
        yield from (path.relative_to(root) for path in (root / directory).glob("*.yaml"))
