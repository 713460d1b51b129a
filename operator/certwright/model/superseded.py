"""Certificates that wait to be revoked because another took their place, as they are kept in the enrolment Secret.

Each has an entry of its own beside whatever enrolment is under way: an entry outlives the enrolments that come and go.
One without a due time is the certificate that the enrolment under way is going to replace.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from certwright.model import keys
from certwright.model.chain import fingerprint, load_certificates, serial_number, to_pem
from certwright.model.enrolment import ResumeData
from certwright.model.keys import PrivateKey
from certwright.model.metadata import Key
from certwright.model.stored_json import a_text, an_instant, an_object

RESUME_LIMIT = 16_384
"""Bytes of resume data of one revocation; together with the enrolment's all must fit into one Secret."""

_PREFIX = "superseded-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """One certificate, its key, and whom to ask. ``due`` is None until its successor was delivered."""

    certificate: x509.Certificate
    key: PrivateKey | None = field(default=None, repr=False)
    issuer: Key
    due: datetime | None = None
    resume: ResumeData = field(default_factory=dict, repr=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256, as in ``status.fingerprintSHA256``."""
        return fingerprint(self.certificate)

    @property
    def serial_number(self) -> str:
        """As in ``status.serialNumber``."""
        return serial_number(self.certificate)

    def has_expired(self, now: datetime) -> bool:
        """Whether nobody accepts it any more, revoked or not."""
        return now >= self.certificate.not_valid_after_utc


def to_data(entries: Iterable[Superseded]) -> dict[str, bytes]:
    """The part of the Secret's data that holds them."""
    return {f"{_PREFIX}{entry.fingerprint}.json": _encode(entry) for entry in entries}


def from_data(data: Mapping[str, bytes]) -> tuple[Superseded, ...]:
    """Read what `to_data` wrote, the first due first; an entry that cannot be read is none."""
    found = [_decode(raw) for name, raw in data.items() if name.startswith(_PREFIX)]
    return in_order(entry for entry in found if entry is not None)


def in_order(entries: Iterable[Superseded]) -> tuple[Superseded, ...]:
    """The first due first, those without a due time last."""
    end = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(entries, key=lambda entry: (entry.due or end, entry.fingerprint)))


def as_stored(resume: ResumeData) -> ResumeData | None:
    """Resume data as it will be read again; None where it is too large to be kept."""
    raw = json.dumps(resume)
    return an_object(raw.encode()) if len(raw) <= RESUME_LIMIT else None


def _encode(entry: Superseded) -> bytes:
    about: dict[str, Any] = {
        "certificate": to_pem([entry.certificate]).decode("ascii"),
        "key": keys.encode(entry.key).decode("ascii") if entry.key is not None else None,
        "issuer": entry.issuer._asdict(),
        "due": entry.due.astimezone(UTC).isoformat() if entry.due is not None else None,
        "resume": json.dumps(entry.resume, sort_keys=True),
    }
    return json.dumps(about, sort_keys=True).encode()


def _decode(raw: bytes) -> Superseded | None:
    try:
        about = an_object(raw)
        (certificate,) = load_certificates(a_text(about["certificate"]).encode())
        key, due, issuer = about["key"], about["due"], about["issuer"]
        return Superseded(
            certificate=certificate,
            key=keys.load(a_text(key).encode()) if key is not None else None,
            issuer=Key(a_text(issuer["kind"]), a_text(issuer["namespace"]), a_text(issuer["name"])),
            due=an_instant(due) if due is not None else None,
            resume=an_object(a_text(about["resume"]).encode()),
        )
    except (KeyError, ValueError, TypeError, RecursionError):
        return None
