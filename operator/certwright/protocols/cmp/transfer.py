"""CMP over HTTP (RFC 9811): one POST per message, whose answer counts by what it holds, not by its HTTP status."""

from collections.abc import Callable
from datetime import datetime

import httpx

from certwright.protocols.transport import Answer, exchange

MEDIA_TYPE = "application/pkixcmp"
MEDIA_TYPES = frozenset(
    {MEDIA_TYPE, "application/pkixcmp-poll"}
)  # The second is from the drafts; servers still send it.
OK = 200
WELL_KNOWN = "/.well-known/cmp"


def well_known_url(origin: str, *, profile: str | None = None) -> str:
    """The well-known URL at a server, of a named profile where one is given (RFC 9811 §3.4)."""
    return origin.rstrip("/") + WELL_KNOWN + (f"/p/{profile}" if profile else "")


def operation_url(url: str, label: str) -> str:
    """The URL of one operation; all messages of its transaction go there (RFC 9483 §6.1)."""
    return f"{url.rstrip('/')}/{label}" if label else url


async def send(http: httpx.AsyncClient, url: str, message: bytes, *, clock: Callable[[], datetime]) -> bytes:
    """POST a message and return the one that answers it; raises TransportError.

    Servers send error messages with HTTP's error statuses too, so a CMP body is an answer whatever the status.
    """
    answer = await exchange(
        http, "POST", url, clock=clock, content=message, headers={"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
    )
    if not _is_message(answer):
        raise answer.unexpected()
    return answer.body


def _is_message(answer: Answer) -> bool:
    is_final = answer.status == OK or answer.status >= 400  # noqa: PLR2004 - HTTP's own number
    return is_final and answer.media_type in MEDIA_TYPES and bool(answer.body)
