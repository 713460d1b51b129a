"""``Issuer.status`` and ``ClusterIssuer.status``: what the last probe of the CA found. Only ``reconcile`` writes it."""

from typing import Annotated

from pydantic import Field

from certwright.model.resources.certificate_status import Number, Sentence, Word
from certwright.model.resources.conditions import Condition
from certwright.model.resources.fields import Instant
from certwright.model.resources.schema import Keywords, Part, StatusPart


class CACertificate(Part):
    """A certificate of the CA, as the server showed it."""

    subject: Sentence = Field(description="Its subject as an RFC 4514 string.")
    not_after: Instant = Field(description="When it expires.")
    fingerprint_sha256: Word = Field(description="SHA-256 of the certificate, lower-case hex.")


class ACMEAccount(Part):
    """The ACME account."""

    uri: Word | None = Field(default=None, description="URL of the account; once set, its key is never made anew.")
    server: Annotated[str, Keywords({"maxLength": 2048})] | None = Field(
        default=None, description="The directory at which the account was registered."
    )
    contact: Annotated[tuple[Word, ...], Keywords({"maxItems": 20})] = Field(
        default=(), description="Contact addresses as last registered."
    )
    key_thumbprint: Word | None = Field(default=None, description="RFC 7638 thumbprint of the account key.")
    terms_of_service: Annotated[str, Keywords({"maxLength": 2048})] | None = Field(
        default=None, description="The terms of service that the server names."
    )
    last_new_account_request: Sentence | None = Field(
        default=None, description="Value of the annotation certwright.io/new-account that was acted on last."
    )


class DailyUsage(Part):
    """The budget of one day that is taken already."""

    day: Word = Field(description="The day in UTC, as 2026-01-31.")
    reserved: Number = Field(description="Attempts reserved, in blocks; never fewer than were made.")


class CredentialSeen(Part):
    """A credential that can expire."""

    name: Word = Field(description="Name of its Secret.")
    not_after: Instant = Field(description="When it expires.")


class IssuerStatus(StatusPart):
    """What is known of the CA."""

    conditions: Annotated[
        tuple[Condition, ...],
        Keywords({"maxItems": 20, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = Field(default=(), description="Ready: the server was probed and the credentials fit.")
    observed_generation: Number | None = Field(
        default=None, description="Generation of the spec that this status describes."
    )
    protocol: Word | None = Field(default=None, description="acme, est, cmp or scep.")
    url: Annotated[str, Keywords({"maxLength": 2048})] | None = Field(
        default=None, description="Where the server is: the spec's server or url."
    )
    capabilities: Annotated[tuple[Word, ...], Keywords({"maxItems": 100})] = Field(
        default=(), description="What the server says it can do."
    )
    ca_certificates: Annotated[tuple[CACertificate, ...], Keywords({"maxItems": 100})] = Field(
        default=(), description="Certificates of the CA."
    )
    acme: ACMEAccount | None = Field(default=None, description="The ACME account.")
    usage: DailyUsage | None = Field(default=None, description="Attempts taken from limits.perDay.")
    credentials: Annotated[tuple[CredentialSeen, ...], Keywords({"maxItems": 20})] = Field(
        default=(), description="Credentials that can expire."
    )
    last_probe: Instant | None = Field(default=None, description="When the server was last probed.")
