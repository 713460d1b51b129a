"""The closed set of things that can be done next with one Certificate; ``handlers`` carry them out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from certwright.model.metadata import ObjectMetadata
from certwright.model.observed import DeliveredSecret, KnownIssuer
from certwright.model.policy import Finding
from certwright.model.resources import CertificateStatus
from certwright.model.staged import Staged


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing is to be done before ``until``; None: before something changes."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """Write the status, then come again after a while; None: when something changes."""

    status: CertificateStatus
    again: timedelta | None


@dataclass(frozen=True, slots=True)
class Begin:
    """Prepare and stage a new enrolment with this issuer."""

    why: Finding
    issuer: KnownIssuer
    digest: str


@dataclass(frozen=True, slots=True)
class GoOn:
    """Take the next step of the staged enrolment."""

    staged: Staged
    metadata: ObjectMetadata
    issuer: KnownIssuer


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete the staged record: it is done, or for a request that nobody wants any more."""

    metadata: ObjectMetadata
    staged: Staged | None


@dataclass(frozen=True, slots=True)
class Reapply:
    """Write the Secret again from what it holds, without the CA."""

    body: Mapping[str, Any] = field(repr=False)
    secret: ObjectMetadata
    drift: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """Write what the Secret under the former name holds into the one under the new name, without the CA."""

    former: DeliveredSecret


@dataclass(frozen=True, slots=True)
class Retire:
    """Delete the Secret under the former name, as ``spec.deletion`` says: another stands under the new name."""

    former: DeliveredSecret


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take a Secret over that somebody else wrote, without the CA; ``difference``: why one will be issued anyway."""

    secret: DeliveredSecret
    difference: Finding | None


@dataclass(frozen=True, slots=True)
class Bind:
    """Set the Certificate's finalizers: ours comes or goes, as ``spec.revocation`` says."""

    finalizers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PassOn:
    """Let the next of the named issuers have its turn, and look again at once."""

    why: Finding


Step: TypeAlias = Sleep | Report | Begin | GoOn | Drop | Reapply | Copy | Retire | Adopt | Bind | PassOn
