"""Secrets that somebody else made, for the tests of whose Secret is written and how."""

import base64
from collections.abc import Mapping
from typing import Any

from certwright.model import keys
from certwright.model.chain import to_pem
from certwright.model.metadata import OPAQUE_SECRET_TYPE, TLS_SECRET_TYPE
from certwright.model.tls_secret import KeyPair
from tests.handlers.cluster import Cluster, Object, decoded
from tests.model.builders import pair_of, spec_of

SECRETS = "/api/v1/namespaces/shop/secrets"
TLS, OPAQUE = TLS_SECRET_TYPE, OPAQUE_SECRET_TYPE


def foreign_pair(name: str = "web.example.com") -> KeyPair:
    """A certificate of another CA for that name."""
    return pair_of(spec_of(dnsNames=[name]))


def pair_data(pair: KeyPair) -> dict[str, bytes]:
    return {
        "tls.crt": to_pem(pair.chain),
        "tls.key": keys.encode(pair.key, None),
        "ca.crt": to_pem(pair.anchors),
    }


async def put_secret(
    cluster: Cluster, name: str = "web-tls", *, data: Mapping[str, bytes], type_: str = TLS, **parts: Any
) -> Object:
    """Somebody makes a Secret; ``parts`` are more of it or of its metadata."""
    metadata = {"name": name, **parts.pop("metadata", {})}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": type_,
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        **parts,
    }
    made: Object = await cluster.server.request("POST", SECRETS, query={"fieldManager": "kubectl"}, body=body)
    return made


async def edit_secret(cluster: Cluster, name: str = "web-tls", **patch: Any) -> None:
    await cluster.server.merge(f"{SECRETS}/{name}", patch, manager="kubectl")


def pair_in(cluster: Cluster, name: str = "web-tls") -> tuple[bytes, bytes]:
    data = decoded(cluster.secret(name))
    return data["tls.crt"], data["tls.key"]


def told(cluster: Cluster, name: str = "web", type_: str = "Ready") -> str:
    """The message of a condition."""
    found = [each["message"] for each in cluster.status(name)["conditions"] if each["type"] == type_]
    return str(found[0])


def notes(cluster: Cluster, reason: str) -> list[str]:
    """What the Events of that reason say."""
    found = [stored.body for key, stored in cluster.server.objects.items() if key[1] == "events"]
    return [event["note"] for event in found if event["reason"] == reason]
