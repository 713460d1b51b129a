"""The files in ``examples/``, with the addresses of this run's servers in the place of those a user would write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parents[2] / "examples"
Manifest = dict[str, Any]


def read(file: str) -> list[Manifest]:
    """The documents of an example as they stand in the file."""
    return [document for document in yaml.safe_load_all((DIRECTORY / file).read_text()) if document]


def filled(file: str, fill: Callable[[Manifest], None]) -> str:
    """An example as ``kubectl apply`` takes it from its standard input; ``fill`` changes Issuers and Secrets."""
    items = read(file)
    for document in items:
        if document["kind"] != "Certificate":
            fill(document)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
