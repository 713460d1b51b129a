"""The operator started anew with every Certificate Ready: what it asks, and what it costs when nothing happens."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from e2e.bench import usage
from e2e.bench.audit import Request, by_kind
from e2e.bench.stage import Place, Say

_SETTLE_SECONDS = 2.0
_IDLE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """``ready_seconds`` is from the start of the process to /readyz; ``writes`` leaves out the Lease."""

    certificates: int
    ready_seconds: float
    cpu_seconds: float | None
    rss_mib: float | None
    requests: Mapping[str, int]
    writes: int
    object_reads: int
    ca_requests: int
    idle_seconds: float
    idle_cpu_percent: float | None
    idle_requests: Mapping[str, int]


def run(place: Place, count: int, say: Say, *, idle_for: timedelta = _IDLE) -> Restart:
    """Stop the operator of a finished burst and start it again."""
    idle_seconds = idle_for.total_seconds()
    place.operator.stop()
    place.audit.skip()
    asked, began = place.authority.request_count(), time.monotonic()
    say("starting the operator again")
    place.operator.start()
    ready = time.monotonic() - began
    time.sleep(_SETTLE_SECONDS)
    cpu = place.cpu()
    requests = place.audit.read()
    say(f"ready after {ready:.1f} s; watching it idle for {idle_seconds:.0f} s")
    time.sleep(idle_seconds)
    idle = usage.spent(cpu, place.cpu())
    return Restart(
        certificates=count,
        ready_seconds=ready,
        cpu_seconds=cpu.get("operator"),
        rss_mib=usage.rss_mib(place.operator.pid),
        requests=dict(by_kind(requests)),
        writes=sum(is_write(request) for request in requests),
        object_reads=sum(is_object_read(request) for request in requests),
        ca_requests=place.authority.request_count() - asked,
        idle_seconds=idle_seconds,
        idle_cpu_percent=100 * idle["operator"] / idle_seconds if idle else None,
        idle_requests=dict(by_kind(place.audit.read())),
    )


def is_write(request: Request) -> bool:
    """Whether it changes anything but the Lease, which is renewed for as long as the process leads."""
    return request.is_write and request.resource != "leases"


def is_object_read(request: Request) -> bool:
    """Whether it reads one Secret, Certificate or issuer by name: a restart must not do that for each of them."""
    return request.verb == "GET" and request.resource in {"secrets", "certificates", "issuers", "clusterissuers"}
