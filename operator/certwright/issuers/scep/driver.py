"""The SCEP driver: certwright's `Issuer` for one CA that speaks SCEP, made by ``handlers`` for each Issuer."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

import httpx
from cryptography import x509
from cryptography.x509.oid import AttributeOID

from certwright.issuers.judging import probing
from certwright.issuers.scep.addresses import PLAIN_OR_TLS, host_of
from certwright.issuers.scep.challenges import Outstanding
from certwright.issuers.scep.credentials import (
    LIFETIME,
    OpenClient,
    SCEPCredentials,
    issuer_challenge,
    open_source,
    outstanding_limit,
)
from certwright.issuers.scep.facts import Facts, Server
from certwright.issuers.scep.means import Means
from certwright.issuers.scep.memory import Memory
from certwright.issuers.scep.preparing import Preparation
from certwright.issuers.scep.probe import Probe
from certwright.issuers.scep.progress import Progress
from certwright.issuers.scep.record import Record, StagedSigner
from certwright.issuers.scep.signing import make_throwaway_key, signer_of
from certwright.model import keys
from certwright.model.enrolment import (
    Answer,
    Checkpoint,
    EnrolmentRequest,
    IssuerReport,
    LearnedAnchor,
    Prepared,
    ResumeData,
    StartAfresh,
)
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm, SCEPIssuer
from certwright.protocols.scep import (
    LegacyAlgorithm,
    LegacyAlgorithms,
    Method,
    SCEPClient,
    Signer,
    Transaction,
    transaction_id,
)
from certwright.protocols.transport import TransportSettings, UnusableTrust, open_client


class SCEPDriver:
    """Implements `Issuer` over SCEP. Making one opens connections, and raises `IssuerError` where the settings forbid.

    ``learned`` are the anchors of the last report. ``algorithms`` are those that the issuer allows for keys, None if
    it allows all. ``run_cpu`` runs a slow function elsewhere and awaits its result.
    """

    def __init__(
        self,
        spec: SCEPIssuer,
        credentials: SCEPCredentials,
        *,
        transport: TransportSettings,
        clock: Callable[[], datetime],
        run_cpu: Callable[..., Awaitable[Any]],
        learned: tuple[LearnedAnchor, ...] = (),
        algorithms: Collection[KeyAlgorithm] | None = None,
        open_client: OpenClient = open_client,
    ) -> None:
        name = host_of(spec.url, "scep.url", schemes=PLAIN_OR_TLS)
        _refuse_unauthenticated(spec)
        self._http = _opened(transport, open_client)
        client = _client(spec, self._http, clock)
        challenge = spec.challenge
        self._means = Means(
            name=name,
            spec=spec,
            client=client,
            server=Server(client, name=name, pinned=spec.ca_fingerprint_sha256, learned=learned, clock=clock),
            memory=Memory(clock),
            outstanding=Outstanding(
                outstanding_limit(spec), lifetime=(challenge.lifetime if challenge else None) or LIFETIME
            ),
            clock=clock,
            run_cpu=run_cpu,
            learned=learned,
            challenge=issuer_challenge(credentials),
            source=open_source(spec, credentials, transport=transport, open_client=open_client, clock=clock),
        )
        self._algorithms = algorithms

    async def check(self) -> IssuerReport:
        """Read the capabilities and the CA's certificates, the next ones included."""
        with probing():
            return await Probe(self._means, self._algorithms).run()

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        """Decide how the request is made and signed, and have its challenge at hand."""
        self._means.memory.refuse_blocked()
        return await Preparation(self._means, request).run()

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Answer:
        """Send the request, or find out what became of it."""
        self._means.memory.refuse_blocked()
        record = Record.parse(resume)
        if record is None:
            return StartAfresh(message="The staged transaction was written by another version, and is begun anew.")
        name = transaction_id(_public_der(request), record.renews)
        signer = signer_of(record, request, name, self._means.memory.signers)
        if signer is None:
            return await self._stage_signer(record)
        facts = await self._means.server.facts()
        csr = x509.load_der_x509_csr(request.csr)
        return await Progress(self._means, record, _transaction(name, signer, facts, csr), csr).advance()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()
        if self._means.source is not None:
            await self._means.source.aclose()

    async def _stage_signer(self, record: Record) -> Checkpoint:
        """The key became another one than was expected when the enrolment was prepared."""
        key = await self._means.run_cpu(make_throwaway_key)
        self._means.memory.signers.keep(record.id, key)
        resume = record.signed_by(StagedSigner.of(key)).as_resume()
        return Checkpoint(resume=resume, message="The request is signed with an RSA key made for it.")


def _opened(transport: TransportSettings, open_client: OpenClient) -> httpx.AsyncClient:
    try:
        return open_client(transport)
    except UnusableTrust as error:
        raise IssuerError(f"tls.caBundle: {error}", reason=Reason.INVALID_CONFIGURATION) from error


def _client(spec: SCEPIssuer, http: httpx.AsyncClient, clock: Callable[[], datetime]) -> SCEPClient:
    legacy = spec.legacy_algorithms
    send = frozenset(LegacyAlgorithm(str(name)) for name in legacy.send) if legacy else frozenset()
    accept = frozenset(LegacyAlgorithm(str(name)) for name in legacy.accept) if legacy else frozenset()
    return SCEPClient(
        spec.url,
        http=http,
        clock=clock,
        ca_identifier=spec.ca_identifier,
        method=Method(str(spec.http_method)) if spec.http_method else Method.AUTO,
        legacy=LegacyAlgorithms(send=send, accept=accept),
    )


def _transaction(name: str, signer: Signer, facts: Facts, csr: x509.CertificateSigningRequest) -> Transaction:
    """The challenge is in the CSR already; it also encrypts where the CA's key cannot."""
    try:
        challenge = csr.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value.decode("utf-8")
    except x509.AttributeNotFound:
        challenge = None
    return Transaction(
        id=name, signer=signer, authority=facts.authority, capabilities=facts.capabilities, challenge=challenge
    )


def _public_der(request: EnrolmentRequest) -> bytes:
    if request.key is None:
        raise TypeError("an enrolment is carried out with its staged key")
    return keys.public_der(request.key)


def _refuse_unauthenticated(spec: SCEPIssuer) -> None:
    """The API server's schema says so too, but objects outlive schemas."""
    if spec.ca_fingerprint_sha256 is None and not spec.url.lower().startswith("https://"):
        raise IssuerError(
            "scep.caFingerprintSHA256 is needed with an http:// url, since nothing else authenticates the CA: set it or"
            " use https://.",
            reason=Reason.INVALID_CONFIGURATION,
        )
