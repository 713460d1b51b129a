"""The strings, numbers and times of which the resources are made, each with the bound that the CRD needs.

CEL's cost limit refuses a rule over anything unbounded, so every string has a ``maxLength``. Types whose form only the
API server checks carry the pattern as a schema keyword and cost nothing when 10,000 objects are parsed.
"""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from certwright.model.resources.schema import Keywords, checked

MAX_NAMES = 1000
MAX_ITEMS = 100

DURATION_PATTERN = r"^([0-9]{1,6}(\.[0-9]{1,9})?h)?([0-9]{1,7}(\.[0-9]{1,9})?m)?([0-9]{1,9}(\.[0-9]{1,9})?s)?$"
"""Go's form with h, m and s; few enough digits that CEL's ``duration()`` can never overflow at 292 years."""

_DURATION = re.compile(DURATION_PATTERN)


def parse_duration(text: str) -> timedelta:
    """A length of time from Go's form (``2160h``, ``1h30m``, ``1.5h``).

    Raises ``ValueError`` for anything else.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError("a duration is written as 2160h, 1h30m or 90s")
    hours, minutes, seconds = (float(part[:-1]) if part else 0.0 for part in match.group(1, 3, 5))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def format_duration(length: timedelta) -> str:
    """Go's form of a length of time, as Go itself prints it: ``2160h0m0s``, ``1m30s``, ``45s``."""
    minutes, seconds = divmod(length.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{tail}"
    return f"{minutes}m{tail}" if minutes else tail


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC and whole seconds, the only form in which this operator writes a time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _base64(value: object) -> object:
    return base64.b64decode(value) if isinstance(value, str) else value


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _fingerprint(value: Any) -> Any:
    return value.replace(":", "").lower() if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 32, "pattern": DURATION_PATTERN}),
]
Instant = Annotated[
    datetime,
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 64}),
]

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Keywords({"pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}),
]
NamespaceName = Annotated[
    str, Field(min_length=1, max_length=63), Keywords({"pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"})
]
DataKey = Annotated[str, Field(min_length=1, max_length=253), Keywords({"pattern": r"^[-._a-zA-Z0-9]+$"})]
LabelValue = Annotated[str, Field(max_length=63)]
Labels = Annotated[dict[str, LabelValue], Field(max_length=MAX_ITEMS)]
Annotations = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=MAX_ITEMS)]

Text = Annotated[str, Field(min_length=1, max_length=253)]
"""Any text of the usual bound."""

DistinguishedName = Annotated[str, Field(min_length=1, max_length=1024)]
"""An RFC 4514 string; parsed where it is used."""

CommonName = Annotated[str, Field(min_length=1, max_length=64)]
"""RFC 5280's upper bound (ub-common-name)."""

DNSName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    checked(r"self.matches(r'^(\*\.)?[^\s*/:@,]+$')", "write a host name such as a.example.com or *.example.com"),
]
"""A host name, perhaps a wildcard, perhaps in Unicode: IDNA is applied at run time."""

SelectorName = Annotated[str, Field(min_length=1, max_length=253), Keywords({"pattern": r"^[^\s/:@,]+$"})]
"""A host name in a list of lists, where CEL over each would exceed the cost limit."""

IPAddress = Annotated[
    str,
    Field(min_length=2, max_length=45),
    checked("isIP(self)", "write an IPv4 or IPv6 address such as 10.0.0.1 or 2001:db8::1"),
]
IPRange = Annotated[
    str,
    Field(min_length=3, max_length=49),
    checked("isCIDR(self)", "write a range in CIDR form such as 10.0.0.0/8 or 2001:db8::/32"),
]
URI = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    checked(
        r"self.matches(r'^[A-Za-z][A-Za-z0-9+.-]*:\S+$')", "write a URI with its scheme, such as spiffe://example.com/a"
    ),
]
"""As long as SPIFFE allows."""

EmailAddress = Annotated[
    str,
    Field(min_length=3, max_length=253),
    checked(r"self.matches(r'^[^@\s:]+@[^@\s]+$')", "write one address, such as pki@example.com"),
]
Glob = Annotated[str, Field(min_length=1, max_length=253)]
"""A pattern in which `*` stands for any run of characters."""

OID = Annotated[
    str,
    Field(min_length=3, max_length=128),
    checked(
        r"self.matches(r'^[0-2](\.(0|[1-9][0-9]*))+$')", "write an object identifier in dotted form, such as 1.2.3"
    ),
]
HostPort = Annotated[
    str,
    Field(min_length=1, max_length=253),
    checked(r"self.matches(r'^[^\s/@]+$')", "write host or host:port, such as ns1.example.com:53"),
]
Port = Annotated[int, Field(ge=1, le=65535), Keywords({"format": "int32"})]
Count = Annotated[int, Field(ge=1, le=1_000_000), Keywords({"format": "int32"})]

WebURL = Annotated[
    str,
    Field(min_length=8, max_length=2048),
    checked(
        r"self.matches(r'^https?://[^\s/?#@]+([/?#]\S*)?$')",
        "write an http:// or https:// URL without credentials, such as https://ca.example.com/path",
    ),
]
SecureURL = Annotated[
    str,
    Field(min_length=8, max_length=2048),
    checked(
        r"self.matches(r'^https://[^\s/?#@]+([/?#]\S*)?$')",
        "write an https:// URL without credentials, such as https://ca.example.com/path",
    ),
]
"""Where what is sent or received must not be read on the way."""

Fingerprint = Annotated[
    str,
    Field(max_length=95),
    BeforeValidator(_fingerprint),
    checked(
        r"self.matches(r'^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$')",
        "write a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed",
    ),
]
"""SHA-256 in hexadecimal; colons and capitals are read and dropped."""


def _base64_data(max_length: int) -> Any:
    return WithJsonSchema({"type": "string", "format": "byte", "minLength": 4, "maxLength": max_length})


Base64Bundle = Annotated[
    bytes, BeforeValidator(_base64), PlainSerializer(_to_base64, return_type=str), _base64_data(524_288)
]
"""PEM certificates in base64, as ``caBundle`` is everywhere in Kubernetes."""

Base64Value = Annotated[
    bytes, BeforeValidator(_base64), PlainSerializer(_to_base64, return_type=str), _base64_data(65_536)
]
"""A DER value in base64."""
