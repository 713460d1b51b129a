"""The ``cmp`` block of an issuer (RFC 9810, RFC 9483)."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import DistinguishedName, Text, WebURL
from certwright.model.resources.polling import Polling
from certwright.model.resources.references import SecretKeySelector, SecretReference, TrustBundle
from certwright.model.resources.schema import Part, at_most_one, rules


class MACAlgorithm(StrEnum):
    """Protection by a shared secret (RFC 9481 section 6.1)."""

    PBM = "PBM"
    PBMAC1 = "PBMAC1"


class MACHash(StrEnum):
    """Hash of the protection: of the one-way function, and of the HMAC."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


class InitialOperation(StrEnum):
    """Requests for a first certificate."""

    IR = "ir"
    CR = "cr"
    P10CR = "p10cr"


class RenewalOperation(StrEnum):
    """Requests for a later certificate."""

    KUR = "kur"
    CR = "cr"
    IR = "ir"
    P10CR = "p10cr"


class MACProtection(Part):
    """Protection by a shared secret."""

    reference: Text = Field(description="The reference value: senderKID of the request.")
    secret_ref: SecretKeySelector = Field(description="The shared secret. Default key: `secret`.")
    algorithm: MACAlgorithm | None = Field(default=None, description="How the MAC is made. Default: PBM.")
    hash: MACHash | None = Field(default=None, description="Hash of key derivation and HMAC. Default: SHA256.")
    iterations: Annotated[int, Field(ge=100, le=1_000_000)] | None = Field(
        default=None, description="Iterations of the key derivation. Default: 10000."
    )


class SignatureProtection(Part):
    """Protection by a certificate."""

    secret_ref: SecretReference = Field(description="A Secret with `tls.crt` (with its chain) and `tls.key`.")


class Protection(Part):
    """How requests are protected; a Certificate's own cmp.mac goes first for its first enrolment."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most_one("mac", "signature", message="cmp.protection: mac and signature exclude each other; keep one")
        )
    )

    mac: MACProtection | None = Field(default=None, description="By a shared secret.")
    signature: SignatureProtection | None = Field(
        default=None, description="By a certificate that the CA already knows, such as a device's factory certificate."
    )
    registration_authority: SignatureProtection | None = Field(
        default=None, description="By a registration authority's certificate, on behalf of every Certificate."
    )


class CMPTrust(TrustBundle):
    """Trust anchors for signed answers; the HTTPS connection has its own under tls."""

    accept_ca_pubs: bool = Field(
        default=False,
        alias="acceptCaPubs",
        description="Whether caPubs of a MAC-protected ip become trust anchors. Default: false.",
    )


class Interop(Part):
    """Relaxations that some servers need, each a deliberate choice."""

    ignore_key_usage: bool = Field(
        default=False, description="Accepts signers without digitalSignature, such as a bare CA. Default: false."
    )
    allow_unprotected_errors: bool = Field(
        default=False,
        description="Shows the text of unprotected error messages, marked unauthenticated, and waits as after a"
        " rejection. Default: false: they count as a failed transport.",
    )
    sender_kid: Annotated[str, Field(max_length=253)] | None = Field(
        default=None,
        description="senderKID to send instead of the reference or the key identifier; empty sends none.",
    )


class CMPIssuer(Part):
    """A CA that speaks CMP."""

    url: WebURL = Field(description="URL to which messages are posted, its path included.")
    protection: Protection | None = Field(default=None, description="How requests are protected.")
    initial_operation: InitialOperation | None = Field(
        default=None, description="Request for a first certificate. Default: ir."
    )
    renewal_operation: RenewalOperation | None = Field(default=None, description="Request for a renewal. Default: kur.")
    sender: DistinguishedName | None = Field(
        default=None, description="Sender of the messages, RFC 4514. Default: as RFC 9483 section 3.1 has it."
    )
    recipient: DistinguishedName | None = Field(
        default=None, description="Recipient of the messages, RFC 4514. Default: the CA's name where known, else empty."
    )
    cert_profile: Text | None = Field(default=None, description="certProfile of the requests. Default: none.")
    implicit_confirm: bool | None = Field(
        default=None, description="Whether the CA is asked to do without certConf. Default: true."
    )
    trust: CMPTrust | None = Field(
        default=None, description="Trust anchors for signed answers. Default: none, only MACs verify."
    )
    polling: Polling | None = Field(default=None, description="Asking again while the CA says waiting.")
    interop: Interop | None = Field(default=None, description="Relaxations that some servers need.")
