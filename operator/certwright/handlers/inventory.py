"""What the watches have shown: a small record per Certificate, each Issuer whole.

A Certificate that is settled costs a few hundred bytes here; its body is dropped. One that is not keeps its newest
body until it is. The inventory answers questions that need no decision; absence from it proves nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from certwright.kube.secret_watch import Seen
from certwright.model.fallbacks import asked, is_fallback, key_of, named_keys
from certwright.model.keystores import password_refs
from certwright.model.metadata import Key, Kind, ObjectMetadata, metadata_of
from certwright.model.observed import CHECKS, Certificate
from certwright.model.resources import CertificateSpec, CertificateStatus
from certwright.model.resources.schema import told
from certwright.model.wishes import renewal_was_requested_in, retry_was_requested
from certwright.reconcile.conditions import find, is_true


@dataclass(slots=True)
class CertificateRecord:
    """One Certificate. ``body`` is None where it is settled: nothing is to be done before ``due``.

    ``issuer`` is the one that issued or is asked, ``named`` are all that the spec names.
    """

    uid: str
    version: int
    created: str
    secret_name: str
    secret_uid: str
    secret_version: str
    issuer: Key | None
    named: tuple[Key, ...]
    protocol: str
    is_ready: bool
    not_before: datetime | None
    not_after: datetime | None
    due: datetime | None
    body: Mapping[str, Any] | None = field(repr=False)
    has_password_refs: bool = False
    """Whether its keystores have passwords elsewhere, which nothing tells of when they change."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done before ``due``, as far as the Certificate itself tells."""
        return self.body is None

    def matches(self, seen: Seen | None) -> bool:
        """Whether the Secret is the very version that was checked last."""
        return seen is not None and (seen.uid, seen.resource_version) == (self.secret_uid, self.secret_version)


class Inventory:
    """All Certificates and issuers that were seen."""

    def __init__(self) -> None:
        self.certificates: dict[Key, CertificateRecord] = {}
        self.issuers: dict[Key, Mapping[str, Any]] = {}
        self._writers: dict[tuple[str, str], tuple[Key, ...]] = {}
        self.wake: Callable[[Key], object] = lambda _: None
        """Hears of Certificates that waited for a Secret which another one has let go of."""

    def upsert_certificate(self, key: Key, body: Mapping[str, Any]) -> CertificateRecord:
        """Take in a body unless it is older than what is known of the same object."""
        known = self.certificates.get(key)
        meta = body["metadata"]
        if known is not None and known.uid == meta["uid"] and _version(meta) < known.version:
            return known
        record = _record(body)
        self.certificates[key] = record
        self._writes(key, record.secret_name, known.secret_name if known is not None else "")
        return record

    def _writes(self, key: Key, secret: str, before: str) -> None:
        """Remember who names which Secret, in the order in which they came. Empty: none."""
        if secret == before:
            return
        if before:
            others = tuple(one for one in self.writers_of(key.namespace, before) if one != key)
            if others:
                self._writers[key.namespace, before] = others
            else:
                self._writers.pop((key.namespace, before), None)
            for other in others:
                self.wake(other)
        if secret:
            self._writers[key.namespace, secret] = (*self.writers_of(key.namespace, secret), key)

    def upsert_issuer(self, key: Key, body: Mapping[str, Any]) -> None:
        """As `upsert_certificate`; issuers are few, and are kept whole."""
        known = self.issuers.get(key)
        meta = body["metadata"]
        if known is None or known["metadata"]["uid"] != meta["uid"] or _version(meta) >= _version(known["metadata"]):
            self.issuers[key] = body

    def forget(self, key: Key) -> None:
        """The watch said that it is gone."""
        record = self.certificates.pop(key, None)
        if record is not None:
            self._writes(key, "", record.secret_name)
        self.issuers.pop(key, None)

    def writers_of(self, namespace: str, secret: str) -> tuple[Key, ...]:
        """The Certificates that name this Secret, whatever its labels and annotations say by now; one, as a rule."""
        return self._writers.get((namespace, secret), ())

    def holds(self, key: Key, meta: ObjectMetadata) -> bool:
        """Whether this very object, as new as ``meta`` or newer, was seen."""
        if key.kind == Kind.CERTIFICATE:
            record = self.certificates.get(key)
            return record is not None and record.uid == meta.uid and record.version >= int(meta.resource_version)
        body = self.issuers.get(key)
        return body is not None and (
            body["metadata"]["uid"] == meta.uid and _version(body["metadata"]) >= int(meta.resource_version)
        )

    def keys(self, kind: str) -> Iterator[Key]:
        """Every key of a kind."""
        known = self.certificates if kind == Kind.CERTIFICATE else self.issuers
        return iter([key for key in known if key.kind == kind])

    def users_of(self, issuer: Key) -> Iterator[Key]:
        """The Certificates that wait and name this issuer."""
        return iter(
            [key for key, record in self.certificates.items() if issuer in record.named and not record.is_settled]
        )

    def users_of_account(self, namespace: str, name: str, *, operator_namespace: str) -> Iterator[Key]:
        """The issuers whose account key is in this Secret; a ClusterIssuer's is in the operator's namespace."""
        for key, body in self.issuers.items():
            ref = ((body.get("spec") or {}).get("acme") or {}).get("privateKeySecretRef") or {}
            if (key.namespace or operator_namespace, ref.get("name")) == (namespace, name):
                yield key


