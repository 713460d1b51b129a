# mypy: allow-subclassing-any
"""PKIHeader and its generalInfo (RFC 9810 §5.1.1)."""

from typing import Any, ClassVar

from asn1crypto import core

from certwright.protocols.cmp.asn1.opaque import AlgorithmIdentifier, GeneralName
from certwright.protocols.cmp.asn1.status import PKIFreeText


class InfoTypeAndValue(core.Sequence):
    """Of generalInfo, genm and genp; the type says what the value is."""

    _fields: ClassVar[list[Any]] = [
        ("infoType", core.ObjectIdentifier),
        ("infoValue", core.Any, {"optional": True}),
    ]


class InfoTypesAndValues(core.SequenceOf):
    """Of generalInfo."""

    _child_spec = InfoTypeAndValue


class PKIHeader(core.Sequence):
    """Who writes to whom, in which transaction, protected how."""

    _fields: ClassVar[list[Any]] = [
        ("pvno", core.Integer),
        ("sender", GeneralName),
        ("recipient", GeneralName),
        ("messageTime", core.GeneralizedTime, {"explicit": 0, "optional": True}),
        ("protectionAlg", AlgorithmIdentifier, {"explicit": 1, "optional": True}),
        ("senderKID", core.OctetString, {"explicit": 2, "optional": True}),
        ("recipKID", core.OctetString, {"explicit": 3, "optional": True}),
        ("transactionID", core.OctetString, {"explicit": 4, "optional": True}),
        ("senderNonce", core.OctetString, {"explicit": 5, "optional": True}),
        ("recipNonce", core.OctetString, {"explicit": 6, "optional": True}),
        ("freeText", PKIFreeText, {"explicit": 7, "optional": True}),
        ("generalInfo", InfoTypesAndValues, {"explicit": 8, "optional": True}),
    ]
