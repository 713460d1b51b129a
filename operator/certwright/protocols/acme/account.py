"""Accounts: registering a key with a server (RFC 8555 §7.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from certwright.protocols.acme.errors import MalformedAnswer
from certwright.protocols.acme.fields import is_https, json_object, optional_items, plain_text, shown_text
from certwright.protocols.transport import Answer

CREATED = 201


class AccountStatus(StrEnum):
    """RFC 8555 §7.1.6."""

    VALID = "valid"
    DEACTIVATED = "deactivated"
    REVOKED = "revoked"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, _value: object) -> "AccountStatus":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account. ``url`` identifies it (the ``kid``, and CAA's accounturi); ``created`` is true for a new one."""

    url: str
    status: AccountStatus
    contact: tuple[str, ...] = ()
    terms_agreed: bool = False
    created: bool = False
    retry_after: timedelta | None = None


def registration(*, contact: Sequence[str], terms_agreed: bool, binding: dict[str, str] | None) -> dict[str, Any]:
    """The payload of newAccount. Agreement is sent only where it was given (§7.3)."""
    payload: dict[str, Any] = {}
    if contact:
        payload["contact"] = list(contact)
    if terms_agreed:
        payload["termsOfServiceAgreed"] = True
    if binding is not None:
        payload["externalAccountBinding"] = binding
    return payload


def parse_account(answer: Answer, *, url: str | None = None) -> Account:
    """Read an account object. Its URL is the one asked, or else the Location of newAccount's answer."""
    location = url or answer.headers.get("location")
    if not is_https(location):
        raise MalformedAnswer("The answer to newAccount has no usable https URL in its Location.")
    fields = json_object(answer.body, "account")
    return Account(
        url=str(location),
        status=AccountStatus(plain_text(fields, "status", of="account")),
        contact=tuple(filter(None, (shown_text(entry) for entry in optional_items(fields, "contact")))),
        terms_agreed=fields.get("termsOfServiceAgreed") is True,
        created=answer.status == CREATED,
        retry_after=answer.retry_after,
    )
