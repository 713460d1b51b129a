"""Orders: an application for one certificate, from newOrder to the certificate's URL (RFC 8555 §7.1.3, §7.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from certwright.protocols.acme.errors import MalformedAnswer
from certwright.protocols.acme.fields import (
    instant,
    is_https,
    items,
    json_object,
    optional_text,
    optional_url,
    plain_text,
    urls,
)
from certwright.protocols.acme.fields import url as url_field
from certwright.protocols.acme.identifier import Identifier, parse_identifier
from certwright.protocols.acme.problems import ProblemDocument, embedded_problem
from certwright.protocols.transport import Answer


class OrderStatus(StrEnum):
    """RFC 8555 §7.1.6: pending → ready → processing → valid, and invalid from anywhere."""

    PENDING = "pending"
    READY = "ready"
    PROCESSING = "processing"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, _value: object) -> "OrderStatus":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the server describes it.

    Neither ``identifiers`` nor ``authorizations`` keep the order of the request. A ``valid`` order may still be without
    ``certificate``: ask again. ``error`` says why one is ``invalid``. ``profile`` is None where the server knows none.
    """

    url: str
    status: OrderStatus
    identifiers: tuple[Identifier, ...]
    authorizations: tuple[str, ...]
    finalize: str
    certificate: str | None = None
    profile: str | None = None
    expires: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    error: ProblemDocument | None = None
    retry_after: timedelta | None = None


def application(
    identifiers: Sequence[Identifier],
    *,
    profile: str | None,
    not_before: datetime | None,
    not_after: datetime | None,
) -> dict[str, Any]:
    """The payload of newOrder; what is None is left to the server."""
    payload: dict[str, Any] = {"identifiers": [identifier.as_json() for identifier in identifiers]}
    if profile is not None:
        payload["profile"] = profile
    if not_before is not None:
        payload["notBefore"] = _rfc3339(not_before)
    if not_after is not None:
        payload["notAfter"] = _rfc3339(not_after)
    return payload


def parse_order(answer: Answer, *, url: str | None = None) -> Order:
    """Read an order object. Its URL is the one asked, or else the Location of newOrder's answer.

    The answer to finalize need not name the order: its URL has to be kept from newOrder.
    """
    location = url or answer.headers.get("location")
    if not is_https(location):
        raise MalformedAnswer("The answer to newOrder has no usable https URL in its Location.")
    fields = json_object(answer.body, "order")
    return Order(
        url=str(location),
        status=OrderStatus(plain_text(fields, "status", of="order")),
        identifiers=tuple(parse_identifier(value) for value in items(fields, "identifiers", of="order")),
        authorizations=urls(fields, "authorizations", of="order"),
        finalize=url_field(fields, "finalize", of="order"),
        certificate=optional_url(fields, "certificate", of="order"),
        profile=optional_text(fields, "profile"),
        expires=instant(fields, "expires"),
        not_before=instant(fields, "notBefore"),
        not_after=instant(fields, "notAfter"),
        error=embedded_problem(fields.get("error")),
        retry_after=answer.retry_after,
    )


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
