"""The files in ``examples/``, with the addresses of this run's servers in the place of those a user would write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parents[2] / "examples"
Manifest = dict[str, Any]


def read(file: str) -> list[Manifest]:
    """The documents of an example as they stand in the file."""
    return [document for document in yaml.safe_load_all((DIRECTORY / file).read_text()) if document]


def filled(file: str, fill: Callable[[Manifest], None]) -> list[Manifest]:
    """The documents with the addresses and secrets that ``fill`` puts into Issuers and Secrets."""
    documents = read(file)
    for document in documents:
        if document["kind"] != "Certificate":
            fill(document)
    return documents
