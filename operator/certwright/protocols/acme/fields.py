"""Reading what a server put into a JSON object: every field bounded, every surprise a ``MalformedAnswer``.

The parsers of the RFC's nouns use this and hold no type checks of their own. Fields that the protocol needs raise when
they are missing or wrong; fields that only inform (dates, texts for people) become None instead.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from certwright.protocols.acme.errors import MalformedAnswer
from certwright.protocols.transport import shown

Fields = dict[str, Any]

MAX_URL = 2048
MAX_TEXT = 1024
MAX_ITEMS = 1000  # Names per order, authorizations, subproblems: as many as a Certificate may have names.

# Printable ASCII after a host, so that nothing that a URL parser and a server could read differently gets through.
_HTTPS = re.compile(r"https://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?][!-\"$-~]*)?")
_FOR_PEOPLE = re.compile(r"(?:https?://|mailto:)[!-~]+")
_PLAIN = re.compile(r"[!-~]+")


def json_object(body: bytes, of: str) -> Fields:
    """The JSON object that a body holds."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"The {of} is not JSON.") from error
    return record(value, of)


def record(value: Any, of: str) -> Fields:
    """The value, which has to be an object."""
    if not isinstance(value, dict):
        raise MalformedAnswer(f"The {of} is not a JSON object.")
    return value


def plain_text(fields: Fields, name: str, *, of: str) -> str:
    """A mandatory word of printable ASCII: a status, a token, an identifier."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _PLAIN.fullmatch(value):
        raise MalformedAnswer(f"The {of} has no usable '{name}'.")
    return value


def optional_text(fields: Fields, name: str) -> str | None:
    """A word of printable ASCII, or None."""
    value = fields.get(name)
    return value if isinstance(value, str) and len(value) <= MAX_TEXT and _PLAIN.fullmatch(value) else None


def shown_text(value: Any, limit: int = MAX_TEXT) -> str:
    """A text for people, cut and cleaned; empty if it is none."""
    return shown(value, limit) if isinstance(value, str) else ""


def is_https(value: Any) -> bool:
    """Whether this is a URL that may be asked: ACME is HTTPS only (RFC 8555 §6.1)."""
    return isinstance(value, str) and len(value) <= MAX_URL and _HTTPS.fullmatch(value) is not None


def url(fields: Fields, name: str, *, of: str) -> str:
    """A mandatory URL to ask."""
    value = fields.get(name)
    if not is_https(value):
        raise MalformedAnswer(f"The {of} has no usable https URL in '{name}'.")
    return str(value)


def optional_url(fields: Fields, name: str, *, of: str) -> str | None:
    """A URL to ask, or None where the field is absent; one that cannot be asked is malformed."""
    return None if fields.get(name) is None else url(fields, name, of=of)


def urls(fields: Fields, name: str, *, of: str) -> tuple[str, ...]:
    """A mandatory list of URLs to ask."""
    found = items(fields, name, of=of)
    if not all(is_https(value) for value in found):
        raise MalformedAnswer(f"The {of} has something else than https URLs in '{name}'.")
    return tuple(found)


def address(value: Any) -> str | None:
    """A URL for people to visit, never asked by us; None if it is none."""
    if isinstance(value, str) and len(value) <= MAX_URL and _FOR_PEOPLE.fullmatch(value):
        return value
    return None


def items(fields: Fields, name: str, *, of: str) -> list[Any]:
    """A mandatory list, of a length that somebody could have meant."""
    value = fields.get(name)
    if not isinstance(value, list):
        raise MalformedAnswer(f"The {of} has no list '{name}'.")
    if len(value) > MAX_ITEMS:
        raise MalformedAnswer(f"The {of} has more than {MAX_ITEMS} entries in '{name}'.")
    return value


def optional_items(fields: Fields, name: str) -> list[Any]:
    """The beginning of a list that only informs; empty if there is none."""
    value = fields.get(name)
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def instant(fields: Fields, name: str) -> datetime | None:
    """An RFC 3339 date in UTC, or None. A date without an offset is no instant."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    try:
        at = datetime.fromisoformat(value)
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
