"""HTTP authentication: Basic (RFC 7617), Digest (RFC 7616) and Bearer (RFC 6750), as RFC 7030 §3.2.3 uses it.

The client asks here for the Authorization header of each request. Credentials are answers to a challenge, or sent at
once where that saves a refused request; the connection has been verified either way, because whoever opened it made
sure of that.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from certwright.protocols.est.challenges import Challenge
from certwright.protocols.est.digest import DigestSession, is_answerable

# RFC 6750 §2.1 allows less; what cannot be in a header at all is a line end, and usually comes from a text editor.
_TOKEN = re.compile(r"[!-~]+")


class HTTPScheme(StrEnum):
    """How a password is sent. ``AUTO`` takes what the server offers, Digest first."""

    AUTO = "Auto"
    BASIC = "Basic"
    DIGEST = "Digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A user's password, and how it may be sent."""

    username: str
    password: str = field(repr=False)
    scheme: HTTPScheme = HTTPScheme.AUTO

    @property
    def is_for_basic(self) -> bool:
        """Whether it may be sent as it is."""
        return self.scheme is not HTTPScheme.DIGEST

    @property
    def is_for_digest(self) -> bool:
        """Whether it may be proved without being sent."""
        return self.scheme is not HTTPScheme.BASIC


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerToken:
    """A token that is believed whoever bears it. Raises ValueError for what no header can hold."""

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise ValueError("The bearer token is empty, or holds a blank or another character that no token has.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What can be told to a server that asks who we are, beside a client certificate."""

    password: Password | None = None
    bearer: BearerToken | None = None


class Authenticator:
    """The Authorization headers of one client: remembers what the server asked for last.

    Requests may be in flight at once; nothing in here waits.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._digest: DigestSession | None = None
        self._ready: str | None = self._ready_at_once()

    def header(self, method: str, target: str) -> str | None:
        """What to send without being asked again; None before the first challenge."""
        if self._digest is not None:
            return self._digest.header(method, target)
        return self._ready

    def answer(self, challenges: Sequence[Challenge], method: str, target: str) -> str | None:
        """The answer to the challenges of a 401, None if no credential fits; Digest before Basic before Bearer."""
        self._digest = None
        self._ready = None
        password, bearer = self._credentials.password, self._credentials.bearer
        digests = [challenge for challenge in challenges if is_answerable(challenge)]
        offered = {challenge.scheme for challenge in challenges}
        if password is not None and password.is_for_digest and digests:
            self._digest = DigestSession(password.username, password.password, digests)
        elif password is not None and password.is_for_basic and "basic" in offered:
            self._ready = _basic(password)
        elif bearer is not None and "bearer" in offered:
            self._ready = f"Bearer {bearer.token}"
        return self.header(method, target)

    def _ready_at_once(self) -> str | None:
        """With one credential in one form there is nothing to learn from a challenge."""
        password, bearer = self._credentials.password, self._credentials.bearer
        if password is not None and bearer is None and password.scheme is HTTPScheme.BASIC:
            return _basic(password)
        if bearer is not None and password is None:
            return f"Bearer {bearer.token}"
        return None


def _basic(password: Password) -> str:
    # UTF-8 is what RFC 7617 §2.1 lets servers ask for, and equal to every older reading for ASCII.
    return f"Basic {b64encode(f'{password.username}:{password.password}'.encode()).decode('ascii')}"
