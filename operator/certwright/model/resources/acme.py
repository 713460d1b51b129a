"""The ``acme`` block of an issuer: account, profile and the ways to prove a name."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.acme_dns01 import DNS01
from certwright.model.resources.acme_http01 import HTTP01
from certwright.model.resources.fields import (
    MAX_ITEMS,
    MAX_NAMES,
    EmailAddress,
    LabelValue,
    SecureURL,
    SelectorName,
    Text,
)
from certwright.model.resources.references import SecretKeySelector
from certwright.model.resources.schema import Part, at_most_one, checked, exactly_one, rules

ContactURL = Annotated[
    str,
    Field(min_length=3, max_length=253),
    checked(r"self.matches(r'^[a-z]+:\S+$')", "write a URL, such as mailto:pki@example.com"),
]


class RequestValidity(StrEnum):
    """Whether an order carries the wanted notAfter."""

    NEVER = "Never"
    ALWAYS = "Always"


class RenewalInfoUse(StrEnum):
    """Whether the CA's renewal windows are asked for."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class BindingAlgorithm(StrEnum):
    """MAC algorithms of an external account binding (RFC 8555 section 7.3.4)."""

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"


class ExternalAccountBinding(Part):
    """Ties the new account to one that the CA already knows; sent once, when the account is made."""

    key_id: Text = Field(description="Key identifier that the CA gave.")
    key_secret_ref: SecretKeySelector = Field(
        description="The Secret that holds the MAC key in base64url as the CA gave it. Default key: `secret`."
    )
    algorithm: BindingAlgorithm | None = Field(default=None, description="MAC algorithm. Default: HS256.")


class SolverSelector(Part):
    """Which names a solver proves; the most specific match wins: dnsNames, then the longest zone, then labels."""

    dns_names: Annotated[tuple[SelectorName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="Names proved by this solver. Default: all."
    )
    dns_zones: Annotated[tuple[SelectorName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="Zones whose names are proved by this solver. Default: all."
    )
    match_labels: Annotated[dict[str, LabelValue], Field(max_length=MAX_ITEMS)] = Field(
        default={}, description="Labels that the Certificate must have. Default: none."
    )


class TLSALPN01(Part):
    """Answers by a TLS handshake on port 443 (RFC 8737)."""


class DNSPersist01(Part):
    """Relies on a standing TXT record that an administrator publishes once."""


class Solver(Part):
    """One way to prove names."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                "http01",
                "dns01",
                "tlsALPN01",
                "dnsPersist01",
                message="a solver proves names in one way; set exactly one of http01, dns01, tlsALPN01, dnsPersist01",
            )
        )
    )

    selector: SolverSelector | None = Field(default=None, description="Names that it proves. Default: all.")
    http01: HTTP01 | None = Field(default=None, description="Answers over HTTP on port 80.")
    dns01: DNS01 | None = Field(default=None, description="Publishes a TXT record for each order; wildcards need it.")
    tls_alpn01: TLSALPN01 | None = Field(default=None, description="Answers by a TLS handshake on port 443.")
    dns_persist01: DNSPersist01 | None = Field(
        default=None, description="Relies on a standing TXT record that names the account."
    )


class ACMEIssuer(Part):
    """A CA that speaks ACME."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most_one("contact", "email", message="acme.contact and acme.email exclude each other; keep one")
        )
    )

    server: SecureURL = Field(description="URL of the directory.")
    contact: Annotated[tuple[ContactURL, ...], Field(max_length=10)] = Field(
        default=(), description="Contact URLs of the account, such as `mailto:pki@example.com`."
    )
    email: EmailAddress | None = Field(default=None, description="One address, instead of contact.")
    terms_of_service_agreed: bool = Field(
        default=False, description="Whether you agree to the CA's terms of service; never assumed. Default: false."
    )
    private_key_secret_ref: SecretKeySelector = Field(
        description="The Secret of the account key, made (ECDSA P-256) if it is missing while there is no account."
        " Default key: `tls.key`."
    )
    external_account_binding: ExternalAccountBinding | None = Field(
        default=None, description="Ties the new account to one that the CA already knows."
    )
    profile: Text | None = Field(default=None, description="Certificate profile. Default: the CA's.")
    preferred_chain: Text | None = Field(
        default=None,
        description="Common name of the issuer of the topmost certificate in the wanted chain. Default: the CA's.",
    )
    request_validity: RequestValidity | None = Field(
        default=None, description="Whether a Certificate's duration is sent; many CAs refuse it. Default: Never."
    )
    renewal_info: RenewalInfoUse | None = Field(
        default=None, description="Whether the CA is asked when to renew (RFC 9773). Default: Enabled."
    )
    solvers: Annotated[tuple[Solver, ...], Field(max_length=50)] = Field(
        default=(), description="Ways to prove names; none are needed where the CA asks for no proof."
    )
