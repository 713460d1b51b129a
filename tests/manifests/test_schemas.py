"""The CRDs are what the API server and CEL's cost limit want, and every field explains itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field

from certwright.manifests.crds import RESOURCES, Resource, custom_resource_definition, object_schema
from certwright.manifests.files import CRDS, render
from certwright.manifests.structural import ORDER, structural_schema

MAX_CRDS = 250_000
"""Bytes of YAML for all kinds together."""

UNBOUNDED = {"apiVersion", "kind", "metadata"}

every_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)


def walk(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below, items and map values included."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        if path or name not in UNBOUNDED:
            yield from walk(f"{path}.{name}", field)
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield from walk(f"{path}[]", schema[word])


def is_bounded(schema: dict[str, Any]) -> bool:
    match schema["type"]:
        case "string":
            return "maxLength" in schema or "enum" in schema
        case "array":
            return "maxItems" in schema
        case "object" if "properties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            return "additionalProperties" not in schema or "maxProperties" in schema
    return True


@every_resource
def test_everything_is_bounded(resource: Resource) -> None:
    assert [path for path, schema in walk("", object_schema(resource)) if not is_bounded(schema)] == []


@every_resource
def test_every_field_has_a_description(resource: Resource) -> None:
    silent = [
        path
        for path, schema in walk("", object_schema(resource))
        if not schema.get("description") and not path.endswith("[]") and path not in {"", ".spec", ".status"}
    ]

    assert silent == []


@every_resource
def test_the_schema_is_structural_and_has_no_defaults(resource: Resource) -> None:
    words = {word for _, schema in walk("", object_schema(resource)) for word in schema}

    assert words <= set(ORDER)
    assert "default" not in words


@every_resource
def test_every_rule_says_what_to_do(resource: Resource) -> None:
    rules = [
        rule for _, schema in walk("", object_schema(resource)) for rule in schema.get("x-kubernetes-validations", ())
    ]

    assert rules
    assert [rule for rule in rules if len(rule["message"].split()) < 5] == []


@every_resource
def test_the_names_are_those_that_users_type(resource: Resource) -> None:
    spec = custom_resource_definition(resource)["spec"]

    assert spec["group"] == "certwright.io"
    assert spec["names"]["categories"] == ["certwright"]
    assert [version["name"] for version in spec["versions"]] == ["v1alpha1"]
    assert spec["versions"][0]["subresources"] == {"status": {}}


@pytest.mark.parametrize(
    ("index", "short_name", "narrow", "wide"),
    [
        (
            0,
            "cwc",
            ["Ready", "Secret", "Issuer", "Expires", "Renewal", "Age"],
            ["Issued by", "Protocol", "Serial", "Status"],
        ),
        (1, "cwi", ["Ready", "Protocol", "URL", "Age"], ["Status"]),
        (2, "cwci", ["Ready", "Protocol", "URL", "Age"], ["Status"]),
    ],
    ids=["certificate", "issuer", "clusterissuer"],
)
def test_the_columns_are_those_that_users_read(index: int, short_name: str, narrow: list[str], wide: list[str]) -> None:
    spec = custom_resource_definition(RESOURCES[index])["spec"]
    columns = spec["versions"][0]["additionalPrinterColumns"]

    assert [short_name] == spec["names"]["shortNames"]
    assert narrow == [column["name"] for column in columns if not column.get("priority")]
    assert wide == [column["name"] for column in columns if column.get("priority") == 1]


def test_certificates_are_selectable_by_issuer() -> None:
    version = custom_resource_definition(RESOURCES[0])["spec"]["versions"][0]

    assert version["selectableFields"] == [
        {"jsonPath": f".spec.issuerRef.{field}"} for field in ("name", "kind", "group")
    ]


def test_conditions_are_a_map() -> None:
    conditions = object_schema(RESOURCES[0])["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_the_crds_stay_small() -> None:
    sizes = {path: len(text.encode()) for path, text in render().items() if path.parent == CRDS}

    assert len(sizes) == 3
    assert sum(sizes.values()) < MAX_CRDS


class Choice(BaseModel):
    value: int | str = Field(description="Two types.")


class Exclusive(BaseModel):
    value: int = Field(gt=1)


@pytest.mark.parametrize(
    ("model", "complaint"), [(Choice, "no choice of types"), (Exclusive, "exclusiveMinimum")], ids=["union", "keyword"]
)
def test_what_a_structural_schema_cannot_say_is_a_mistake(model: type[BaseModel], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        structural_schema(model)
