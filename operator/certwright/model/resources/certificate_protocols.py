"""The parts of a Certificate that matter over one protocol only; what does not fit the issuer is a condition."""

from pydantic import Field

from certwright.model.resources.fields import Text
from certwright.model.resources.references import SecretKeySelector
from certwright.model.resources.schema import Part


class CertificateACME(Part):
    """ACME (RFC 8555)."""

    profile: Text | None = Field(default=None, description="Certificate profile of the CA. Default: the issuer's.")
    preferred_chain: Text | None = Field(
        default=None,
        description="Common name of the issuer of the topmost certificate in the wanted chain. Default: the issuer's.",
    )


class CertificatePassword(Part):
    """A password that serves one Certificate's first enrolment."""

    username: Text = Field(description="User name for HTTP authentication.")
    password_secret_ref: SecretKeySelector = Field(
        description="The Secret that holds the password, which is used once. Default key: `password`."
    )


class CertificateEST(Part):
    """EST (RFC 7030)."""

    server_key_generation: bool = Field(
        default=False, description="Whether the CA makes the private key (serverkeygen). Default: false."
    )
    password: CertificatePassword | None = Field(
        default=None, description="Used instead of the issuer's password for the first enrolment."
    )


class CertificateMAC(Part):
    """A shared secret that serves one Certificate's first enrolment."""

    reference: Text = Field(description="The reference value: senderKID of the request.")
    secret_ref: SecretKeySelector = Field(
        description="The Secret that holds the shared secret, which is used once. Default key: `secret`."
    )


class CertificateCMP(Part):
    """CMP (RFC 9810)."""

    cert_profile: Text | None = Field(default=None, description="certProfile of the request. Default: the issuer's.")
    central_key_generation: bool = Field(
        default=False, description="Whether the CA makes the private key. Default: false."
    )
    key_recovery: bool = Field(
        default=False,
        description="Whether a lost key is asked back from the CA (krr) before a new one is made. Default: false.",
    )
    mac: CertificateMAC | None = Field(
        default=None,
        description="Used instead of the issuer's MAC secret for the first enrolment, for CAs with a secret per end"
        " entity.",
    )


class CertificateSCEP(Part):
    """SCEP (RFC 8894)."""

    challenge_secret_ref: SecretKeySelector = Field(
        description="The Secret that holds this certificate's challenge, which is used once. Default key: `challenge`."
    )
