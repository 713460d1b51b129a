"""An ACME client that is only that: the floor under a Certificate's price.

It is certwright's own driver with its RFC 2136 solver, called in a loop: the same requests and the same polling rules,
and neither Kubernetes nor a check of what the CA issued.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network

from cryptography.hazmat.primitives.asymmetric import ec

from certwright.issuers.acme import ACMEDriver, ConfiguredSolver
from certwright.model import keys
from certwright.model.csr import build_csr
from certwright.model.enrolment import EnrolmentRequest, Issued, Pending, ResumeData
from certwright.model.metadata import ObjectMetadata
from certwright.model.resources import ACMEIssuer, CertificateSpec, TSIGAlgorithm
from certwright.protocols.acme import AccountKey, ACMEClient
from certwright.protocols.transport import AddressPolicy, TransportSettings, open_client
from certwright.solvers.dns01.exchange import Nameserver
from certwright.solvers.dns01.propagation import Propagation
from certwright.solvers.dns01.resolver import Resolver
from certwright.solvers.dns01.rfc2136 import RFC2136, TSIGKey
from certwright.solvers.dns01.solver import DNS01Solver
from e2e.bench.authorities import ACMEOverDNS01
from e2e.peers import Bind9

_LOOPBACK = AddressPolicy(excepted=(ip_network("127.0.0.0/8"),))


def _now() -> datetime:
    return datetime.now(tz=UTC)


class BareClient:
    """Enrols one name after another with one account and its open connections."""

    def __init__(self, driver: ACMEDriver) -> None:
        self._driver = driver

    async def seconds_for(self, name: str) -> float:
        """Make a key, enrol, and answer how long it took."""
        began = time.perf_counter()
        await self._enrol(name)
        return time.perf_counter() - began

    async def _enrol(self, name: str) -> Issued:
        spec = CertificateSpec.model_validate({"secretName": name, "issuerRef": {"name": "ca"}, "dnsNames": [name]})
        key = keys.generate(keys.wanted_kind(None))
        request = EnrolmentRequest(
            certificate=ObjectMetadata("bench", name, name, "1"),
            spec=spec,
            key=key,
            csr=build_csr(spec, key),
            started_at=_now(),
        )
        resume: ResumeData = (await self._driver.prepare(request)).resume
        while True:
            answer = await self._driver.enrol(request, resume=resume)
            if isinstance(answer, Issued):
                return answer
            resume = answer.resume
            if isinstance(answer, Pending):
                await asyncio.sleep(answer.retry_after.total_seconds())


@asynccontextmanager
async def bare_client(authority: ACMEOverDNS01) -> AsyncIterator[BareClient]:
    """A client with an account of its own there."""
    *_, manifest = authority.issuer()
    issuer = ACMEIssuer.model_validate(manifest["spec"]["acme"])
    settings = TransportSettings(
        user_agent="certwright-bench", addresses=_LOOPBACK, roots=authority.pebble.trust_anchor.encode()
    )
    http = open_client(settings)
    try:
        account = AccountKey(ec.generate_private_key(ec.SECP256R1()))
        client = ACMEClient(authority.pebble.url, account, http=http, clock=_now)
        solvers = [ConfiguredSolver(issuer.solvers[0], _solver(authority.bind9))]
        driver = ACMEDriver(issuer, client, solvers=solvers, clock=_now)
        await driver.check()
        yield BareClient(driver)
    finally:
        await http.aclose()


def _solver(bind9: Bind9) -> DNS01Solver:
    key = TSIGKey.parse(bind9.key.name, bind9.key.secret.encode(), algorithm=TSIGAlgorithm.HMAC_SHA256)
    provider = RFC2136(bind9.url, key=key)
    return DNS01Solver(provider, Propagation(Resolver([Nameserver.parse(bind9.url)])))
