"""A small CA and small objects, so that a test names only what it is about.

Nothing here decides anything: certificates are whatever a test asks for, however odd.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from certwright.model import keys
from certwright.model.csr import build_csr
from certwright.model.keys import KeyKind, PrivateKey
from certwright.model.metadata import Key, Kind, ObjectMetadata
from certwright.model.name_constraints import requested_constraints
from certwright.model.names import general_names, requested_names, requested_subject
from certwright.model.observed import Certificate, DeliveredSecret, KnownIssuer, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, CertificateStatus, IssuerSpec, IssuerStatus, KeyAlgorithm
from certwright.model.staged import Destination, Staged, request_digest
from certwright.model.tls_secret import IssuedBy, KeyPair, render
from certwright.model.usages import usage_extensions, wanted_usages
from certwright.reconcile.certificate_status import issued

NOW = datetime(2030, 1, 1, tzinfo=UTC)
UID = "4f0c6c3e-8d6e-4a52-9d53-4f4b4a4f0c01"
SERVER = "https://ca.example.com/dir"
P256 = KeyKind(KeyAlgorithm.ECDSA, 256)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KINDS = (
    KeyKind(KeyAlgorithm.RSA, 2048),
    P256,
    KeyKind(KeyAlgorithm.ECDSA, 384),
    KeyKind(KeyAlgorithm.ECDSA, 521),
    KeyKind(KeyAlgorithm.ED25519),
    KeyKind(KeyAlgorithm.ML_DSA_44),
    KeyKind(KeyAlgorithm.ML_DSA_65),
    KeyKind(KeyAlgorithm.ML_DSA_87),
)


@cache
def key_of(kind: KeyKind = P256, number: int = 0) -> PrivateKey:
    """The same key for the same arguments: making one may be slow. ``number`` tells several of a kind apart."""
    del number
    return keys.generate(kind)


def hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA certificate with its key, or whatever else signs."""

    certificate: x509.Certificate
    key: PrivateKey

    def sign(
        self,
        subject: x509.Name,
        key: PrivateKey,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        *,
        not_before: datetime = NOW - HOUR,
        not_after: datetime = NOW - HOUR + 90 * DAY,
    ) -> x509.Certificate:
        return signed(subject, key, extensions, by=(self.certificate.subject, self.key), valid=(not_before, not_after))

    def intermediate(
        self,
        name: str,
        *,
        kind: KeyKind = P256,
        life: timedelta = 3650 * DAY,
        path_length: int | None = None,
        usage: x509.KeyUsage | None = None,
    ) -> "Authority":
        key = key_of(kind, hash(name))
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=True, path_length=path_length), True)
        ]
        if usage is not None:
            extensions.append((usage, True))
        return Authority(self.sign(common_name(name), key, extensions, not_after=NOW - HOUR + life), key)

    def issue(
        self,
        spec: CertificateSpec,
        key: PrivateKey | None = None,
        *,
        changed: Mapping[str, Any] | None = None,
        **valid: datetime,
    ) -> x509.Certificate:
        """What an obedient CA makes of a spec; ``changed`` are spec fields in which this one is not obedient."""
        key = key or key_of()
        granted = spec.model_copy(update=changed or {})
        names = requested_names(granted)
        extensions: list[tuple[x509.ExtensionType, bool]] = []
        if names:
            extensions.append((x509.SubjectAlternativeName(general_names(names)), False))
        extensions += usage_extensions(wanted_usages(granted, keys.kind_of(key).algorithm))
        if granted.is_ca:
            extensions.append((CA_TRUE, True))
        constraints = requested_constraints(granted)
        if constraints is not None:
            extensions.append((constraints, True))
        return self.sign(requested_subject(granted), key, extensions, **valid)


CA_TRUE = x509.BasicConstraints(ca=True, path_length=None)


