"""What a certificate can name over ACME (RFC 8555 §9.7.7, RFC 8738): the currency of orders and authorizations."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from certwright.protocols.acme.fields import plain_text, record


class IdentifierType(StrEnum):
    """The identifier types that this client can ask for; servers may name others."""

    DNS = "dns"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name with its type, compared by value: servers keep no order (RFC 8555 §7.4).

    In an authorization the value never begins with ``*.``: see ``Authorization.wildcard``.
    """

    type: str
    value: str

    @classmethod
    def dns(cls, name: str) -> Self:
        """A DNS name in A-label form, perhaps with ``*.`` in front."""
        return cls(IdentifierType.DNS, name.lower())

    @classmethod
    def ip(cls, value: str) -> Self:
        """An IPv4 or IPv6 address, in the text form that RFC 8738 asks for (RFC 5952)."""
        return cls(IdentifierType.IP, ipaddress.ip_address(value).compressed)

    def as_json(self) -> dict[str, str]:
        """The JSON object of RFC 8555 §7.1.3."""
        return {"type": str(self.type), "value": self.value}

    def __str__(self) -> str:
        return self.value


def parse_identifier(value: Any) -> Identifier:
    """Read an identifier object; DNS names and addresses come back in the form that ours have."""
    fields = record(value, "identifier")
    kind = plain_text(fields, "type", of="identifier")
    name = plain_text(fields, "value", of="identifier")
    if kind == IdentifierType.DNS:
        return Identifier.dns(name)
    if kind == IdentifierType.IP:
        try:
            return Identifier.ip(name)
        except ValueError:
            return Identifier(kind, name)
    return Identifier(kind, name)
