# mypy: allow-subclassing-any
"""PKIStatusInfo (RFC 9810 §5.2.3)."""

from typing import Any, ClassVar

from asn1crypto import core


class PKIFreeText(core.SequenceOf):
    """Texts for people, each in a language of its own."""

    _child_spec = core.UTF8String


class PKIStatusInfo(core.Sequence):
    """What became of a request. ``failInfo`` stays a plain BIT STRING: servers send bits that nobody has named yet."""

    _fields: ClassVar[list[Any]] = [
        ("status", core.Integer),
        ("statusString", PKIFreeText, {"optional": True}),
        ("failInfo", core.BitString, {"optional": True}),
    ]
