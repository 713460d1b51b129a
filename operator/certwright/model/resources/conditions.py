"""The condition that both statuses carry, in the form that ``kubectl wait`` and every dashboard reads."""

from typing import Annotated

from pydantic import Field

from certwright.model.resources.fields import Instant
from certwright.model.resources.schema import Keywords, Part


class Condition(Part):
    """One aspect of an object's state."""

    type: Annotated[str, Keywords({"maxLength": 316, "minLength": 1})] = Field(description="Which aspect.")
    status: Annotated[str, Keywords({"enum": ["True", "False", "Unknown"]})] = Field(
        description="True, False or Unknown."
    )
    reason: Annotated[str, Keywords({"maxLength": 1024})] = Field(default="", description="Why, in one word.")
    message: Annotated[str, Keywords({"maxLength": 32768})] = Field(
        default="", description="Why, in a sentence that names the object, the cause and the remedy."
    )
    last_transition_time: Instant | None = Field(default=None, description="When the status last changed.")
    observed_generation: Annotated[int, Keywords({"format": "int64", "minimum": 0})] | None = Field(
        default=None, description="Generation of the spec that the condition describes."
    )
