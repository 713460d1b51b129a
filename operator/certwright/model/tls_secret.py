"""The Secret that workloads mount: rendered as one server-side apply, the same bytes for the same certificate.

What differs between the rendered body and the Secret that is there is drift, and is repaired without the CA.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certwright.model import keys
from certwright.model.chain import fingerprint, is_self_issued, root_of, to_pem
from certwright.model.keys import PrivateKey
from certwright.model.metadata import (
    ANNOTATION_ALT_NAMES,
    ANNOTATION_CERTIFICATE_NAME,
    ANNOTATION_COMMON_NAME,
    ANNOTATION_FINGERPRINT,
    ANNOTATION_IP_SANS,
    ANNOTATION_ISSUER_GROUP,
    ANNOTATION_ISSUER_KIND,
    ANNOTATION_ISSUER_NAME,
    ANNOTATION_NOT_AFTER,
    ANNOTATION_URI_SANS,
    LABEL_MANAGED,
    LABEL_ROLE,
    ROLE_CERTIFICATE,
    TLS_SECRET_TYPE,
    ObjectMetadata,
)
from certwright.model.names import names_of
from certwright.model.observed import DeliveredSecret
from certwright.model.ownership import owner_reference
from certwright.model.resources import CertificateSpec, Deletion, OutputFormat
from certwright.model.resources.fields import format_instant

LONGEST_NAME_LIST = 8192
"""Characters of an annotation that lists names: a thousand names would not fit beside the rest."""

_NO_KEYSTORES: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate with its chain, its key and the CA certificates that came along."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = field(repr=False)
    anchors: tuple[x509.Certificate, ...] = ()

    @property
    def leaf(self) -> x509.Certificate:
        """The end entity's certificate."""
        return self.chain[0]


@dataclass(frozen=True, slots=True)
class IssuedBy:
    """Who issued, as the annotations tell it."""

    name: str
    kind: str
    group: str


def render(
    certificate: ObjectMetadata,
    spec: CertificateSpec,
    pair: KeyPair,
    issuer: IssuedBy,
    *,
    keystores: Mapping[str, bytes] = _NO_KEYSTORES,
    type_: str = TLS_SECRET_TYPE,
) -> dict[str, Any]:
    """The body to apply: every field that we own and no other. ``data`` is base64 as the API wants it.

    ``keystores`` come ready made, for they take their time. ``type_`` is that of the Secret that is there, for it can
    never change.
    """
    template = spec.secret_template
    metadata: dict[str, Any] = {
        "name": spec.secret_name,
        "namespace": certificate.namespace,
        "labels": {**(template.labels if template else {}), LABEL_MANAGED: "true", LABEL_ROLE: ROLE_CERTIFICATE},
        "annotations": {**(template.annotations if template else {}), **_annotations(certificate, pair, issuer)},
    }
    if spec.deletion is Deletion.DELETE_SECRET:
        metadata["ownerReferences"] = [owner_reference(certificate)]
    contents = {**_data(spec, pair), **keystores}
    data = {name: base64.b64encode(value).decode("ascii") for name, value in contents.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": type_, "data": data}


def _annotations(certificate: ObjectMetadata, pair: KeyPair, issuer: IssuedBy) -> dict[str, str]:
    names = names_of(pair.leaf.extensions)
    common = pair.leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        ANNOTATION_CERTIFICATE_NAME: certificate.name,
        ANNOTATION_ISSUER_NAME: issuer.name,
        ANNOTATION_ISSUER_KIND: issuer.kind,
        ANNOTATION_ISSUER_GROUP: issuer.group,
        ANNOTATION_COMMON_NAME: str(common[0].value) if common else "",
        ANNOTATION_ALT_NAMES: _listed(names.dns),
        ANNOTATION_IP_SANS: _listed(names.ip),
        ANNOTATION_URI_SANS: _listed(names.uri),
        ANNOTATION_NOT_AFTER: format_instant(pair.leaf.not_valid_after_utc),
        ANNOTATION_FINGERPRINT: fingerprint(pair.leaf),
    }


def _listed(names: frozenset[str]) -> str:
    return ",".join(sorted(names))[:LONGEST_NAME_LIST]


def _data(spec: CertificateSpec, pair: KeyPair) -> dict[str, bytes]:
    encoding = spec.private_key.encoding if spec.private_key else None
    key_pem = keys.encode(pair.key, encoding)
    delivered = _delivered_chain(spec, pair)
    data = {"tls.crt": to_pem(delivered), "tls.key": key_pem}
    if pair.anchors:
        data["ca.crt"] = to_pem(pair.anchors)
    for output in spec.additional_output_formats:
        match output.type:
            case OutputFormat.DER:
                data["key.der"] = keys.encode(pair.key, encoding, container=Encoding.DER)
            case OutputFormat.COMBINED_PEM:
                data["tls-combined.pem"] = key_pem + b"\n" + to_pem(delivered)
    return data


def _delivered_chain(spec: CertificateSpec, pair: KeyPair) -> Sequence[x509.Certificate]:
    if spec.chain and spec.chain.leaf_only:
        return pair.chain[:1]
    if spec.chain and spec.chain.include_root:
        root = root_of(pair.chain, pair.anchors)
        return (*pair.chain, root) if root is not None else pair.chain
    return pair.chain


def delivered_pair(spec: CertificateSpec, pair: KeyPair) -> KeyPair:
    """The pair as keystores hold it: what `pair_of` finds in the Secret when it was delivered."""
    return replace(pair, chain=pair.chain[:1]) if spec.chain and spec.chain.leaf_only else pair


def pair_of(secret: DeliveredSecret) -> KeyPair | None:
    """What the Secret holds, or None where it holds no pair. The root of an included one is no part of the chain."""
    if secret.leaf is None or secret.key is None:
        return None
    chain = tuple(one for position, one in enumerate(secret.chain) if position == 0 or not is_self_issued(one))
    return KeyPair(chain=chain, key=secret.key, anchors=secret.anchors)


def drifted(secret: DeliveredSecret, body: Mapping[str, Any]) -> list[str]:
    """Which fields of the rendered body are not there as they should be, for the log and the Event."""
    wanted = body["metadata"]
    found = [f"data {name}" for name, value in body["data"].items() if secret.data.get(name) != base64.b64decode(value)]
    found += _differing("label", wanted["labels"], secret.metadata.labels)
    found += _differing("annotation", wanted["annotations"], secret.metadata.annotations)
    owners = {owner["uid"] for owner in wanted.get("ownerReferences", ())}
    if not owners <= set(secret.owner_uids):
        found.append("ownerReferences")
    return sorted(found)


def _differing(what: str, wanted: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    return [f"{what} {name}" for name, value in wanted.items() if there.get(name) != value]
