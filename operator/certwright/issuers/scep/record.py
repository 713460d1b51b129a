"""What must survive a restart: how the request is made and signed, as JSON in the enrolment Secret.

The transactionID and a self-signed signer's certificate are not in it: they follow from the staged key, the CSR and the
serial number of the certificate being renewed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from cryptography import x509

from certwright.model import keys
from certwright.model.chain import to_pem
from certwright.model.enrolment import ResumeData
from certwright.model.keys import PrivateKey


class Operation(StrEnum):
    """What is sent first (RFC 8894 §3.3.1)."""

    PKCS_REQ = "PKCSReq"
    RENEWAL_REQ = "RenewalReq"


class ChallengeOrigin(StrEnum):
    """Where the CSR's challenge comes from, which says what may be done with it."""

    NONE = "none"
    REPEATABLE = "repeatable"  # The issuer's, which serves every enrolment.
    CERTIFICATE = "certificate"  # The Certificate's own, used once.
    FETCHED = "fetched"  # Handed out for this enrolment, for a while.


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSigner:
    """A key in PEM that is not the staged one, with the certificate that it signs with; empty: a self-signed one."""

    key: str = field(repr=False)
    certificate: str = ""

    @classmethod
    def of(cls, key: PrivateKey, certificate: x509.Certificate | None = None) -> Self:
        """What is staged of a key, and of the certificate being renewed where that signs."""
        return cls(
            key=keys.encode(key).decode("ascii"),
            certificate=to_pem([certificate]).decode("ascii") if certificate is not None else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One transaction. ``pending_since`` is when the CA said first that it needs time."""

    id: str
    operation: Operation
    renews: int | None = None
    signer: StagedSigner | None = None
    challenge: ChallengeOrigin = ChallengeOrigin.NONE
    fetched_at: datetime | None = None
    pending_since: datetime | None = None

    @property
    def is_credential_used(self) -> bool:
        """Whether an answer to this request is one to the Certificate's own credential."""
        return self.challenge is ChallengeOrigin.CERTIFICATE

    def waiting(self, since: datetime) -> Self:
        """The same transaction, pending at the CA."""
        return replace(self, pending_since=since)

    def signed_by(self, signer: StagedSigner) -> Self:
        """The same transaction with a signer of its own."""
        return replace(self, signer=signer)

    def as_resume(self) -> ResumeData:
        """The JSON that is staged."""
        signer = self.signer
        return {
            "id": self.id,
            "operation": str(self.operation),
            # A serial number has up to 160 bits, and JSON's readers disagree about such numbers.
            "renews": None if self.renews is None else f"{self.renews:x}",
            "signer": None if signer is None else {"key": signer.key, "certificate": signer.certificate},
            "challenge": str(self.challenge),
            "fetchedAt": _written(self.fetched_at),
            "pendingSince": _written(self.pending_since),
        }

    @classmethod
    def parse(cls, resume: Mapping[str, Any]) -> Self | None:
        """Read it back. None where there is none, or one that another version wrote."""
        try:
            renews, signer = resume["renews"], resume["signer"]
            return cls(
                id=str(resume["id"]),
                operation=Operation(resume["operation"]),
                renews=None if renews is None else int(renews, 16),
                signer=None if signer is None else StagedSigner(**signer),
                challenge=ChallengeOrigin(resume["challenge"]),
                fetched_at=_read(resume["fetchedAt"]),
                pending_since=_read(resume["pendingSince"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
