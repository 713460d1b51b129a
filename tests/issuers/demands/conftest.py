"""What a CA may want, and what becomes of it for a Certificate."""

from typing import Any

import pytest

from certwright.issuers.demands import prepared_for
from certwright.model.enrolment import CurrentCertificate, Prepared
from certwright.model.errors import RejectedError
from certwright.model.reasons import Reason
from certwright.protocols import est
from certwright.protocols.est import CSRAttributes, KeyRequirement, RequestedExtension, RequestedName, Template
from tests.model.builders import spec_of

EC, RSA = est.KeyAlgorithm.EC, est.KeyAlgorithm.RSA


def key(algorithm: est.KeyAlgorithm | None, *, curve: str | None = None, size: int | None = None) -> KeyRequirement:
    return KeyRequirement(oid="1.2.3.4.5", algorithm=algorithm, curve=curve, size=size)


def wanting(oid: str, value: bytes | None = None, *, is_critical: bool | None = None) -> CSRAttributes:
    return CSRAttributes(extensions=(RequestedExtension(oid, is_critical, value),))


def template(*names: tuple[str, str | None]) -> CSRAttributes:
    return CSRAttributes(template=Template(subject=tuple((RequestedName(*name),) for name in names)))


def prepared(attributes: CSRAttributes, current: CurrentCertificate | None = None, **fields: Any) -> Prepared:
    return prepared_for(attributes, spec_of(**fields), current=current, server="ca.test")


def contradiction(attributes: CSRAttributes, current: CurrentCertificate | None = None, **fields: Any) -> str:
    with pytest.raises(RejectedError) as caught:
        prepared(attributes, current, **fields)
    assert caught.value.reason is Reason.INVALID_SPEC
    assert caught.value.message.startswith("ca.test says what a request to it must hold")
    return caught.value.message
