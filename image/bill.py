"""The software bill of materials beside the image: CycloneDX 1.6, the same bytes for the same contents."""

import json
from collections.abc import Iterable
from importlib.metadata import Distribution
from typing import Any

from image.debian import Package


def bill_of_materials(
    digest: str, version: str, packages: Iterable[Package], distributions: Iterable[Distribution]
) -> str:
    """The document, as JSON."""
    components = [*(_debian(each) for each in packages), *(_python(each) for each in distributions)]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": f"pkg:oci/certwright@{digest}",
                "name": "certwright",
                "version": version,
                "purl": f"pkg:oci/certwright@{digest}",
            }
        },
        "components": sorted(components, key=lambda each: each["purl"]),
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _debian(package: Package) -> dict[str, Any]:
    purl = f"pkg:deb/debian/{package.name}@{package.version}?arch={package.architecture}&distro=bookworm"
    return {"type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl}


def _python(distribution: Distribution) -> dict[str, Any]:
    name = distribution.name.lower().replace("_", "-")
    purl = f"pkg:pypi/{name}@{distribution.version}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": distribution.name,
        "version": distribution.version,
        "purl": purl,
    }
    if "License-Expression" in distribution.metadata:
        component["licenses"] = [{"expression": distribution.metadata["License-Expression"]}]
    return component
