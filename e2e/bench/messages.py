"""What one CMP message costs in CPU time: ``protocols.cmp`` alone, with neither Kubernetes nor a driver around it.

A real server answers, since what reading costs depends on what there is to read. ``CMPClient`` hands everything that
computes to its ``run_cpu``, which is where the clock runs here: the connection and the waiting are outside.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from cryptography import x509

from certwright.model import keys
from certwright.model.csr import build_csr
from certwright.model.resources import CertificateSpec
from certwright.protocols.cmp import CertificateRequest, CMPClient, Protection, Trust
from e2e.bench.stage import Say
from e2e.peers.cmp import CMPServer
from e2e.peers.cmp.clients import by_pair, by_secret, now

R = TypeVar("R")

COUNT = 200
_WARM_UP = 20
"""Unmeasured, for both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """CPU seconds: means over ``count`` exchanges of one client, and the very first one, which derives keys.

    ``made`` is from the request to the octets of an ir, proof of possession and protection with it; ``read`` is from
    the octets of the ip to its certificate, protection verified.
    """

    count: int
    made: float
    read: float
    first_made: float
    first_read: float


@dataclass(slots=True)
class _Meter:
    """A ``run_cpu`` that measures: of each ir its body, then the whole message, then the answer."""

    spent: list[float] = field(default_factory=list)

    async def __call__(self, work: Callable[[], R]) -> R:
        began = time.process_time()
        try:
            return work()
        finally:
            self.spent.append(time.process_time() - began)

    def taken(self) -> tuple[float, float]:
        """Making and reading, since the last call."""
        *made, read = self.spent
        self.spent.clear()
        return sum(made), read


def run(say: Say) -> dict[str, Messages]:
    """By protection; one server for all."""
    with CMPServer(request_template=b"") as server:
        client = server.hierarchy.issue("bench", names=["bench.example.test"])
        protections: dict[str, Protection] = {"PBM": by_secret(server), "signature": by_pair(client)}
        return {name: asyncio.run(_measure(server, one, name, say)) for name, one in protections.items()}


async def _measure(server: CMPServer, protection: Protection, name: str, say: Say) -> Messages:
    async with httpx.AsyncClient() as http:
        pairs = await _exchanges(server, protection, http)
    (first_made, first_read), *_ = pairs
    measured = pairs[_WARM_UP:]
    made, read = (statistics.mean(column) for column in zip(*measured, strict=True))
    say(f"{name}: {1000 * made:.2f} ms to make an ir, {1000 * read:.2f} ms to read its answer")
    return Messages(count=len(measured), made=made, read=read, first_made=first_made, first_read=first_read)


async def _exchanges(server: CMPServer, protection: Protection, http: httpx.AsyncClient) -> list[tuple[float, float]]:
    meter = _Meter()
    trust = Trust((x509.load_pem_x509_certificate(server.ca_certificate.encode()),))
    client = CMPClient(server.url, http=http, clock=now, protection=protection, trust=trust, run_cpu=meter)
    pairs = []
    for number in range(_WARM_UP + COUNT):
        await client.ir(_request(f"site-{number}"))
        pairs.append(meter.taken())
    return pairs


def _request(name: str) -> CertificateRequest:
    names = [f"{name}.example.test"]
    spec = CertificateSpec.model_validate({"secretName": name, "issuerRef": {"name": "ca"}, "dnsNames": names})
    key = keys.generate(keys.wanted_kind(None))
    return CertificateRequest.from_csr(x509.load_der_x509_csr(build_csr(spec, key)), key=key)
