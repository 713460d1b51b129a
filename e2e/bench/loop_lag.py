"""How late the operator's event loop was while something was measured, by the operator's own metrics.

``certwright_loop_delay_seconds`` counts the samples by how late each was; a percentile is the upper bound of the bucket
that it falls into, so that it is never told too small.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from prometheus_client.parser import text_string_to_metric_families

_BUCKETS = "certwright_loop_delay_seconds_bucket"
_PERCENTILE = 0.99


@dataclass(frozen=True, slots=True)
class LoopLag:
    """``p99`` in seconds; infinite if it is beyond the last bucket."""

    samples: int
    p99: float


def counted(metrics: str) -> Mapping[float, float]:
    """Cumulative counts by upper bound, of one scrape; empty where the operator has no such metric."""
    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    return {float(sample.labels["le"]): sample.value for sample in samples if sample.name == _BUCKETS}


def between(before: Mapping[float, float], after: Mapping[float, float]) -> LoopLag | None:
    """Of two scrapes of one process; None where nothing was sampled."""
    counts = {bound: count - before.get(bound, 0) for bound, count in after.items()}
    total = counts.get(inf, 0)
    if not total:
        return None
    return LoopLag(int(total), min(bound for bound, count in counts.items() if count >= _PERCENTILE * total))
