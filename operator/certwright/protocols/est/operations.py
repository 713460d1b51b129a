"""Where an EST server answers: the operations and their URLs (RFC 7030 §3.2.2)."""

from enum import StrEnum
from urllib.parse import quote

WELL_KNOWN = "/.well-known/est"


class Operation(StrEnum):
    """The last path segment of a request. ``fullcmc`` is not used, and here only because no label may be called so."""

    CACERTS = "cacerts"
    SIMPLEENROLL = "simpleenroll"
    SIMPLEREENROLL = "simplereenroll"
    FULLCMC = "fullcmc"
    SERVERKEYGEN = "serverkeygen"
    CSRATTRS = "csrattrs"


def operation_url(server: str, operation: Operation, *, label: str | None = None) -> str:
    """The URL of one operation. ``server`` may or may not hold the well-known path, and what comes after it."""
    start = server.partition("#")[0].partition("?")[0].rstrip("/")
    if f"{WELL_KNOWN}/" not in f"{start}/":
        start += WELL_KNOWN
    segment = "" if label is None else f"/{quote(label, safe='')}"
    return f"{start}{segment}/{operation}"
