"""The CMP driver: certwright's `Issuer` and `Revoker` for one CA that speaks CMP; ``handlers`` make one per Issuer."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

import httpx
from cryptography import x509

from certwright.issuers.cmp.credentials import CMPCredentials, Identity, read_anchors, read_identity
from certwright.issuers.cmp.means import Means, Names
from certwright.issuers.cmp.memory import Memory
from certwright.issuers.cmp.preparing import Preparation
from certwright.issuers.cmp.probe import Probe
from certwright.issuers.cmp.progress import Progress
from certwright.issuers.cmp.record import Record
from certwright.issuers.cmp.revoking import Revoking
from certwright.issuers.cmp.trust import Trust
from certwright.model.enrolment import (
    Answer,
    EnrolmentRequest,
    IssuerReport,
    LearnedAnchor,
    Pending,
    Prepared,
    ResumeData,
    Revocation,
    Revoked,
    StartAfresh,
)
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import CMPIssuer
from certwright.protocols.transport import TransportSettings, UnusableTrust, open_client, shown

OpenClient = Callable[[TransportSettings], httpx.AsyncClient]


class CMPDriver:
    """Implements `Issuer` and `Revoker` over CMP. ``learned`` are the anchors of the last report.

    Making one opens a connection, and raises `IssuerError` where settings and credentials do not fit together.
    ``run_cpu`` runs a slow function elsewhere and awaits its result. Close it with `aclose`.
    """

    def __init__(
        self,
        spec: CMPIssuer,
        credentials: CMPCredentials,
        *,
        transport: TransportSettings,
        clock: Callable[[], datetime],
        run_cpu: Callable[..., Awaitable[Any]],
        learned: Iterable[LearnedAnchor] = (),
        open_client: OpenClient = open_client,
    ) -> None:
        name, names = _host_of(spec.url), Names(sender=_name("sender", spec), recipient=_name("recipient", spec))
        identity = read_identity(spec, credentials)
        accepts_ca_pubs = bool(spec.trust and spec.trust.accept_ca_pubs)
        trust = Trust(read_anchors(credentials.trust), learned, accepts_ca_pubs=accepts_ca_pubs, clock=clock)
        _refuse_unhearable(identity, trust)
        self._http = _opened(transport, open_client)
        self._means = Means(
            name=name,
            spec=spec,
            names=names,
            identity=identity,
            trust=trust,
            memory=Memory(clock),
            http=self._http,
            clock=clock,
            run_cpu=run_cpu,
        )

    async def check(self) -> IssuerReport:
        """Ask for what asks for no certificate, and say honestly what that proves."""
        return await Probe(self._means).run()

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        """Decide how the certificate is asked for, and read what the CA wants in the request."""
        return await Preparation(self._means, request).run()

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Answer:
        """Take the transaction a message further."""
        record = Record.parse(resume)
        if record is None:
            return StartAfresh(message="The staged transaction was written by another version, and is begun anew.")
        return await Progress(self._means, request, record).advance()

    async def revoke(self, revocation: Revocation, *, resume: ResumeData) -> Revoked | Pending:
        """Have a certificate revoked, or ask what became of that."""
        return await Revoking(self._means, revocation, resume).run()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()


def _opened(transport: TransportSettings, open_client: OpenClient) -> httpx.AsyncClient:
    try:
        return open_client(transport)
    except UnusableTrust as error:
        raise IssuerError(f"tls.caBundle: {error}", reason=Reason.INVALID_CONFIGURATION) from error


def _host_of(url: str) -> str:
    """The host that messages name. The API server's schema restricts URLs too, but objects outlive schemas."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host if parsed.scheme in {"http", "https"} else ""
    except (httpx.InvalidURL, ValueError):
        host = ""
    if not host:
        message = f"cmp.url must be a URL that begins with http:// or https://: {shown(url, 200)} is not."
        raise IssuerError(message, reason=Reason.INVALID_CONFIGURATION)
    return host


def _name(field: str, spec: CMPIssuer) -> x509.Name | None:
    text = spec.sender if field == "sender" else spec.recipient
    if text is None:
        return None
    try:
        return x509.Name.from_rfc4514_string(text)
    except ValueError as error:
        message = f"cmp.{field} is no distinguished name as RFC 4514 writes them, such as CN=device,O=Example: {error}."
        raise IssuerError(shown(message), reason=Reason.INVALID_CONFIGURATION) from error


def _refuse_unhearable(identity: Identity, trust: Trust) -> None:
    """Answers to signed requests are signed, never under a MAC; without an anchor none of them would count."""
    if identity.mac is None and identity.protection is not None and not trust.anchors:
        raise IssuerError(
            "cmp.trust is needed with a certificate in cmp.protection: the CA signs its answers then, and they are"
            " believed under a configured anchor only.",
            reason=Reason.INVALID_CONFIGURATION,
        )
