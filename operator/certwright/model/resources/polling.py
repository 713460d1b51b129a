"""How long a CA is asked again for a certificate that waits for somebody's approval; CMP and SCEP share it."""

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import Duration
from certwright.model.resources.schema import Part, rule, rules


class Polling(Part):
    """Asking again while the CA says *pending*."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.minInterval) || !has(self.maxInterval)"
                " || duration(self.minInterval) <= duration(self.maxInterval)",
                "polling.minInterval must not be longer than polling.maxInterval; lower one or raise the other",
            )
        )
    )

    max_duration: Duration | None = Field(
        default=None, description="After this long the transaction is given up and counts as rejected. Default: 168h."
    )
    min_interval: Duration | None = Field(
        default=None, description="Shortest time between two polls, whatever the CA says. Default: 10s."
    )
    max_interval: Duration | None = Field(
        default=None, description="Longest time between two polls, whatever the CA says. Default: 1h."
    )
