"""The interface between the lifecycle and the drivers: what is asked of a CA, and the closed set of its answers.

A driver (``certwright.issuers``) implements `Issuer` for one protocol; ``handlers`` carry out what follows from its
answers. The two meet only here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from cryptography import x509

from certwright.model.keys import PrivateKey
from certwright.model.metadata import ObjectMetadata
from certwright.model.resources import CertificateSpec

ResumeData = Mapping[str, Any]
"""What a driver must know to go on after a restart: JSON of at most 64 KB, kept in the staged Secret, never shown."""


@dataclass(frozen=True, slots=True)
class CurrentCertificate:
    """What the Secret holds now: the certificate that a renewal replaces, and may authenticate with."""

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """One certificate wanted of one CA.

    ``key`` and ``csr`` are the staged ones: whatever happens, the same are given again until the enrolment ends.
    In `Issuer.prepare` they are not made yet, and ``csr`` is empty.
    """

    certificate: ObjectMetadata
    spec: CertificateSpec
    key: PrivateKey | None = field(default=None, repr=False)
    csr: bytes = field(default=b"", repr=False)
    current: CurrentCertificate | None = None
    started_at: datetime

    @property
    def is_renewal(self) -> bool:
        """Whether a certificate for this very Certificate is there already."""
        return self.current is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What must be known before the key and the CSR are made; ``resume`` is staged together with them."""

    extensions: tuple[x509.Extension[x509.ExtensionType], ...] = ()
    resume: ResumeData = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The CA issued. ``chain`` is leaf first, without the root; ``anchors`` become ca.crt where the CA tells them.

    ``key`` is there only where the server made it. ``asked_validity`` is the lifetime that went into the request, None
    where the CA was left to decide.
    """

    chain: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = field(default=None, repr=False)
    asked_validity: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The CA, or the world, needs time. ``message`` says in plain words what is waited for."""

    retry_after: timedelta
    resume: ResumeData = field(repr=False)
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """``resume`` must be stored before the next step is taken; ``enrol`` is called again at once."""

    resume: ResumeData = field(repr=False)
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerReport:
    """What a probe found out. ``account_uri`` is ACME's; ``limits`` of the wire are the driver's own business."""

    message: str
    capabilities: tuple[str, ...] = ()
    ca_certificates: tuple[x509.Certificate, ...] = ()
    account_uri: str = ""


class Issuer(Protocol):
    """One CA, reached over one protocol with resolved credentials. Answers are values, failures `EnrolmentError`s.

    Every method takes one step and returns; none sleeps for seconds. All may be called again after a crash at any
    point with what was stored last, and must then neither ask for a second certificate where the protocol lets them
    resume, nor leave anything behind.
    """

    async def check(self) -> IssuerReport:
        """Really probe the server with the credentials at hand."""
        ...

    async def prepare(self, request: EnrolmentRequest) -> Prepared:
        """Read what shapes the request; ask for no certificate."""
        ...

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Issued | Pending | Checkpoint:
        """Take the next step towards the certificate."""
        ...


@runtime_checkable
class Abandoner(Protocol):
    """A driver that leaves something behind when an enrolment is given up halfway: challenges, pending orders."""

    async def abandon(self, request: EnrolmentRequest, *, resume: ResumeData) -> None:
        """Take back what was presented for this enrolment; never raises for what is already gone."""
        ...
