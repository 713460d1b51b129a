"""Challenges: how a name is proved (RFC 8555 §7.1.5, §8), and what has to be shown for each type.

The solvers put ``http01_path``/key authorization and ``dns01_name``/``dns01_value`` where the server looks.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from certwright.protocols.acme.errors import MalformedAnswer
from certwright.protocols.acme.fields import Fields, instant, json_object, optional_text, plain_text, record, url
from certwright.protocols.acme.jws import base64url
from certwright.protocols.acme.problems import ProblemDocument, embedded_problem
from certwright.protocols.transport import Answer

HTTP01_PREFIX = "/.well-known/acme-challenge/"
DNS01_LABEL = "_acme-challenge"

# RFC 8555 §8.1: base64url, at least 128 bits of it. The upper bound keeps it usable as a path and as a key of a map.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,255}")


class ChallengeType(StrEnum):
    """The types that certwright knows by name; a server may offer any others."""

    HTTP_01 = "http-01"
    DNS_01 = "dns-01"
    TLS_ALPN_01 = "tls-alpn-01"
    DNS_ACCOUNT_01 = "dns-account-01"
    DNS_PERSIST_01 = "dns-persist-01"


_WITH_TOKEN = frozenset(ChallengeType) - {ChallengeType.DNS_PERSIST_01}


class ChallengeStatus(StrEnum):
    """RFC 8555 §7.1.6: pending → processing → valid or invalid."""

    PENDING = "pending"
    PROCESSING = "processing"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, _value: object) -> "ChallengeStatus":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way to prove an identifier. ``type`` is a ``ChallengeType`` or a word unknown here.

    ``token`` is fit for a path, or None for types without one. ``error`` is the latest failed attempt's, which some
    servers set while the challenge is still ``pending``: it can be responded to again.
    """

    url: str
    type: str
    status: ChallengeStatus
    token: str | None = None
    validated: datetime | None = None
    error: ProblemDocument | None = None
    retry_after: timedelta | None = None


def http01_path(token: str) -> str:
    """The path under which the key authorization is served, on port 80 of the name (§8.3)."""
    return HTTP01_PREFIX + checked_token(token)


def dns01_name(domain: str) -> str:
    """The name of the TXT record for a domain, the same for its wildcard (§8.4)."""
    return f"{DNS01_LABEL}.{domain.removeprefix('*.')}"


def dns01_value(key_authorization: str) -> str:
    """The text of the TXT record (§8.4)."""
    return base64url(hashlib.sha256(key_authorization.encode()).digest())


def checked_token(token: str) -> str:
    """The token, if it may become part of a path; raises MalformedAnswer otherwise (§8.3)."""
    if not _TOKEN.fullmatch(token):
        raise MalformedAnswer("The challenge's token is not base64url.")
    return token


def parse_challenge(value: Any) -> Challenge:
    """Read a challenge object inside an authorization."""
    return _challenge(record(value, "challenge"), retry_after=None)


def parse_challenge_answer(answer: Answer) -> Challenge:
    """Read the answer to a response."""
    return _challenge(json_object(answer.body, "challenge"), retry_after=answer.retry_after)


def _challenge(fields: Fields, *, retry_after: timedelta | None) -> Challenge:
    kind = plain_text(fields, "type", of="challenge")
    return Challenge(
        url=url(fields, "url", of="challenge"),
        type=kind,
        # Servers in the field leave the status out of challenges that nobody has tried.
        status=ChallengeStatus(fields.get("status", ChallengeStatus.PENDING)),
        token=_token(fields, kind),
        validated=instant(fields, "validated"),
        error=embedded_problem(fields.get("error")),
        retry_after=retry_after,
    )


def _token(fields: Fields, kind: str) -> str | None:
    if kind in _WITH_TOKEN:
        return checked_token(plain_text(fields, "token", of="challenge"))
    token = optional_text(fields, "token")
    return token if token and _TOKEN.fullmatch(token) else None
