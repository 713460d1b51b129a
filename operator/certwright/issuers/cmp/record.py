"""What must survive a restart: one transaction, who protects it, and what it has come to, as JSON in the staged Secret.

The driver stores it when a request is staged, while the CA makes it wait, and before a certificate is confirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from cryptography import x509

from certwright.model import keys
from certwright.model.chain import load_certificates, to_pem
from certwright.model.enrolment import CurrentCertificate, ResumeData
from certwright.model.keys import PrivateKey
from certwright.protocols.cmp import Transaction


class Origin(StrEnum):
    """Whose credential protects the messages of a transaction, from its first to its last (RFC 9483 §3.2)."""

    ISSUER = "issuer"
    CERTIFICATE = "certificate"  # Its own MAC secret, used once.
    CURRENT = "current"  # The certificate that is being renewed.


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSigner:
    """The certificate being renewed, its chain and its key in PEM: the Secret may hold another one before the end."""

    key: str = field(repr=False)
    certificates: str

    @classmethod
    def of(cls, current: CurrentCertificate) -> Self:
        """What is staged of it."""
        return cls(key=keys.encode(current.key).decode(), certificates=to_pem((current.leaf, *current.chain)).decode())

    def read(self) -> CurrentCertificate:
        """The pair."""
        leaf, *chain = load_certificates(self.certificates.encode())
        return CurrentCertificate(leaf, tuple(chain), keys.load(self.key.encode()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the CA granted: to be confirmed and delivered. ``key`` is there where the CA made it."""

    chain: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]
    key: PrivateKey | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What ``from_json`` reads."""
        return {
            "chain": to_pem(self.chain).decode(),
            "anchors": to_pem(self.anchors).decode(),
            "key": None if self.key is None else keys.encode(self.key).decode(),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read it back; raises what broken data raises."""
        key = stored["key"]
        return cls(
            chain=load_certificates(stored["chain"].encode()),
            anchors=load_certificates(stored["anchors"].encode()) if stored["anchors"] else (),
            key=None if key is None else keys.load(key.encode()),
            notes=tuple(stored["notes"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One transaction. ``since`` is when the CA made it wait first, or granted. ``settled`` waits to be confirmed."""

    transaction: Transaction
    origin: Origin
    signer: StagedSigner | None = None
    since: datetime | None = None
    settled: Settled | None = None

    @property
    def id(self) -> str:
        """The transactionID, as messages and logs have it."""
        return self.transaction.transaction_id.hex()

    @property
    def next_message(self) -> str:
        """What names the message that comes next, for knowing whether it was sent."""
        return f"{self.id} {self.transaction.state}"

    @property
    def is_credential_used(self) -> bool:
        """Whether an answer is one to the Certificate's own credential."""
        return self.origin is Origin.CERTIFICATE

    def begun_with(self, transaction: Transaction) -> Self:
        """The same request in a new transaction."""
        return replace(self, transaction=transaction, since=None, settled=None)

    def going_on(self, transaction: Transaction, *, since: datetime) -> Self:
        """The same transaction one message later."""
        return replace(self, transaction=transaction, since=self.since or since)

    def granted(self, transaction: Transaction, settled: Settled, *, since: datetime) -> Self:
        """The same transaction with its certificate."""
        return replace(self, transaction=transaction, since=since, settled=settled)

    def as_resume(self) -> ResumeData:
        """The JSON that is staged."""
        signer, since, settled = self.signer, self.since, self.settled
        return {
            "transaction": self.transaction.to_json(),
            "origin": str(self.origin),
            "signer": None if signer is None else {"key": signer.key, "certificates": signer.certificates},
            "since": None if since is None else since.isoformat(),
            "settled": None if settled is None else settled.to_json(),
        }

    @classmethod
    def parse(cls, resume: Mapping[str, Any]) -> Self | None:
        """Read it back. None where there is none, or one that another version wrote."""
        try:
            signer, since, settled = resume["signer"], resume["since"], resume["settled"]
            return cls(
                transaction=Transaction.from_json(resume["transaction"]),
                origin=Origin(resume["origin"]),
                signer=None if signer is None else StagedSigner(**signer),
                since=None if since is None else datetime.fromisoformat(since),
                settled=None if settled is None else Settled.from_json(settled),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def shown_names(certificates: Sequence[x509.Certificate], most: int = 3) -> str:
    """The first few by their subjects, for messages."""
    names = [certificate.subject.rfc4514_string()[:100] or "(no name)" for certificate in certificates[:most]]
    more = len(certificates) - most
    return "; ".join(names) + (f"; and {more} more" if more > 0 else "")
