"""``Issuer.spec`` and ``ClusterIssuer.spec``: how a CA is reached, and who may ask it for what.

Both kinds have the same fields, so that everything but the watch treats them alike; their CRDs differ by one rule.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.acme import ACMEIssuer
from certwright.model.resources.cmp import CMPIssuer
from certwright.model.resources.est import ESTIssuer
from certwright.model.resources.fields import (
    MAX_ITEMS,
    MAX_NAMES,
    Count,
    DNSName,
    Duration,
    Glob,
    IPRange,
    LabelValue,
    NamespaceName,
    Text,
    WebURL,
)
from certwright.model.resources.references import TrustBundle
from certwright.model.resources.scep import SCEPIssuer
from certwright.model.resources.schema import Keywords, Part, exactly_one, rule, rules
from certwright.model.resources.vocabulary import KeyAlgorithm, Protocol, Usage


class Timeouts(Part):
    """How long the server may take."""

    connect: Duration | None = Field(default=None, description="For a connection, TLS included. Default: 10s.")
    request: Duration | None = Field(default=None, description="For a whole answer. Default: 60s.")


class Limits(Part):
    """A budget of attempts, shared by all Certificates of the issuer. Default: none."""

    concurrency: Count | None = Field(default=None, description="Enrolments at the same time. Default: 20.")
    per_minute: Count | None = Field(default=None, description="Attempts in a minute. Default: unlimited.")
    per_day: Count | None = Field(
        default=None, description="Attempts in a day (UTC), whether they succeed or not. Default: unlimited."
    )


class LabelSelectorRequirement(Part):
    """One expression over labels."""

    key: Text = Field(description="Label key.")
    operator: Annotated[str, Keywords({"enum": ["In", "NotIn", "Exists", "DoesNotExist"]})] = Field(
        description="In, NotIn, Exists or DoesNotExist."
    )
    values: Annotated[tuple[LabelValue, ...], Field(max_length=MAX_ITEMS)] = Field(
        default=(), description="Values for In and NotIn."
    )


class LabelSelector(Part):
    """Kubernetes' own selector; everything in it must hold."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=MAX_ITEMS)] = Field(
        default={}, description="Labels with their values."
    )
    match_expressions: Annotated[tuple[LabelSelectorRequirement, ...], Field(max_length=MAX_ITEMS)] = Field(
        default=(), description="Expressions over labels."
    )


Globs = Annotated[tuple[Glob, ...], Field(max_length=MAX_NAMES)]


class Allow(Part):
    """What the issuer may be used for. A field that is absent limits nothing."""

    namespaces: Annotated[tuple[NamespaceName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="Namespaces served, besides those that namespaceSelector selects."
    )
    namespace_selector: LabelSelector | None = Field(
        default=None, description="Labels of the namespaces served, besides those in namespaces."
    )
    dns_names: Annotated[tuple[DNSName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(),
        description="DNS names: `example.com` is that name alone, `*.example.com` every name below it at any depth,"
        " wildcards included.",
    )
    ip_ranges: Annotated[tuple[IPRange, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="Ranges of IP addresses in CIDR form."
    )
    uris: Globs = Field(default=(), description="URIs; `*` stands for any run of characters.")
    email_addresses: Globs = Field(
        default=(),
        description="E-mail addresses, those in the subject included; `*` stands for any run of characters.",
    )
    other_names: Globs = Field(
        default=(),
        description="Names of other kinds, each written as its object identifier, a colon and the value, such as"
        " `1.3.6.1.4.1.311.20.2.3:*@example.com`; `*` stands for any run of characters.",
    )
    common_names: Globs = Field(default=(), description="Common names; `*` stands for any run of characters.")
    usages: Annotated[tuple[Usage, ...], Field(max_length=23)] = Field(
        default=(), description="Usages; isCA: true allows cert sign with it."
    )
    key_algorithms: Annotated[tuple[KeyAlgorithm, ...], Field(max_length=10)] = Field(
        default=(), description="Algorithms of keys, of those included that a Certificate leaves to the defaults."
    )
    max_duration: Duration | None = Field(
        default=None,
        description="Longest duration that may be asked for. A Certificate without one leaves it to the CA.",
    )
    is_ca: bool | None = Field(
        default=None, description="Whether CA certificates may be asked for. Default: false where allow is set."
    )


PROTOCOLS = tuple(Protocol)
_ONE_PROTOCOL = exactly_one(*PROTOCOLS, message="set exactly one of acme, est, cmp and scep")
_SAME_PROTOCOL = rule(
    " && ".join(f"has(self.{protocol}) == has(oldSelf.{protocol})" for protocol in PROTOCOLS),
    "the protocol of an issuer is immutable; make another issuer and change issuerRef",
)
_NO_PROXY = rule("!has(self.proxyURL)", "proxyURL is for ClusterIssuers only; remove it or make a ClusterIssuer")


class IssuerSpec(Part):
    """How a CA is reached and what it may be used for."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_PROTOCOL, _SAME_PROTOCOL, _NO_PROXY))

    acme: ACMEIssuer | None = Field(default=None, description="A CA that speaks ACME (RFC 8555).")
    est: ESTIssuer | None = Field(default=None, description="A CA that speaks EST (RFC 7030).")
    cmp: CMPIssuer | None = Field(default=None, description="A CA that speaks CMP (RFC 9810).")
    scep: SCEPIssuer | None = Field(default=None, description="A CA that speaks SCEP (RFC 8894).")
    tls: TrustBundle | None = Field(
        default=None, description="Trust for the HTTPS connection. Default: the system's roots."
    )
    timeouts: Timeouts | None = Field(default=None, description="How long the server may take.")
    proxy_url: WebURL | None = Field(
        default=None, description="HTTP proxy for the connection; ClusterIssuer only. Default: none."
    )
    limits: Limits | None = Field(default=None, description="Budget of attempts at this CA.")
    allow: Allow | None = Field(
        default=None,
        description="What it may be used for. Default: anything; a ClusterIssuer then serves every namespace.",
    )

    @property
    def protocol(self) -> Protocol | None:
        """The protocol whose block is set; None only for an object that never passed the API server."""
        return next((protocol for protocol in PROTOCOLS if getattr(self, protocol) is not None), None)


class ClusterIssuerSpec(IssuerSpec):
    """The same fields in a cluster-scoped kind, which only an administrator writes: it may name a proxy."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_PROTOCOL, _SAME_PROTOCOL))
