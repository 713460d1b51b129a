"""The enrolment under way, as it is kept in one Secret from before the first request until its end.

What stands here is what a restart goes on with: the same key, the same bytes of CSR, the same transaction. A record
whose digest, issuer or server is no longer the wanted one belongs to another request and is dropped. Superseded
certificates that wait for their revocation live in the same Secret (`superseded`) and are never dropped with it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from certwright.model import keys, superseded
from certwright.model.enrolment import ResumeData
from certwright.model.keys import PrivateKey
from certwright.model.metadata import (
    ENROLMENT_SECRET_TYPE,
    LABEL_CERTIFICATE_UID,
    LABEL_MANAGED,
    LABEL_ROLE,
    ROLE_ENROLMENT,
    ROLE_REVOCATION,
    ObjectMetadata,
    enrolment_secret_name,
)
from certwright.model.ownership import owner_reference
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec
from certwright.model.stored_json import a_text, an_instant, an_object
from certwright.model.superseded import Superseded

RESUME_LIMIT = 65_536
"""Bytes of resume data; an order with 100 names needs about 40,000."""

_REQUEST_FIELDS = frozenset(
    {
        "commonName", "subject", "literalSubject", "dnsNames", "ipAddresses", "uris", "emailAddresses", "otherNames",
        "duration", "privateKey", "signatureAlgorithm", "usages", "encodeUsagesInRequest", "isCA", "nameConstraints",
        "acme", "est", "cmp", "scep", "csr",
    }
)  # fmt: skip
_ENROLMENT_KEYS = frozenset({"tls.key", "request.der", "enrolment.json", "resume.json"})
_UNORDERED_FIELDS = frozenset({"dnsNames", "ipAddresses", "uris", "emailAddresses", "otherNames", "usages"})
"""What is a set in a request, whatever its order in the spec."""


class UnreadableRecordError(ValueError):
    """A staged Secret that cannot be used; its text never quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Which CA a request was made for."""

    issuer_uid: str
    server: str
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """One enrolment. ``renew_request`` is the annotation's value that it will have answered when it is done.

    ``superseded`` are the certificates to be revoked that share its Secret, the one that it will replace among them.
    """

    key: PrivateKey = field(repr=False)
    csr: bytes = field(repr=False)
    digest: str
    destination: Destination
    reason: Reason
    started_at: datetime
    renew_request: str | None = None
    resume: ResumeData = field(default_factory=dict, repr=False)
    superseded: tuple[Superseded, ...] = ()

    def going_on(self, resume: ResumeData) -> Self:
        """The same enrolment, one step further."""
        return replace(self, resume=resume)

    def is_for(self, digest: str, destination: Destination) -> bool:
        """Whether this is still the enrolment that is wanted."""
        return (self.digest, self.destination) == (digest, destination)


def request_digest(spec: CertificateSpec) -> str:
    """SHA-256 over everything of the spec that reaches a request; ``privateKey.encoding`` is not part of one."""
    wanted = {name: value for name, value in spec.to_api().items() if name in _REQUEST_FIELDS}
    if "privateKey" in wanted:
        wanted["privateKey"] = {name: value for name, value in wanted["privateKey"].items() if name != "encoding"}
    for name in _UNORDERED_FIELDS & wanted.keys():
        wanted[name] = sorted(wanted[name], key=str)
    said = {name: value for name, value in wanted.items() if value != {}}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def to_data(staged: Staged) -> dict[str, bytes]:
    """The Secret's data."""
    about = {
        "digest": staged.digest,
        "issuerUID": staged.destination.issuer_uid,
        "server": staged.destination.server,
        "protocol": staged.destination.protocol,
        "reason": str(staged.reason),
        "startedAt": staged.started_at.astimezone(UTC).isoformat(),
        "renewRequest": staged.renew_request,
    }
    resume = json.dumps(staged.resume, sort_keys=True).encode()
    if len(resume) > RESUME_LIMIT:
        raise ValueError(f"resume data of {len(resume)} bytes is larger than {RESUME_LIMIT}")
    return {
        "tls.key": keys.encode(staged.key),
        "request.der": staged.csr,
        "enrolment.json": json.dumps(about, sort_keys=True).encode(),
        "resume.json": resume,
        **superseded.to_data(staged.superseded),
    }


def holds_enrolment(data: Mapping[str, bytes]) -> bool:
    """Whether there is an enrolment in a Secret's data, readable or not, and not only what outlived the last one."""
    return not _ENROLMENT_KEYS.isdisjoint(data) or not superseded.from_data(data)


def from_data(data: Mapping[str, bytes]) -> Staged:
    """Read what `to_data` wrote; raises `UnreadableRecordError`."""
    try:
        about, resume = an_object(data["enrolment.json"]), an_object(data["resume.json"])
        asked, maker, server, protocol = (about[name] for name in ("renewRequest", "issuerUID", "server", "protocol"))
        return Staged(
            key=keys.load(data["tls.key"]),
            csr=data["request.der"],
            digest=a_text(about["digest"]),
            destination=Destination(issuer_uid=a_text(maker), server=a_text(server), protocol=a_text(protocol)),
            reason=Reason(about["reason"]),  # type: ignore[call-arg]  # mypy does not see Enum's look-up by value here
            started_at=an_instant(about["startedAt"]),
            renew_request=a_text(asked) if asked is not None else None,
            resume=resume,
            superseded=superseded.from_data(data),
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise UnreadableRecordError("the staged enrolment cannot be read") from error


def staged_secret(
    certificate: ObjectMetadata, data: Mapping[str, str], *, resource_version: str = "", uid: str = ""
) -> dict[str, Any]:
    """The body of the enrolment Secret; ``data`` is base64. It goes when its Certificate goes."""
    role = ROLE_REVOCATION if data and _ENROLMENT_KEYS.isdisjoint(data) else ROLE_ENROLMENT
    metadata: dict[str, Any] = {
        "name": enrolment_secret_name(certificate.uid),
        "namespace": certificate.namespace,
        "labels": {LABEL_MANAGED: "true", LABEL_ROLE: role, LABEL_CERTIFICATE_UID: certificate.uid},
        "annotations": {"certwright.io/certificate-name": certificate.name},
        "ownerReferences": [owner_reference(certificate)],
    }
    if resource_version:
        metadata["resourceVersion"] = resource_version
    if uid:
        metadata["uid"] = uid
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": ENROLMENT_SECRET_TYPE,
        "data": dict(data),
    }
