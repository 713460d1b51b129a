"""The interface between the lifecycle and the drivers: what is asked of a CA, and the closed set of its answers.

A driver (``certwright.issuers``) implements `Issuer` for one protocol; ``handlers`` carry out what follows from its
answers. The two meet only here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, runtime_checkable

from cryptography import x509

from certwright.model.errors import EnrolmentError
from certwright.model.keys import KeyKind, PrivateKey
from certwright.model.metadata import ObjectMetadata
from certwright.model.resources import CertificateSpec, SignatureAlgorithm

ResumeData = Mapping[str, Any]
"""What a driver must know to go on after a restart: JSON of at most 64 KB, kept in the staged Secret, never shown."""


@dataclass(frozen=True, slots=True)
class CurrentCertificate:
    """What the Secret holds now: the certificate that a renewal replaces, and may authenticate with."""

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeCredential:
    """A Certificate's own password, challenge or shared secret, which serves one enrolment.

    ``version`` is that of its Secret, which a status may name: nothing of the value can be told from it.
    ``obstacle`` is why it cannot be used: its Secret is missing, or it was answered once already. A renewal that
    authenticates otherwise never asks, so that whoever deletes a used credential loses nothing.
    """

    version: str = ""
    username: str = ""
    value: bytes = field(default=b"", repr=False)
    obstacle: EnrolmentError | None = None

    def use(self) -> bytes:
        """The secret value; raises the obstacle. Who uses it says so in `Issued` and `RejectedError`."""
        if self.obstacle is not None:
            raise self.obstacle
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """One certificate wanted of one CA.

    ``key`` and ``csr`` are the staged ones: whatever happens, the same are given again until the enrolment ends.
    In `Issuer.prepare` they are not made yet, and ``csr`` is empty. ``credential`` is the Certificate's own for the
    issuer's protocol, None where it names none and the issuer's serves. ``former_serial`` is the number of the
    certificate whose Secret is lost, where this issuer issued it.
    """

    certificate: ObjectMetadata
    spec: CertificateSpec
    key: PrivateKey | None = field(default=None, repr=False)
    csr: bytes = field(default=b"", repr=False)
    current: CurrentCertificate | None = None
    credential: OneTimeCredential | None = None
    former_serial: int | None = None
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What must be known before the key and the CSR are made; ``resume`` is staged together with them.

    ``key_kind`` and ``signature_algorithm`` count where the Certificate leaves them open. ``subject`` replaces the one
    of the spec, which it must contain. ``attributes`` of the CSR are pairs of a dotted OID and its values in DER.
    """

    key_kind: KeyKind | None = None
    signature_algorithm: SignatureAlgorithm | None = None
    subject: x509.Name | None = None
    extensions: tuple[x509.Extension[x509.ExtensionType], ...] = ()
    challenge_password: str | None = field(default=None, repr=False)
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...] = field(default=(), repr=False)
    resume: ResumeData = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The CA issued. ``chain`` is leaf first, without the root; ``anchors`` become ca.crt where the CA tells them.

    ``key`` is there only where the server made it. ``asked_validity`` is the lifetime that went into the request, None
    where the CA was left to decide. ``notes`` are sentences that users are told in Events. ``is_credential_used`` says
    that the Certificate's own one-time credential was answered with this.
    """

    chain: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = field(default=None, repr=False)
    asked_validity: timedelta | None = None
    notes: tuple[str, ...] = ()
    is_credential_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The CA, or the world, needs time. ``message`` says in plain words what is waited for.

    ``transaction`` is the name under which the CA knows it: an order's URL, a transactionID; empty over EST.
    """

    retry_after: timedelta
    resume: ResumeData = field(repr=False)
    message: str
    transaction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """``resume`` must be stored before the next step is taken; ``enrol`` is called again at once."""

    resume: ResumeData = field(repr=False)
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAfresh:
    """What is staged cannot be sent any more, and no certificate was asked for with it: stage anew.

    ``message`` says why, as a sentence.
    """

    message: str


Answer: TypeAlias = Issued | Pending | Checkpoint | StartAfresh
"""The closed set of what a CA's driver answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedAnchor:
    """A trust anchor that the CA itself handed over, and why it is believed.

    ``source`` is one word (``Pinned``, ``NewWithOld``, ``AuthenticatedCACerts``, ``GetNextCACert`` …), ``by`` the
    SHA-256 fingerprint of the certificate that vouched for it, empty where the user's own configuration did.
    """

    certificate: x509.Certificate
    source: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerReport:
    """What a probe found out. ``account_uri`` is ACME's.

    ``learned`` are all anchors that the driver has learned so far: they are kept for the next driver, which gets them
    back when it is made. None: this protocol learns none.
    """

    message: str
    capabilities: tuple[str, ...] = ()
    ca_certificates: tuple[x509.Certificate, ...] = ()
    account_uri: str = ""
    learned: tuple[LearnedAnchor, ...] | None = None


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

    async def enrol(self, request: EnrolmentRequest, *, resume: ResumeData) -> Answer:
        """Take the next step towards the certificate."""
        ...


@runtime_checkable
class Abandoner(Protocol):
    """A driver that leaves something behind when an enrolment is given up halfway: challenges, pending orders."""

    async def abandon(self, request: EnrolmentRequest, *, resume: ResumeData) -> None:
        """Take back what was presented for this enrolment; never raises for what is already gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One certificate to be revoked, and why, in the words of RFC 5280 §5.3.1. ``key`` is its own, where it is kept."""

    certificate: x509.Certificate
    key: PrivateKey | None = field(default=None, repr=False)
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """The CA has revoked it, or had done so already."""

    message: str


@runtime_checkable
class Revoker(Protocol):
    """A driver that can have certificates revoked."""

    async def revoke(self, revocation: Revocation, *, resume: ResumeData) -> Revoked | Pending:
        """Ask for the revocation, or what became of it; ``resume`` is what the last `Pending` held.

        Raises `RejectedError` where the CA refuses for good or nothing is left that could sign the request.
        """
        ...
