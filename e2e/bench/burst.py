"""Many Certificates created at once, over one kind of proof."""

import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from e2e.bench import usage
from e2e.bench.audit import Request, by_kind
from e2e.bench.cluster import Certificates
from e2e.bench.stage import Place, Say
from e2e.world import Object

_STALLED_AFTER = 60.0
_SETTLE_SECONDS = 2.0
"""After the last one is Ready its record is deleted and its Event posted; both belong to its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """``…_each`` are means per Certificate; CPU seconds are of the whole burst, from the first create to rest.

    ``told_slow`` is how many took so long (2 s from their turn at the CA) that the status told of it: by design that
    is one write and one Event more for each.
    """

    count: int
    seconds: float
    rate: float
    latency_p50: float
    latency_p95: float
    latency_max: float
    told_slow: int
    writes_each: float
    events_each: float
    requests_each: float
    by_kind_each: Mapping[str, float]
    refused_writes: int
    ca_requests_each: float
    cpu_seconds: Mapping[str, float]
    operator_cpu_each: float | None
    operator_peak_rss_mib: float | None


def run(place: Place, issuer: Object, count: int, say: Say) -> Burst:
    """Create ``count`` Certificates and wait for the last."""
    place.add_issuer(issuer)
    names = [f"site-{number}" for number in range(1, count + 1)]
    wanted = [place.certificate(name, issuer) for name in names]
    with Certificates(place.world.control_plane, place.world.namespace) as certificates:
        place.audit.skip()
        asked, cpu = place.world.pebble.request_count(), place.cpu()
        say(f"creating {count} Certificates")
        certificates.create(*wanted)
        certificates.wait_ready(
            names, stalled_after=_STALLED_AFTER, progress=lambda ready: say(f"{ready} of {count} Ready")
        )
    time.sleep(_SETTLE_SECONDS)
    used = usage.spent(cpu, place.cpu())
    requests = place.audit.read()
    seconds = max(certificates.ready.values()) - min(certificates.created.values())
    latencies = certificates.latencies(names)
    say(f"all Ready after {seconds:.1f} s")
    return Burst(
        count=count,
        seconds=seconds,
        rate=count / seconds,
        latency_p50=statistics.median(latencies),
        latency_p95=_percentile(latencies, 95),
        latency_max=max(latencies),
        told_slow=_told_slow(requests),
        writes_each=sum(request.is_budgeted for request in requests) / count,
        events_each=sum(request.is_event for request in requests) / count,
        requests_each=len(requests) / count,
        by_kind_each={what: number / count for what, number in by_kind(requests).most_common()},
        refused_writes=sum(request.is_write and request.status >= 400 for request in requests),
        ca_requests_each=(place.world.pebble.request_count() - asked) / count,
        cpu_seconds=used,
        operator_cpu_each=used["operator"] / count if used else None,
        operator_peak_rss_mib=usage.rss_mib(place.operator.pid, is_peak=True),
    )


def _told_slow(requests: Iterable[Request]) -> int:
    status = "certificates/status"
    written = Counter(request.name for request in requests if request.is_write and request.resource == status)
    return sum(number > 1 for number in written.values())


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
