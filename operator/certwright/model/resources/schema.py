"""The class that every part of a resource derives from, and the words that its CRD schema gets beyond pydantic's.

The models are the one source of truth: ``reconcile`` and the drivers parse with them, ``manifests`` renders the CRDs
and the reference pages from them. Whatever the API server checks stands here as schema, so that parsing stays cheap: a
pattern or a CEL rule is never run a second time by the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

ACRONYMS = {"alpn01": "ALPN01", "ca": "CA", "dns": "DNS", "id": "ID", "kid": "KID", "sha256": "SHA256", "url": "URL"}
"""Words that the API spells in capitals when they do not come first, as cert-manager's fields do."""


def api_name(name: str) -> str:
    """The API's spelling of a Python field name: ``hosted_zone_id`` becomes ``hostedZoneID``."""
    first, *rest = name.split("_")
    return first + "".join(ACRONYMS.get(word, word.capitalize()) for word in rest)


class Part(BaseModel):
    """One object of the API, immutable once parsed; fields that this version does not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, alias_generator=api_name)

    def to_api(self) -> dict[str, Any]:
        """JSON in the API's spelling, without what is unset; instants as RFC 3339, durations in Go's form."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


FAULTS_TOLD = 3
MESSAGE_LIMIT = 1024


def told(error: ValidationError) -> str:
    """Which fields of a spec do not fit, in words for its author; values are not quoted."""
    fields = [
        f"spec.{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
        for detail in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return "; ".join(fields[:FAULTS_TOLD])[:MESSAGE_LIMIT]


class StatusPart(Part):
    """A status, which another version may have written."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any] | None) -> Self:
        """Parse what can be parsed: a field that does not fit counts as absent, and an absent field is no mismatch."""
        known = dict(raw or {})
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            unfit = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
            return cls.model_validate({name: value for name, value in known.items() if name not in unfit})


@dataclass(frozen=True, slots=True, eq=False)
class Keywords:
    """JSON schema keywords of a field that the API server alone checks, as an annotation of its type.

    Compared by identity, because an annotation has to be hashable and a mapping is not.
    """

    words: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **self.words}


def rule(expression: str, message: str) -> JsonDict:
    """One CEL rule; the message names the field and the remedy, since it is all that a user gets to read."""
    return {"rule": expression, "message": message}


def rules(*each: JsonDict) -> JsonDict:
    """The CEL rules of one object, for ``json_schema_extra``."""
    return {"x-kubernetes-validations": list(each)}


def checked(expression: str, message: str) -> Keywords:
    """The annotation of a string type that CEL checks, where a bare pattern would tell a user too little."""
    return Keywords(rules(rule(expression, message)))


def exactly_one(*fields: str, message: str) -> JsonDict:
    """The rule that one of these fields is set and no other."""
    return rule(f"[{_presence(fields)}].filter(present, present).size() == 1", message)


def at_most_one(*fields: str, message: str) -> JsonDict:
    """The rule that these fields exclude each other."""
    return rule(f"[{_presence(fields)}].filter(present, present).size() <= 1", message)


def _presence(fields: tuple[str, ...]) -> str:
    return ", ".join(f"has(self.{field})" for field in fields)
