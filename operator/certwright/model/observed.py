"""One Certificate's world at one instant: everything a decision may rest on, and nothing it may not.

``reconcile`` decides on it, `policy` judges it. Whoever builds one has parsed and bounded everything; nothing in it is
a dict of unknown shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from cryptography import x509

from certwright.model.chain import load_certificates, require_readable
from certwright.model.keys import InvalidKeyError, PrivateKey, load
from certwright.model.metadata import Key, Kind, ObjectMetadata
from certwright.model.ownership import certificate_of
from certwright.model.resources import CertificateSpec, CertificateStatus, IssuerSpec, IssuerStatus
from certwright.model.staged import Destination, Staged
from certwright.model.superseded import Superseded

CHECKS = 4
"""The number of the set of checks in `policy`. Raised whenever one is added, so that every Secret is read once more."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A Certificate as the API server holds it."""

    metadata: ObjectMetadata
    spec: CertificateSpec
    status: CertificateStatus


@dataclass(frozen=True)
class DeliveredSecret:
    """The target Secret, read whole. ``leaf`` and ``key`` are None where the data cannot be read."""

    metadata: ObjectMetadata
    type: str
    data: Mapping[str, bytes] = field(repr=False)
    owner_uids: tuple[str, ...] = ()
    is_immutable: bool = False

    @cached_property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """tls.crt, leaf first; empty where it cannot be read."""
        try:
            chain = load_certificates(self.data.get("tls.crt", b""))
            require_readable(chain)
        except ValueError:
            return ()
        return chain

    @property
    def leaf(self) -> x509.Certificate | None:
        """The end entity's certificate."""
        return self.chain[0] if self.chain else None

    @cached_property
    def key(self) -> PrivateKey | None:
        """tls.key."""
        try:
            return load(self.data.get("tls.key", b""))
        except InvalidKeyError:
            return None

    @cached_property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """ca.crt; empty where it is absent or cannot be read."""
        try:
            return load_certificates(self.data["ca.crt"])
        except (KeyError, ValueError):
            return ()

    @property
    def has_unreadable_anchors(self) -> bool:
        """Whether ca.crt is there and holds something else than certificates; an empty one counts as absent."""
        return bool(self.data.get("ca.crt")) and not self.anchors


@dataclass(frozen=True, slots=True)
class AsRecorded:
    """The Secret is the very version that ``status.secret`` says was checked; it was not read again."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The API server answered 404."""


SecretState: TypeAlias = DeliveredSecret | AsRecorded | Absent


def is_ours(certificate: Certificate, secret: SecretState) -> bool:
    """Whether the Secret was written for this Certificate, or is not there.

    Nobody's, but the very object that the status knows: somebody took our labels away, and upkeep puts them back.
    """
    if not isinstance(secret, DeliveredSecret):
        return True
    owner, recorded = certificate_of(secret.metadata), certificate.status.secret
    if owner is None:
        return recorded is not None and recorded.uid == secret.metadata.uid
    return owner == certificate.metadata.name


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """An Issuer or ClusterIssuer as it was seen last."""

    key: Key
    metadata: ObjectMetadata
    spec: IssuerSpec
    status: IssuerStatus
    destination: Destination
    obstacle: str | None = None
    """Why it cannot be asked now, as a sentence; None: it is ready."""
    fault: str | None = None
    """Why this version cannot read its spec, which is then empty; None: it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is known of one Certificate. ``issuer`` is None where the API server has none of that name."""

    certificate: Certificate
    secret: SecretState
    issuer: KnownIssuer | None
    staged: Staged | None = None
    staged_metadata: ObjectMetadata | None = None
    superseded: tuple[Superseded, ...] = ()
    """What waits for its revocation in the enrolment Secret, beside an enrolment or alone."""
    enrolment_secret: ObjectMetadata | None = None
    """The enrolment Secret, whatever it holds; ``staged_metadata`` is the same where an enrolment is in it."""
    former: DeliveredSecret | None = None
    """The Secret under its former name, where ``spec.secretName`` was edited and what it holds is still to move."""
    rival: str | None = None
    """The Certificate that this Secret is left to, where two name the same one; None: there is none."""
    credential_of: str | None = None
    """The issuer that uses a Secret of somebody else's as its own, for the message; None: none does."""
    successors: tuple[KnownIssuer, ...] = ()
    """The other issuers that the Certificate names, in the order of their turns, that are ready and allow it."""
    refusal: str | None = None
    """Why the issuer does not allow this Certificate, as a sentence naming the value; None: it does."""
    keystores: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The keystores as the Secret should have them; empty where none is wanted or the Secret was not read."""
    keystore_obstacle: str | None = None
    """Why the wanted keystores cannot be made, as a sentence; ``keystores`` are then those that are there."""
    now: datetime

    @property
    def key(self) -> Key:
        """The Certificate's key."""
        return Key(Kind.CERTIFICATE, self.certificate.metadata.namespace, self.certificate.metadata.name)
