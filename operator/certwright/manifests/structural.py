"""Turns a pydantic model into the structural schema that a CustomResourceDefinition accepts.

Called by ``crds`` for the schema and by ``reference`` for the tables, so that both always say the same. The API server
refuses ``$ref`` and ``anyOf`` with null, and a ``default:`` would turn an upgrade into an enrolment: all three go.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

ORDER = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
    "required",
    "items",
    "additionalProperties",
    "properties",
)
"""All that may stand in a schema of ours, in reading order; any other keyword of pydantic's is a mistake in a model."""

DROPPED = frozenset({"title", "default"})


def structural_schema(model: type[BaseModel]) -> Schema:
    """The model as one schema without references; field names as in the API."""
    whole = model.model_json_schema(by_alias=True)
    return _structural(whole, whole.get("$defs", {}))


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    schema = _resolved(node, definitions)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        del schema["additionalProperties"]
    if isinstance(schema.get("items"), Mapping):
        schema["items"] = _nested(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _nested(schema["additionalProperties"], definitions)
    if "properties" in schema:
        schema["properties"] = {
            name: _structural(field, definitions) for name, field in sorted(schema["properties"].items())
        }
    unknown = schema.keys() - set(ORDER)
    if unknown:
        raise ValueError(f"a structural schema has no {', '.join(sorted(unknown))}: change the model")
    return {word: schema[word] for word in ORDER if word in schema}


def _nested(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """The schema of an item, which the description of its list already explains."""
    schema = _structural(node, definitions)
    schema.pop("description", None)
    return schema


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """The node with references and optionality folded in; its own words win over those of what it points to."""
    schema: Schema = {}
    for target in _targets(node, definitions):
        schema |= _resolved(target, definitions)
    schema |= {word: value for word, value in node.items() if word not in {"$ref", "$defs", "anyOf"} | DROPPED}
    return schema


def _targets(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    targets = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    if len(targets) > 1:
        raise ValueError("a structural schema has no choice of types: change the model")
    if "$ref" in node:
        targets.append(definitions[node["$ref"].rpartition("/")[2]])
    return targets
