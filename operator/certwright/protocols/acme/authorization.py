"""Authorizations: whether the account may have a certificate for one identifier (RFC 8555 §7.1.4, §7.5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certwright.protocols.acme.challenge import Challenge, parse_challenge
from certwright.protocols.acme.fields import Fields, instant, items, json_object, plain_text
from certwright.protocols.acme.identifier import Identifier, parse_identifier
from certwright.protocols.transport import Answer


class AuthorizationStatus(StrEnum):
    """RFC 8555 §7.1.6: pending → valid or invalid; a valid one may expire, be deactivated or revoked."""

    PENDING = "pending"
    VALID = "valid"
    INVALID = "invalid"
    DEACTIVATED = "deactivated"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, _value: object) -> "AuthorizationStatus":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An authorization and its challenges, of which one suffices.

    ``identifier`` has no ``*.`` in front, ``wildcard`` says whether the order had; ``ordered`` puts them together.
    """

    url: str
    status: AuthorizationStatus
    identifier: Identifier
    challenges: tuple[Challenge, ...]
    wildcard: bool = False
    expires: datetime | None = None
    retry_after: timedelta | None = None

    @property
    def ordered(self) -> Identifier:
        """The identifier as the order has it."""
        if not self.wildcard:
            return self.identifier
        return Identifier(self.identifier.type, f"*.{self.identifier.value.removeprefix('*.')}")

    def challenge(self, kind: str) -> Challenge | None:
        """The challenge of this type, if the server offers it."""
        return next((challenge for challenge in self.challenges if challenge.type == kind), None)


def parse_authorization(answer: Answer, *, url: str) -> Authorization:
    """Read an authorization object. Challenges of types unknown here stay in it."""
    fields = json_object(answer.body, "authorization")
    return Authorization(
        url=url,
        status=AuthorizationStatus(plain_text(fields, "status", of="authorization")),
        identifier=parse_identifier(fields.get("identifier")),
        challenges=_challenges(fields),
        wildcard=fields.get("wildcard") is True,
        expires=instant(fields, "expires"),
        retry_after=answer.retry_after,
    )


def _challenges(fields: Fields) -> tuple[Challenge, ...]:
    if fields.get("challenges") is None:
        # What is deactivated or expired comes without any from some servers.
        return ()
    return tuple(parse_challenge(value) for value in items(fields, "challenges", of="authorization"))
