"""What users ask for by an annotation, without editing a spec: one renewal, or another attempt.

An annotation's value counts once, which the status remembers. While the whole status is empty a value counts as done:
it may have come with a restore.
"""

from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY, ObjectMetadata
from certwright.model.observed import Certificate

REQUEST_LIMIT = 1024


def requested(metadata: ObjectMetadata, annotation: str) -> str | None:
    """The value of a request, cut to what the status can remember: an annotation may be far longer."""
    value = metadata.annotations.get(annotation)
    return value[:REQUEST_LIMIT] if value is not None else None


def renewal_was_requested_in(certificate: Certificate) -> bool:
    """Whether the annotation asks for a renewal that was not done yet."""
    asked = requested(certificate.metadata, ANNOTATION_RENEW)
    status = certificate.status
    return asked is not None and status.observed_generation is not None and asked != status.last_renew_request


def retry_was_requested(certificate: Certificate) -> bool:
    """Whether the annotation asks to forget a backoff, and this was not done yet."""
    asked = requested(certificate.metadata, ANNOTATION_RETRY)
    status = certificate.status
    return asked is not None and status.observed_generation is not None and asked != status.last_retry_request