class UnreadableSpecError(ValueError):
    """A newer CRD allowed what this version does not know; the text names the fields."""


def parse_certificate(body: Mapping[str, Any]) -> Certificate:
    """A Certificate as a value. Raises `UnreadableSpecError`."""
    try:
        spec = CertificateSpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        raise UnreadableSpecError(f"this version of certwright cannot read it: {told(error)}") from error
    return Certificate(metadata=metadata_of(body), spec=spec, status=CertificateStatus.from_api(body.get("status")))


def issuer_key(certificate: Certificate) -> Key | None:
    """The key of the issuer whose turn it is; None where the Certificate names none of ours."""
    return key_of(certificate, asked(certificate))


def _shown_issuer(certificate: Certificate) -> Key | None:
    """Who issued the certificate that is there, while the Certificate names it and no other is asked."""
    by = certificate.status.issuer_ref
    named = [key for key in named_keys(certificate) if by is not None and (key.name, key.kind) == (by.name, by.kind)]
    return named[0] if named and not is_fallback(certificate) else issuer_key(certificate)


def _record(body: Mapping[str, Any]) -> CertificateRecord:
    try:
        certificate: Certificate | None = parse_certificate(body)
    except UnreadableSpecError:
        certificate = None  # It is known all the same: what cannot be read must keep nobody waiting.
    metadata = certificate.metadata if certificate else metadata_of(body)
    status = certificate.status if certificate else CertificateStatus.from_api(body.get("status"))
    seen = status.secret
    return CertificateRecord(
        uid=metadata.uid,
        version=int(metadata.resource_version),
        created=metadata.creation_timestamp,
        secret_name=certificate.spec.secret_name if certificate else "",
        secret_uid=seen.uid if seen else "",
        secret_version=seen.resource_version if seen else "",
        issuer=_shown_issuer(certificate) if certificate else None,
        named=named_keys(certificate) if certificate else (),
        protocol=status.protocol or "",
        is_ready=is_true(status.conditions, "Ready"),
        not_before=status.not_before,
        not_after=status.not_after,
        due=status.renewal_time,
        body=None if certificate and _is_settled(certificate) else body,
        has_password_refs=bool(certificate and password_refs(certificate.spec)),
    )


def _is_settled(certificate: Certificate) -> bool:
    """Observed, Ready, checked by this version's checks, and nothing was requested."""
    status = certificate.status
    return (
        not certificate.metadata.is_deleting
        and status.observed_generation == certificate.metadata.generation
        and is_true(status.conditions, "Ready")
        and find(status.conditions, "Issuing") is None  # a renewal that waits for something is not settled
        and status.enrolment is None
        and status.last_error is None
        and status.secret is not None
        and status.secret.checks == CHECKS
        and not retry_was_requested(certificate)
        and not renewal_was_requested_in(certificate)
    )


def _version(meta: Mapping[str, Any]) -> int:
    return int(meta["resourceVersion"])
