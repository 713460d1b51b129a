"""One Certificate alone, beside a bare client against the same servers: what Kubernetes and certwright add."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from e2e.bench.authorities import ACMEOverDNS01
from e2e.bench.bare_client import bare_client
from e2e.bench.cluster import Certificates
from e2e.bench.stage import Place, Say

_ROUNDS = 5
_STALLED_AFTER = 60.0
_PAUSE_SECONDS = 0.5
"""Until the operator has cleared up after the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lone:
    """Seconds of each round, and of the median one; ``overhead`` is the difference of the medians.

    Before them both enrol once unmeasured, so that their connections are open.
    """

    operator: Sequence[float]
    bare: Sequence[float]
    operator_median: float
    bare_median: float
    overhead: float


def run(place: Place, authority: ACMEOverDNS01, say: Say) -> Lone:
    """With the authority of the place. In turns, so that whatever else the machine does hits both."""
    place.add_issuer()
    operator, bare = asyncio.run(_take_turns(place, authority, say))
    operator_median, bare_median = statistics.median(operator), statistics.median(bare)
    return Lone(
        operator=operator,
        bare=bare,
        operator_median=operator_median,
        bare_median=bare_median,
        overhead=operator_median - bare_median,
    )


async def _take_turns(place: Place, authority: ACMEOverDNS01, say: Say) -> tuple[list[float], list[float]]:
    operator: list[float] = []
    bare: list[float] = []
    with Certificates(place.tenant.control_plane, place.tenant.namespace) as certificates:
        async with bare_client(authority) as client:
            for turn in range(_ROUNDS + 1):
                bare.append(await client.seconds_for(f"bare-{turn}.example.test"))
                operator.append(await asyncio.to_thread(_seconds_for, place, certificates, f"lone-{turn}"))
                say(f"round {turn}: operator {operator[-1]:.3f} s, bare client {bare[-1]:.3f} s")
                await asyncio.sleep(_PAUSE_SECONDS)
    return operator[1:], bare[1:]


def _seconds_for(place: Place, certificates: Certificates, name: str) -> float:
    certificates.create(place.certificate(name))
    certificates.wait_ready([name], stalled_after=_STALLED_AFTER, progress=lambda _: None)
    return certificates.latencies([name])[0]
