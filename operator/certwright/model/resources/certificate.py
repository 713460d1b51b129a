"""``Certificate.spec``: what a user asks for. A superset of cert-manager v1's, with the same names and meanings.

Nothing is defaulted while parsing, but where an absent field *means* a value (an issuer's kind): an unset field has to
stay distinguishable, since it matches whatever certificate is there already.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.certificate_output import AdditionalOutputFormat, Chain, Keystores, SecretTemplate
from certwright.model.resources.certificate_policy import (
    AcceptChange,
    Adoption,
    Deletion,
    Renewal,
    Retry,
    Revocation,
    Rollout,
)
from certwright.model.resources.certificate_protocols import (
    CertificateACME,
    CertificateCMP,
    CertificateEST,
    CertificateSCEP,
)
from certwright.model.resources.certificate_request import CSR, NameConstraints, OtherName, PrivateKey, Subject
from certwright.model.resources.fields import (
    MAX_ITEMS,
    MAX_NAMES,
    URI,
    CommonName,
    DistinguishedName,
    DNSName,
    Duration,
    EmailAddress,
    IPAddress,
    ObjectName,
)
from certwright.model.resources.references import IssuerRef
from certwright.model.resources.schema import Part, rule, rules
from certwright.model.resources.vocabulary import SignatureAlgorithm, Usage

_NAME_FIELDS = ("dnsNames", "ipAddresses", "uris", "emailAddresses", "otherNames")
_HAS_NAME = " || ".join(
    ["has(self.commonName)", "has(self.literalSubject)"]
    + [f"(has(self.{field}) && self.{field}.size() > 0)" for field in _NAME_FIELDS]
)

_SPEC_RULES = rules(
    rule(
        "has(self.issuerRef) != (has(self.issuerRefs) && self.issuerRefs.size() > 0)",
        "issuerRef and issuerRefs: set exactly one; issuerRefs are ordered fallbacks",
    ),
    rule(
        _HAS_NAME,
        "a certificate needs a name; set commonName, literalSubject, dnsNames, ipAddresses, uris, emailAddresses or"
        " otherNames",
    ),
    rule(
        "!has(self.literalSubject) || !(has(self.subject) || has(self.commonName))",
        "literalSubject is the whole subject; remove subject and commonName, or literalSubject",
    ),
    rule(
        "!(has(self.renewBefore) && has(self.renewBeforePercentage))",
        "renewBefore and renewBeforePercentage exclude each other; keep one",
    ),
    rule(
        "!has(self.duration) || !has(self.renewBefore) || duration(self.renewBefore) < duration(self.duration)",
        "renewBefore must be shorter than duration; lower it or use renewBeforePercentage",
    ),
    rule("!has(self.duration) || duration(self.duration) >= duration('1m')", "duration must be 1m or longer"),
    rule("!has(self.renewBefore) || duration(self.renewBefore) > duration('0s')", "renewBefore must be longer than 0s"),
    rule(
        "!has(self.nameConstraints) || (has(self.isCA) && self.isCA)",
        "nameConstraints apply to CA certificates only; set isCA: true or remove them",
    ),
    rule(
        "!has(self.signatureAlgorithm) || !has(self.privateKey) || !has(self.privateKey.algorithm)"
        " || self.signatureAlgorithm == self.privateKey.algorithm"
        " || (self.privateKey.algorithm == 'RSA' && self.signatureAlgorithm.endsWith('WithRSA'))"
        " || (self.privateKey.algorithm == 'ECDSA' && self.signatureAlgorithm.startsWith('ECDSAWith'))"
        " || (self.privateKey.algorithm == 'Ed25519' && self.signatureAlgorithm == 'PureEd25519')",
        "signatureAlgorithm does not fit privateKey.algorithm; choose one of that key, or remove it",
    ),
)


class CertificateSpec(Part):
    """What is wanted: the certificate, the Secret that holds it and the issuer that is asked."""

    model_config = ConfigDict(json_schema_extra=_SPEC_RULES)

    secret_name: ObjectName = Field(
        description="Secret of the same namespace that receives key and certificate. A change copies the pair without"
        " an enrolment."
    )
    issuer_ref: IssuerRef | None = Field(default=None, description="The issuer. Exclusive with issuerRefs.")
    issuer_refs: Annotated[tuple[IssuerRef, ...], Field(max_length=10)] = Field(
        default=(),
        description="Issuers in the order of preference; the next is asked after three failures of one in a row, or"
        " when it has been missing or not ready for a minute. A rejection, or a refusal by the first one's allow, is no"
        " reason to ask another. Each renewal begins with the first.",
    )
    common_name: CommonName | None = Field(
        default=None, description="Common name; never invented. Over ACME it must be one of the names."
    )
    subject: Subject | None = Field(default=None, description="Further parts of the subject.")
    literal_subject: DistinguishedName | None = Field(
        default=None,
        description="The whole subject as an RFC 4514 string, instead of subject and commonName: `CN=web,O=Example`"
        " with the common name last in the certificate. Attributes by name or as dotted numbers, `+` for several in"
        " one place, `#` for a value in DER.",
    )
    dns_names: Annotated[tuple[DNSName, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="DNS names; a leading `*.` makes a wildcard."
    )
    ip_addresses: Annotated[tuple[IPAddress, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="IPv4 and IPv6 addresses."
    )
    uris: Annotated[tuple[URI, ...], Field(max_length=MAX_NAMES)] = Field(default=(), description="URIs.")
    email_addresses: Annotated[tuple[EmailAddress, ...], Field(max_length=MAX_NAMES)] = Field(
        default=(), description="E-mail addresses."
    )
    other_names: Annotated[tuple[OtherName, ...], Field(max_length=MAX_ITEMS)] = Field(
        default=(), description="Names of other kinds, each with its object identifier."
    )
    duration: Duration | None = Field(
        default=None,
        description="Lifetime asked for. Default: none, the CA decides. Over ACME sent only with the issuer's"
        " requestValidity: Always.",
    )
    renew_before: Duration | None = Field(
        default=None, description="How long before the end it is renewed. Default: a third of the lifetime."
    )
    renew_before_percentage: Annotated[int, Field(ge=1, le=99)] | None = Field(
        default=None, description="Share of the lifetime, in percent, that remains when it is renewed."
    )
    renewal: Renewal | None = Field(default=None, description="Whether and in which hours renewals happen.")
    private_key: PrivateKey | None = Field(default=None, description="The key pair.")
    signature_algorithm: SignatureAlgorithm | None = Field(
        default=None,
        description="Signature of the request. Default: the key's usual one. Where privateKey.algorithm is unset it"
        " decides the key: with ECDSAWithSHA384 P-384, with ECDSAWithSHA512 P-521. Over CMP's ir, cr and kur it signs"
        " the proof of possession.",
    )
    usages: Annotated[tuple[Usage, ...], Field(max_length=23)] = Field(
        default=(),
        description="Key usages and extended key usages. Default: digital signature and server auth, with RSA also"
        " key encipherment; isCA adds cert sign.",
    )
    encode_usages_in_request: bool | None = Field(
        default=None, description="Whether the usages are put into the request. Default: true."
    )
    is_ca: bool = Field(default=False, description="Whether a CA certificate is wanted. Default: false.")
    name_constraints: NameConstraints | None = Field(
        default=None, description="Names that the CA certificate may certify; needs isCA."
    )
    secret_template: SecretTemplate | None = Field(default=None, description="Labels and annotations of the Secret.")
    keystores: Keystores | None = Field(default=None, description="Keystores in the Secret.")
    additional_output_formats: Annotated[tuple[AdditionalOutputFormat, ...], Field(max_length=10)] = Field(
        default=(), description="Further forms of key and certificate in the Secret."
    )
    revision_history_limit: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Accepted for cert-manager's sake and ignored: there are no request objects."
    )
    acme: CertificateACME | None = Field(default=None, description="Settings for ACME issuers.")
    est: CertificateEST | None = Field(default=None, description="Settings for EST issuers.")
    cmp: CertificateCMP | None = Field(default=None, description="Settings for CMP issuers.")
    scep: CertificateSCEP | None = Field(default=None, description="Settings for SCEP issuers.")
    csr: CSR | None = Field(default=None, description="Raw extensions and attributes of the request.")
    chain: Chain | None = Field(default=None, description="Shape of tls.crt. Default: leaf, then intermediates.")
    accept_changes: Annotated[tuple[AcceptChange, ...], Field(max_length=4)] = Field(
        default=(), description="What the CA may alter. Default: nothing; an altered certificate is refused."
    )
    adoption: Adoption | None = Field(
        default=None,
        description="What to do with a Secret of that name that certwright did not write for this Certificate. Refuse"
        " leaves it alone. Adopt takes over the key and certificate in it without an enrolment, and issues anew where"
        " they are not what is asked for; one without a pair is refused. Replace issues anew at once. Both take only"
        " a Secret of type kubernetes.io/tls, or an Opaque one with no other keys than certwright writes, which no"
        " issuer uses and no other Certificate writes; its type and what others put into it stay. Default: Refuse.",
    )
    revocation: Revocation | None = Field(default=None, description="When to revoke. Default: never.")
    deletion: Deletion | None = Field(
        default=None,
        description="Whether the Secret stays when the Certificate is deleted, and the former one when secretName is"
        " changed. Default: KeepSecret.",
    )
    rollout: Rollout | None = Field(default=None, description="Workloads restarted after a renewal. Default: none.")
    retry: Retry | None = Field(default=None, description="Delays after a rejection by the CA.")
    suspend: bool = Field(default=False, description="Whether nothing is enrolled for now. Default: false.")

    @property
    def issuers(self) -> tuple[IssuerRef, ...]:
        """The issuers in the order in which they are tried."""
        return (self.issuer_ref,) if self.issuer_ref else self.issuer_refs
