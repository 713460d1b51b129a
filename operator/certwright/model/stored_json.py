"""Reads JSON that an earlier process of ours put into a Secret, and that anybody may have edited since.

`staged` and `superseded` keep their parts in it. Everything raises ``TypeError`` or ``ValueError`` without a quotation.
"""

import json
from datetime import datetime
from typing import Any


def an_object(raw: bytes) -> dict[str, Any]:
    """A JSON object."""
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def a_text(value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def an_instant(value: str) -> datetime:
    """An instant with its time zone."""
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return instant
