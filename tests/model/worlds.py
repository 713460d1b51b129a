"""Issued Certificates to which something was done afterwards, for the tests of the checks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from certwright.model.chain import to_pem
from certwright.model.metadata import ANNOTATION_RENEW
from certwright.model.observed import AsRecorded, DeliveredSecret, Observed
from certwright.model.resources import CertificateStatus
from tests.model.builders import (
    CA,
    certificate_of,
    issued_status,
    observed_of,
    secret_of,
    spec_of,
    with_data,
    with_status,
)

Change = Callable[[DeliveredSecret], DeliveredSecret]
SECOND = timedelta(seconds=1)


def world(change: Change = lambda secret: secret, **fields: Any) -> Observed:
    """An issued Certificate whose Secret was changed afterwards, or whose spec was given ``fields`` afterwards."""
    before = certificate_of()
    secret = secret_of(before)
    status = issued_status(before, secret)
    generation = 2 if fields else 1
    certificate = certificate_of(spec_of(**fields), status, generation=generation)
    return observed_of(certificate, secret=change(secret))


def other_leaf(secret: DeliveredSecret) -> DeliveredSecret:
    return with_data(secret, tls_crt=to_pem([CA.issue(spec_of()), CA.certificate]))


def emptied(observed: Observed) -> Observed:
    return with_status(observed, CertificateStatus())


def asked(value: str | None, status: CertificateStatus, annotation: str = ANNOTATION_RENEW) -> Observed:
    annotations = {annotation: value} if value is not None else {}
    certificate = certificate_of(None, status, annotations=annotations)
    return observed_of(certificate, secret=AsRecorded())


RECORDED = issued_status(certificate_of(), secret_of(certificate_of()))
