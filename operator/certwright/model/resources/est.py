"""The ``est`` block of an issuer (RFC 7030)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from certwright.model.resources.fields import Fingerprint, SecureURL, Text
from certwright.model.resources.references import SecretKeySelector, SecretReference
from certwright.model.resources.schema import Part, checked

OPERATIONS = ("cacerts", "csrattrs", "fullcmc", "serverkeygen", "simpleenroll", "simplereenroll")
"""Path segments that the RFC gives a meaning, so that they cannot be a label (section 3.2.2)."""


Label = Annotated[
    str,
    Field(min_length=1, max_length=253),
    checked(
        rf"self.matches(r'^[^/?#\s]+$') && !(self in {list(OPERATIONS)})",
        "write the CA's label: one path segment, not the name of an EST operation",
    ),
]


class HTTPScheme(StrEnum):
    """HTTP authentication with a password."""

    AUTO = "Auto"
    BASIC = "Basic"
    DIGEST = "Digest"


class RenewWith(StrEnum):
    """How a renewal authenticates."""

    CURRENT_CERTIFICATE = "CurrentCertificate"
    CREDENTIAL = "Credential"


class CSRAttributes(StrEnum):
    """What becomes of the attributes that the server wants in a request."""

    HONOUR = "Honour"
    IGNORE = "Ignore"


class ChannelBinding(StrEnum):
    """Whether a request is tied to its TLS connection (section 3.5)."""

    AUTO = "Auto"
    REQUIRED = "Required"
    NEVER = "Never"


class ESTPassword(Part):
    """HTTP authentication."""

    username: Text = Field(description="User name.")
    password_secret_ref: SecretKeySelector = Field(description="The password. Default key: `password`.")
    scheme: HTTPScheme | None = Field(
        default=None, description="Auto takes what the server offers, Digest first. Default: Auto."
    )


class ESTBearer(Part):
    """A bearer token."""

    secret_ref: SecretKeySelector = Field(description="The token. Default key: `token`.")


class ESTClientCertificate(Part):
    """TLS client authentication."""

    secret_ref: SecretReference = Field(description="A Secret with `tls.crt` and `tls.key`.")


class ESTAuth(Part):
    """How a first enrolment authenticates; several may be given."""

    password: ESTPassword | None = Field(default=None, description="HTTP authentication.")
    bearer: ESTBearer | None = Field(default=None, description="A bearer token.")
    client_certificate: ESTClientCertificate | None = Field(default=None, description="TLS client authentication.")


class ESTBootstrap(Part):
    """Trust in a CA that is known by its fingerprint only (section 4.1.1)."""

    fingerprint_sha256: Fingerprint = Field(
        description="SHA-256 of the DER of one CA certificate, in hexadecimal, compared before anything else is sent."
    )


class ESTIssuer(Part):
    """A CA that speaks EST."""

    url: SecureURL = Field(description="URL of the server; `/.well-known/est` is added unless it is there.")
    label: Label | None = Field(
        default=None, description="CA label: one path segment. Default: none, the server's default CA."
    )
    auth: ESTAuth | None = Field(default=None, description="How a first enrolment authenticates.")
    renew_with: RenewWith | None = Field(
        default=None,
        description="How a renewal authenticates; an expired or refused certificate falls back to the credential."
        " Default: CurrentCertificate.",
    )
    bootstrap: ESTBootstrap | None = Field(default=None, description="Trust by fingerprint, instead of tls.")
    csr_attributes: CSRAttributes | None = Field(
        default=None, description="Whether the attributes that the server asks for are obeyed. Default: Honour."
    )
    channel_binding: ChannelBinding | None = Field(
        default=None,
        description="Whether the request is tied to its TLS connection; Auto does when the server asks. Default: Auto.",
    )
