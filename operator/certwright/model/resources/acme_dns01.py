"""How DNS-01 records are published, and how their propagation is awaited."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.acme_dns_providers import (
    ACMEDNS,
    RFC2136,
    Akamai,
    AzureDNS,
    CloudDNS,
    Cloudflare,
    DigitalOcean,
    DNSWebhook,
    Route53,
)
from certwright.model.resources.fields import Duration, HostPort
from certwright.model.resources.schema import Part, exactly_one, rules

PROVIDERS = (
    "rfc2136",
    "webhook",
    "acmeDNS",
    "akamai",
    "azureDNS",
    "cloudDNS",
    "cloudflare",
    "digitalocean",
    "route53",
)
"""The API names of the provider blocks; a new provider adds its own."""


class CNAMEStrategy(StrEnum):
    """Whether the record is published where a CNAME of the challenge name points."""

    NONE = "None"
    FOLLOW = "Follow"


class Propagation(Part):
    """How a record is known to be seen everywhere."""

    timeout: Duration | None = Field(
        default=None, description="How long every authoritative server may take to show the record. Default: 5m."
    )
    interval: Duration | None = Field(default=None, description="Time between two looks. Default: 5s.")
    wait: Duration | None = Field(
        default=None, description="Waits this long instead of looking, where the servers cannot be reached."
    )


class DNS01(Part):
    """Publishes a TXT record for each order."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(*PROVIDERS, message=f"dns01 needs one provider; set exactly one of {', '.join(PROVIDERS)}")
        )
    )

    rfc2136: RFC2136 | None = Field(default=None, description="Dynamic updates (RFC 2136) with TSIG.")
    webhook: DNSWebhook | None = Field(default=None, description="A DNS-01 webhook made for cert-manager.")
    acme_dns: ACMEDNS | None = Field(default=None, description="An acme-dns server.")
    akamai: Akamai | None = Field(default=None, description="Akamai Edge DNS.")
    azure_dns: AzureDNS | None = Field(default=None, description="Azure DNS.")
    cloud_dns: CloudDNS | None = Field(default=None, description="Google Cloud DNS.")
    cloudflare: Cloudflare | None = Field(default=None, description="Cloudflare.")
    digitalocean: DigitalOcean | None = Field(default=None, description="DigitalOcean.")
    route53: Route53 | None = Field(default=None, description="Amazon Route 53.")
    cname_strategy: CNAMEStrategy | None = Field(
        default=None, description="Follow publishes where a CNAME of `_acme-challenge` points. Default: None."
    )
    nameservers: Annotated[tuple[HostPort, ...], Field(max_length=20)] = Field(
        default=(),
        description="Recursive name servers for this solver's look-ups, as host:port. Default: the operator's.",
    )
    propagation: Propagation | None = Field(default=None, description="How its visibility is awaited.")
