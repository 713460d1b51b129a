"""The URL of a request: the operation and its message in the query (RFC 8894 §4.1)."""

from base64 import b64encode
from urllib.parse import quote

from certwright.protocols.scep.vocabulary import Operation


def operation_url(url: str, operation: Operation, message: bytes | str | None = None) -> str:
    """``url`` with the operation, after what its query holds already; bytes go as base64, then percent-encoded."""
    address, mark, query = url.partition("#")[0].partition("?")
    parts = [part for part in query.split("&") if mark and part]
    parts.append(f"operation={operation}")
    if message is not None:
        text = b64encode(message).decode() if isinstance(message, bytes) else message
        # "+", "/" and "=" of base64 mean something else in a query, so nothing is left as it is.
        parts.append(f"message={quote(text, safe='')}")
    return f"{address}?{'&'.join(parts)}"
