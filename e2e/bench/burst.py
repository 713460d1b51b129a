"""Many Certificates created at once, at one authority."""

import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from e2e.bench import loop_lag, usage
from e2e.bench.audit import Request, by_kind
from e2e.bench.authorities import Aims
from e2e.bench.cluster import Certificates
from e2e.bench.loop_lag import LoopLag
from e2e.bench.stage import Place, Say

Number = TypeVar("Number", int, float)

_STALLED_AFTER = 60.0
_SETTLE_SECONDS = 2.0
"""After the last one is Ready its record is deleted and its Event posted; both belong to its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """``…_each`` are means per Certificate; CPU seconds are of the whole burst, from the first create to rest.

    ``told_slow`` is how many took so long (2 s from their turn at the CA) that the status told of it: by design that
    is one write and one Event more for each. ``ca_connections`` is None where the server does not tell, ``loop_lag``
    where the operator does not; ``loop_waited`` is how long the loop had to wait for a CPU, which makes it late,
    too.
    """

    aims: Aims
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
    issued_each: float
    ca_requests_each: float
    ca_connections: int | None
    cpu_seconds: Mapping[str, float]
    operator_cpu_each: float | None
    operator_peak_rss_mib: float | None
    loop_lag: LoopLag | None
    loop_waited: float | None


@dataclass(frozen=True, slots=True)
class _Counters:
    """All that only ever grows, at one moment."""

    asked: int
    issued: int
    connections: int | None
    cpu: Mapping[str, float]
    lag: Mapping[float, float]
    waited: float | None

    @classmethod
    def of(cls, place: Place) -> Self:
        authority = place.authority
        lag, waited = loop_lag.counted(place.operator.metrics()), usage.waited_for_cpu(place.operator.pid)
        issued = len(authority.issued_serials())
        return cls(authority.request_count(), issued, authority.connection_count(), place.cpu(), lag, waited)


def run(place: Place, count: int, say: Say) -> Burst:
    """Create ``count`` Certificates and wait for the last."""
    place.add_issuer()
    names = [f"site-{number}" for number in range(1, count + 1)]
    with Certificates(place.tenant.control_plane, place.tenant.namespace) as certificates:
        place.audit.skip()
        before = _Counters.of(place)
        say(f"creating {count} Certificates")
        certificates.create(*(place.certificate(name) for name in names))
        certificates.wait_ready(
            names, stalled_after=_STALLED_AFTER, progress=lambda ready: say(f"{ready} of {count} Ready")
        )
    time.sleep(_SETTLE_SECONDS)
    after, requests = _Counters.of(place), place.audit.read()
    used = usage.spent(before.cpu, after.cpu)
    seconds = max(certificates.ready.values()) - min(certificates.created.values())
    latencies = certificates.latencies(names)
    say(f"all Ready after {seconds:.1f} s")
    return Burst(
        aims=place.authority.aims,
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
        issued_each=(after.issued - before.issued) / count,
        ca_requests_each=(after.asked - before.asked) / count,
        ca_connections=_more(before.connections, after.connections),
        cpu_seconds=used,
        operator_cpu_each=used["operator"] / count if used else None,
        operator_peak_rss_mib=usage.rss_mib(place.operator.pid, is_peak=True),
        loop_lag=loop_lag.between(before.lag, after.lag),
        loop_waited=_more(before.waited, after.waited),
    )


def _more(before: Number | None, after: Number | None) -> Number | None:
    return None if before is None or after is None else after - before


def _told_slow(requests: Iterable[Request]) -> int:
    status = "certificates/status"
    written = Counter(request.name for request in requests if request.is_write and request.resource == status)
    return sum(number > 1 for number in written.values())


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
