"""Showing what a server wrote, and reading the one header that says when to come back.

All protocols use ``shown`` for every server text that reaches an exception, a condition or a log.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SHOWN = 1024  # Characters of a server's text that people get to see: enough for a paragraph, too little for a page.
MAX_DIGITS = 9  # More seconds than that are beyond LONGEST_WAIT, and beyond timedelta soon.
MAX_DATE = 64  # Characters; an HTTP-date has 29.
LONGEST_WAIT = timedelta(days=1)  # What a server may ask for; callers clamp further, by what they are waiting for.


def shown(text: str, limit: int = SHOWN) -> str:
    """The text on one line, cut to ``limit`` characters, without anything that could act on a terminal or a log."""
    clean = "".join(c if c.isprintable() else " " for c in text[: 2 * limit])
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """A Retry-After header (RFC 9110 §10.2.3) as a duration of nothing to a day; None where it makes no sense.

    Servers send seconds or an HTTP-date, and some choose anew for each answer.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=int(text)) if len(text) <= MAX_DIGITS else LONGEST_WAIT
    else:
        at = _http_date(text)
        if at is None:
            return None
        wait = at - now
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _http_date(text: str) -> datetime | None:
    if not 0 < len(text) <= MAX_DATE or not text.isascii():
        return None
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
