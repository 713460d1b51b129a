"""The directory: where a server keeps its resources, and what it says about itself (RFC 8555 §7.1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from certwright.protocols.acme.fields import (
    Fields,
    address,
    json_object,
    optional_items,
    optional_url,
    shown_text,
    url,
)
from certwright.protocols.transport import Answer

MAX_PROFILES = 100
MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The URLs to ask, and the metadata, which may be absent altogether.

    ``profiles`` maps the names that an order may carry to their descriptions (draft-ietf-acme-profiles).
    ``terms_of_service`` and ``website`` are for people.
    """

    new_nonce: str
    new_account: str
    new_order: str
    revoke_cert: str | None = None
    key_change: str | None = None
    new_authz: str | None = None
    renewal_info: str | None = None
    terms_of_service: str | None = None
    website: str | None = None
    caa_identities: tuple[str, ...] = ()
    external_account_required: bool = False
    profiles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def parse_directory(answer: Answer) -> Directory:
    """Read a directory. Unknown entries are ignored: servers add some to see whether clients do."""
    fields = json_object(answer.body, "directory")
    meta = fields.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    return Directory(
        new_nonce=url(fields, "newNonce", of="directory"),
        new_account=url(fields, "newAccount", of="directory"),
        new_order=url(fields, "newOrder", of="directory"),
        revoke_cert=optional_url(fields, "revokeCert", of="directory"),
        key_change=optional_url(fields, "keyChange", of="directory"),
        new_authz=optional_url(fields, "newAuthz", of="directory"),
        renewal_info=optional_url(fields, "renewalInfo", of="directory"),
        terms_of_service=address(meta.get("termsOfService")),
        website=address(meta.get("website")),
        caa_identities=tuple(filter(None, (shown_text(n, MAX_NAME) for n in optional_items(meta, "caaIdentities")))),
        external_account_required=meta.get("externalAccountRequired") is True,
        profiles=MappingProxyType(_profiles(meta)),
    )


def _profiles(meta: Fields) -> dict[str, str]:
    value = meta.get("profiles")
    if not isinstance(value, dict):
        return {}
    entries = list(value.items())[:MAX_PROFILES]
    return {name: shown_text(text) for name, text in entries if len(name) <= MAX_NAME and name.isprintable()}
