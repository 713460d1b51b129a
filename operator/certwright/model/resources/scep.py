"""The ``scep`` block of an issuer (RFC 8894)."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import Base64Bundle, Duration, Fingerprint, SecureURL, Text, WebURL
from certwright.model.resources.polling import Polling
from certwright.model.resources.references import SecretKeySelector, SecretReference
from certwright.model.resources.schema import Part, exactly_one, rule, rules


class SCEPRenewal(StrEnum):
    """Message type of a renewal."""

    RENEWAL_REQ = "RenewalReq"
    PKCS_REQ = "PKCSReq"
    AUTO = "Auto"


class HTTPMethod(StrEnum):
    """How messages are sent."""

    AUTO = "Auto"
    POST = "POST"
    GET = "GET"


class SendAlgorithm(StrEnum):
    """Weak algorithms that may be sent; DES and MD5 never are."""

    DES3 = "DES3"
    SHA1 = "SHA-1"


class AcceptAlgorithm(StrEnum):
    """Weak algorithms that may be accepted."""

    DES3 = "DES3"
    DES = "DES"
    SHA1 = "SHA-1"
    MD5 = "MD5"


class NDESChallenge(Part):
    """Challenges from the page of Microsoft's NDES."""

    url: SecureURL = Field(description="URL of the page, usually ending in `/certsrv/mscep_admin/`.")
    credentials_secret_ref: SecretReference = Field(
        description="A Secret with `username` and `password` of an account that may read the page."
    )


class WebhookChallenge(Part):
    """Challenges from a web service of your own."""

    url: SecureURL = Field(description="URL that answers a POST about the request with a challenge.")
    hmac_secret_ref: SecretKeySelector | None = Field(
        default=None, description="Key with which requests are signed (HMAC-SHA-256). Default key: `secret`."
    )
    ca_bundle: Base64Bundle | None = Field(
        default=None, description="PEM certificates that sign the service's, base64 encoded. Default: the system's."
    )


class Challenge(Part):
    """Where the challenge password comes from; a Certificate's own goes first."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                "secretRef",
                "ndes",
                "webhook",
                message="scep.challenge: set exactly one of secretRef, ndes and webhook",
            )
        )
    )

    secret_ref: SecretKeySelector | None = Field(
        default=None, description="One challenge for all. Default key: `challenge`."
    )
    ndes: NDESChallenge | None = Field(default=None, description="From the page of Microsoft's NDES.")
    webhook: WebhookChallenge | None = Field(default=None, description="From a web service of your own.")
    lifetime: Duration | None = Field(
        default=None, description="How long a fetched challenge is good; then another is fetched. Default: 50m."
    )
    max_outstanding: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Fetched challenges that may be unused at a time. Default: 4 for ndes, no bound for webhook.",
    )


class LegacyAlgorithms(Part):
    """Weak algorithms that an old server needs. Default: none."""

    send: Annotated[tuple[SendAlgorithm, ...], Field(max_length=2)] = Field(
        default=(), description="May be sent, where the server knows nothing better."
    )
    accept: Annotated[tuple[AcceptAlgorithm, ...], Field(max_length=4)] = Field(
        default=(), description="May stand in an answer."
    )


class SCEPIssuer(Part):
    """A CA that speaks SCEP."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.url.startsWith('https://') || has(self.caFingerprintSHA256)",
                "scep.caFingerprintSHA256 is needed with an http:// url, since nothing else authenticates the CA; set"
                " it or use https://",
            )
        )
    )

    url: WebURL = Field(description="URL of the server, its path included.")
    ca_identifier: Text | None = Field(default=None, description="Which CA of the server is meant. Default: none.")
    ca_fingerprint_sha256: Fingerprint | None = Field(
        default=None, description="SHA-256 of the DER of one CA certificate, in hexadecimal; required for http."
    )
    challenge: Challenge | None = Field(default=None, description="Where the challenge password comes from.")
    challenge_on_renewal: bool = Field(
        default=False, description="Whether renewals carry a challenge too, as some servers want. Default: false."
    )
    renewal_operation: SCEPRenewal | None = Field(
        default=None, description="Message type of a renewal; Auto goes by the server's capabilities. Default: Auto."
    )
    http_method: HTTPMethod | None = Field(
        default=None, description="Auto sends POST unless legacy servers are known to want GET. Default: Auto."
    )
    legacy_algorithms: LegacyAlgorithms | None = Field(default=None, description="Weak algorithms that may be used.")
    polling: Polling | None = Field(default=None, description="Asking again while the CA says pending.")
