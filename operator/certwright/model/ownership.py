"""Whose an object is: references to owners, and whether a Secret was written for a Certificate."""

from certwright.model.metadata import (
    ANNOTATION_CERTIFICATE_NAME,
    API_VERSION,
    LABEL_MANAGED,
    LABEL_ROLE,
    ROLE_CERTIFICATE,
    Kind,
    ObjectMetadata,
)


def owner_reference(certificate: ObjectMetadata, *, kind: str = Kind.CERTIFICATE) -> dict[str, str]:
    """Makes the garbage collector delete the dependent; without blockOwnerDeletion, which would need more rights."""
    return {"apiVersion": API_VERSION, "kind": kind, "name": certificate.name, "uid": certificate.uid}


def certificate_of(secret: ObjectMetadata) -> str | None:
    """The name of the Certificate that a Secret was written for, or None where certwright did not write it."""
    if secret.labels.get(LABEL_MANAGED) != "true" or secret.labels.get(LABEL_ROLE) != ROLE_CERTIFICATE:
        return None
    return secret.annotations.get(ANNOTATION_CERTIFICATE_NAME) or None
