"""The EST driver: certwright's `Issuer` for one EST server and label, made by ``handlers`` for each Issuer."""

from collections.abc import Callable, Sequence
from datetime import datetime

import httpx

from certwright.issuers.est.authority import Authority
from certwright.issuers.est.connections import Connections, RunCPU, run_inline
from certwright.issuers.est.credentials import ESTCredentials, read_identity
from certwright.issuers.est.enrolling import Exchange
from certwright.issuers.est.means import Means
from certwright.issuers.est.preparing import Preparation
from certwright.issuers.est.probe import Probe
from certwright.issuers.est.refusing import Refusals
from certwright.issuers.est.trust import Trust
from certwright.model.enrolment import (
    EnrolmentRequest,
    Issued,
    IssuerReport,
    LearnedAnchor,
    Pending,
    Prepared,
    ResumeData,
    StartAfresh,
)
from certwright.model.resources import ESTIssuer
from certwright.protocols.est import HTTPOpener, Opener
from certwright.protocols.transport import TransportSettings


class ESTDriver:
    """Implements `Issuer` over EST.

    ``transport.roots`` are the issuer's ``tls``, None for the system's; with ``spec.bootstrap`` they play no part.
    ``learned`` is what an earlier driver reported. Raises `IssuerError` where credentials or roots cannot be used.
    Close it with `aclose`.
    """

    def __init__(
        self,
        spec: ESTIssuer,
        credentials: ESTCredentials,
        *,
        transport: TransportSettings,
        clock: Callable[[], datetime],
        learned: Sequence[LearnedAnchor] = (),
        run_cpu: RunCPU = run_inline,
        opener: Opener | None = None,
    ) -> None:
        server = httpx.URL(spec.url).host
        opener = opener or HTTPOpener(transport)
        identity = read_identity(spec, credentials)
        trust = Trust(spec, opener, roots=transport.roots, learned=learned, server=server, clock=clock)
        self._connections = Connections(opener, spec, identity, clock=clock, run_cpu=run_cpu)
        self._means = Means(
            server=server,
            spec=spec,
            identity=identity,
            trust=trust,
            connections=self._connections,
            authority=Authority(trust),
            clock=clock,
        )
        self._refusals = Refusals()

    async def check(self) -> IssuerReport:
        """Read the CA certificates and CSR attributes, and believe the CA's new roots where that is safe."""
        return await Probe(self._means).run()

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        """Read what the CA wants in a request."""
        return await Preparation(self._means, request).run()

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Issued | Pending | StartAfresh:
        """Send the request, for the first time or again."""
        return await Exchange(means=self._means, request=request, resume=resume, refused=self._refusals).run()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()
