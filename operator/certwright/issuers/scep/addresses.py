"""The URLs of an issuer's spec. The API server's schema restricts them too, but objects outlive schemas."""

import httpx

from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.protocols.transport import shown

PLAIN_OR_TLS = ("http", "https")
TLS = ("https",)


def host_of(url: str, field: str, *, schemes: tuple[str, ...]) -> str:
    """The host that messages name; `IssuerError` for what is no URL of these schemes."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, ValueError):
        parsed, host = httpx.URL(), ""
    if not host or parsed.scheme not in schemes:
        text = f"{field} must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}: "
        raise IssuerError(f"{text}{shown(url, 200)} is not.", reason=Reason.INVALID_CONFIGURATION)
    return host