def signed(
    subject: x509.Name,
    key: PrivateKey,
    extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    *,
    by: tuple[x509.Name, PrivateKey],
    valid: tuple[datetime, datetime],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=by[0], public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(by[1], hash_for(by[1]))


def root(name: str = "Root", *, kind: KeyKind = P256, life: timedelta = 3650 * DAY) -> Authority:
    key = key_of(kind, hash(name))
    subject = common_name(name)
    valid = (NOW - HOUR, NOW - HOUR + life)
    return Authority(signed(subject, key, [(CA_TRUE, True)], by=(subject, key), valid=valid), key)


ROOT = root()
CA = ROOT.intermediate("Intermediate")


def spec_of(**fields: Any) -> CertificateSpec:
    """A spec by the API's names, with one DNS name unless others are given; None takes a field away."""
    wanted = {"secretName": "web-tls", "issuerRef": {"name": "ca"}, "dnsNames": ["a.example.com"], **fields}
    return CertificateSpec.model_validate({name: value for name, value in wanted.items() if value is not None})


def metadata_of(**changes: Any) -> ObjectMetadata:
    here = ObjectMetadata(namespace="team", name="web", uid=UID, resource_version="10", generation=1)
    return replace(here, **changes)


def certificate_of(
    spec: CertificateSpec | None = None, status: CertificateStatus | None = None, **changes: Any
) -> Certificate:
    return Certificate(metadata_of(**changes), spec or spec_of(), status or CertificateStatus())


def issuer_of(*, obstacle: str | None = None, server: str = SERVER, **changes: Any) -> KnownIssuer:
    metadata = ObjectMetadata(namespace="team", name="ca", uid="issuer-uid", resource_version="5", generation=1)
    return KnownIssuer(
        key=Key(Kind.ISSUER, "team", "ca"),
        metadata=replace(metadata, **changes),
        spec=IssuerSpec.model_validate({"acme": {"server": server, "privateKeySecretRef": {"name": "account"}}}),
        status=IssuerStatus(),
        destination=Destination(issuer_uid="issuer-uid", server=server, protocol="acme"),
        obstacle=obstacle,
    )


def pair_of(spec: CertificateSpec, key: PrivateKey | None = None, *, leaf: x509.Certificate | None = None) -> KeyPair:
    key = key or key_of()
    return KeyPair(chain=(leaf or CA.issue(spec, key), CA.certificate), key=key, anchors=(ROOT.certificate,))


def secret_from(body: Mapping[str, Any], *, resource_version: str = "20", uid: str = "secret-uid") -> DeliveredSecret:
    """The Secret as the API server shows it after this body was applied."""
    meta = body["metadata"]
    return DeliveredSecret(
        metadata=ObjectMetadata(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=uid,
            resource_version=resource_version,
            labels=dict(meta["labels"]),
            annotations=dict(meta["annotations"]),
        ),
        type=body["type"],
        data={name: base64.b64decode(value) for name, value in body["data"].items()},
        owner_uids=tuple(owner["uid"] for owner in meta.get("ownerReferences", ())),
    )


def secret_of(certificate: Certificate, pair: KeyPair | None = None, **changes: Any) -> DeliveredSecret:
    """The Secret as certwright would write it; ``changes`` replace fields of the Secret."""
    pair = pair or pair_of(certificate.spec)
    body = render(certificate.metadata, certificate.spec, pair, IssuedBy("ca", "Issuer", "certwright.io"))
    return replace(secret_from(body), **changes)


def with_data(secret: DeliveredSecret, **data: bytes | None) -> DeliveredSecret:
    """Other data; names are written with underscores for dots and dashes (``tls_crt``), None takes one away."""
    changed = {name.replace("_", ".", 1): value for name, value in data.items()}
    merged = {**secret.data, **changed}
    return replace(secret, data={name: value for name, value in merged.items() if value is not None})


def with_annotations(secret: DeliveredSecret, **annotations: str | None) -> DeliveredSecret:
    """Other annotations of ours (``issuer_name``); None takes one away."""
    changed = {f"certwright.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
    merged = {**secret.metadata.annotations, **changed}
    kept = {name: value for name, value in merged.items() if value is not None}
    return replace(secret, metadata=replace(secret.metadata, annotations=kept))


def staged_of(spec: CertificateSpec | None = None, **changes: Any) -> Staged:
    """A record of an enrolment that began at NOW with a key of its own."""
    spec = spec or spec_of()
    key = changes.pop("key", None) or key_of(P256, 7)
    record = Staged(
        key=key,
        csr=build_csr(spec, key),
        digest=request_digest(spec),
        destination=issuer_of().destination,
        reason=Reason.RENEWING,
        started_at=NOW,
    )
    return replace(record, **changes)


def staged_metadata(**changes: Any) -> ObjectMetadata:
    metadata = ObjectMetadata(namespace="team", name=f"certwright-{UID}", uid="staged-uid", resource_version="30")
    return replace(metadata, **changes)


def issued_status(certificate: Certificate, secret: DeliveredSecret, *, now: datetime = NOW) -> CertificateStatus:
    """The status as it is written when this Secret was just delivered."""
    return issued(certificate, secret, staged_of(certificate.spec), now)


def observed_of(certificate: Certificate | None = None, **changes: Any) -> Observed:
    """A Certificate that was issued and delivered at NOW, and with which all is well, but for ``changes``."""
    certificate = certificate or certificate_of()
    secret = changes.pop("secret", None) or secret_of(certificate)
    if certificate.status == CertificateStatus() and isinstance(secret, DeliveredSecret) and secret.leaf is not None:
        certificate = replace(certificate, status=issued_status(certificate, secret))
    world = Observed(certificate=certificate, secret=secret, issuer=issuer_of(), now=NOW)
    return replace(world, **changes)


def with_status(observed: Observed, status: CertificateStatus) -> Observed:
    return replace(observed, certificate=replace(observed.certificate, status=status))


def chain_of(*certificates: x509.Certificate | Authority) -> tuple[x509.Certificate, ...]:
    return tuple(one.certificate if isinstance(one, Authority) else one for one in certificates)
