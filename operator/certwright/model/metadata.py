"""The names under which certwright writes into other people's objects; one place, because users select by them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

GROUP = "certwright.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FIELD_MANAGER = "certwright"

LABEL_MANAGED = f"{GROUP}/managed"
LABEL_ROLE = f"{GROUP}/role"
LABEL_CERTIFICATE_UID = f"{GROUP}/certificate-uid"

ROLE_CERTIFICATE = "certificate"
ROLE_ENROLMENT = "enrolment"
ROLE_REVOCATION = "revocation"
"""What the enrolment Secret is while it holds nothing but superseded certificates."""

ROLE_ACCOUNT = "account"
ROLE_ANCHORS = "anchors"
ROLE_HTTP01_BOARD = "http01-board"
ROLE_HTTP01_ROUTE = "http01-route"

ENROLMENT_SECRET_TYPE = f"{GROUP}/enrolment"
ACCOUNT_SECRET_TYPE = f"{GROUP}/account"
ANCHORS_SECRET_TYPE = f"{GROUP}/anchors"
TLS_SECRET_TYPE = "kubernetes.io/tls"  # noqa: S105 - a Secret's type, not a password
OPAQUE_SECRET_TYPE = "Opaque"  # noqa: S105 - as above

ANNOTATION_RENEW = f"{GROUP}/renew"
ANNOTATION_RETRY = f"{GROUP}/retry"
ANNOTATION_NEW_ACCOUNT = f"{GROUP}/new-account"
ANNOTATION_INGRESS = f"{GROUP}/http01-ingress"

ANNOTATION_CERTIFICATE_NAME = f"{GROUP}/certificate-name"
ANNOTATION_ISSUER_NAME = f"{GROUP}/issuer-name"
ANNOTATION_ISSUER_KIND = f"{GROUP}/issuer-kind"
ANNOTATION_ISSUER_GROUP = f"{GROUP}/issuer-group"
ANNOTATION_COMMON_NAME = f"{GROUP}/common-name"
ANNOTATION_ALT_NAMES = f"{GROUP}/alt-names"
ANNOTATION_IP_SANS = f"{GROUP}/ip-sans"
ANNOTATION_URI_SANS = f"{GROUP}/uri-sans"
ANNOTATION_NOT_AFTER = f"{GROUP}/not-after"
ANNOTATION_FINGERPRINT = f"{GROUP}/fingerprint"

FINALIZER_REVOCATION = f"{GROUP}/revocation"

RESERVED_DOMAINS = ("certwright.io", "cert-manager.io", "kubernetes.io", "k8s.io")

ENROLMENT_PREFIX = "certwright-"


def enrolment_secret_name(certificate_uid: str) -> str:
    """The name of the one Secret that holds a Certificate's enrolment while it is under way."""
    return f"{ENROLMENT_PREFIX}{certificate_uid}"


class Kind:
    """The three kinds, by the names that the API server knows."""

    CERTIFICATE = "Certificate"
    ISSUER = "Issuer"
    CLUSTER_ISSUER = "ClusterIssuer"


class Key(NamedTuple):
    """What the queue holds: one object of one of our kinds. ``namespace`` is empty for a ClusterIssuer."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectMetadata:
    """What every decision needs of an object's metadata.

    ``resource_version`` is opaque: it is compared for equality only, but for the age of one object's own versions.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int = 0
    is_deleting: bool = False
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def metadata_of(body: Mapping[str, Any]) -> ObjectMetadata:
    """The metadata of any object; missing parts are empty."""
    meta = body.get("metadata") or {}
    return ObjectMetadata(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""),
        generation=meta.get("generation", 0),
        is_deleting=bool(meta.get("deletionTimestamp")),
        creation_timestamp=meta.get("creationTimestamp", ""),
        deletion_timestamp=meta.get("deletionTimestamp") or "",
        finalizers=tuple(meta.get("finalizers") or ()),
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
    )
