"""The files in ``examples/``, with the addresses of this run's servers in the place of those a user would write."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.peers.bind9 import TSIGKey

DIRECTORY = Path(__file__).parents[2] / "examples"
Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What a user would know of his own authority and DNS; without ``nameserver`` names are proved over HTTP."""

    server: str
    trust_anchor: str
    nameserver: str | None = None
    key: TSIGKey | None = None

    @property
    def issuer_file(self) -> str:
        """The Issuer example that these addresses are for."""
        return "issuer-dns01.yaml" if self.nameserver else "issuer-http01.yaml"


def read(file: str) -> list[Manifest]:
    """The documents of an example as they stand in the file."""
    return [document for document in yaml.safe_load_all((DIRECTORY / file).read_text()) if document]


def filled(file: str, addresses: Addresses) -> str:
    """An example as ``kubectl apply`` takes it from its standard input."""
    items = [_filled(document, addresses) for document in read(file)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _filled(document: Manifest, addresses: Addresses) -> Manifest:
    match document["kind"]:
        case "Issuer":
            _fill_issuer(document["spec"], addresses)
        case "Secret" if addresses.key:
            document["stringData"] = {"tsig-secret": addresses.key.secret}
    return document


def _fill_issuer(spec: Manifest, addresses: Addresses) -> None:
    spec["acme"]["server"] = addresses.server
    spec["tls"]["caBundle"] = base64.b64encode(addresses.trust_anchor.encode()).decode()
    if addresses.key is None:
        spec["acme"]["solvers"] = [{"http01": {"direct": {}}}]
        return
    for solver in spec["acme"]["solvers"]:
        solver["dns01"]["rfc2136"] |= {"nameserver": addresses.nameserver, "tsigKeyName": addresses.key.name}
