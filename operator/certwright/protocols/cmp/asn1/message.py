# mypy: allow-subclassing-any
"""PKIMessage (RFC 9810 §5.1)."""

from typing import Any, ClassVar

from asn1crypto import core

from certwright.protocols.cmp.asn1.body import PKIBody
from certwright.protocols.cmp.asn1.general import Certificates
from certwright.protocols.cmp.asn1.header import PKIHeader


class PKIMessage(core.Sequence):
    """One message; the protection covers header and body."""

    _fields: ClassVar[list[Any]] = [
        ("header", PKIHeader),
        ("body", PKIBody),
        ("protection", core.OctetBitString, {"explicit": 0, "optional": True}),
        ("extraCerts", Certificates, {"explicit": 1, "optional": True}),
    ]


class PKIMessages(core.SequenceOf):
    """The content of ``nested``."""

    _child_spec = PKIMessage
