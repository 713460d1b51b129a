"""The trust anchors that a CA handed over, as they are kept in one Secret that belongs to the issuer.

Each is kept with how it was learned and by which certificate, so that whoever reads the Secret can judge it. It is a
Secret, and no ConfigMap, because whoever can change it decides whom the operator trusts.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509

from certwright.model.chain import fingerprint, to_pem
from certwright.model.enrolment import LearnedAnchor
from certwright.model.metadata import (
    ANCHORS_SECRET_TYPE,
    ENROLMENT_PREFIX,
    LABEL_MANAGED,
    LABEL_ROLE,
    ROLE_ANCHORS,
    Key,
    ObjectMetadata,
)
from certwright.model.ownership import owner_reference

MOST = 50
"""Anchors; a CA that changes its root every year needs a lifetime for as many."""

DATA_KEY = "anchors.json"
BUNDLE_KEY = "ca.crt"


def anchors_secret_name(issuer_uid: str) -> str:
    """The name of the one Secret that holds what was learned for an issuer."""
    return f"{ENROLMENT_PREFIX}{issuer_uid}-anchors"


def to_data(learned: Sequence[LearnedAnchor]) -> dict[str, bytes]:
    """The Secret's data: the record that is read again, and the same certificates as a bundle for people."""
    entries = [
        {"certificate": to_pem([one.certificate]).decode(), "source": one.source, "by": one.by}
        for one in learned[:MOST]
    ]
    return {
        DATA_KEY: json.dumps(entries, sort_keys=True).encode(),
        BUNDLE_KEY: to_pem(one.certificate for one in learned[:MOST]),
    }


def from_data(data: Mapping[str, bytes]) -> tuple[LearnedAnchor, ...]:
    """Read what `to_data` wrote. What cannot be read was never learned: the CA is asked again."""
    try:
        entries = json.loads(data[DATA_KEY])
        return tuple(_anchor(entry) for entry in entries[:MOST])
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return ()


def _anchor(entry: Mapping[str, Any]) -> LearnedAnchor:
    certificate = x509.load_pem_x509_certificate(str(entry["certificate"]).encode())
    return LearnedAnchor(certificate=certificate, source=str(entry["source"]), by=str(entry["by"]))


def is_same(one: Sequence[LearnedAnchor], other: Sequence[LearnedAnchor]) -> bool:
    """Whether nothing was learned since."""
    return [_summary(each) for each in one] == [_summary(each) for each in other]


def _summary(anchor: LearnedAnchor) -> tuple[str, str, str]:
    return fingerprint(anchor.certificate), anchor.source, anchor.by


def anchors_secret(issuer: ObjectMetadata, key: Key, namespace: str, data: Mapping[str, str]) -> dict[str, Any]:
    """The body of the Secret; ``data`` is base64. It goes when its issuer goes."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": anchors_secret_name(issuer.uid),
            "namespace": namespace,
            "labels": {LABEL_MANAGED: "true", LABEL_ROLE: ROLE_ANCHORS},
            "annotations": {"certwright.io/issuer-name": issuer.name, "certwright.io/issuer-kind": key.kind},
            "ownerReferences": [owner_reference(issuer, kind=key.kind)],
        },
        "type": ANCHORS_SECRET_TYPE,
        "data": dict(data),
    }
