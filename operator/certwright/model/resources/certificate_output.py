"""The parts of a Certificate that shape its Secret: metadata, keystores, further formats and the chain."""

from enum import StrEnum

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from certwright.model.metadata import RESERVED_DOMAINS
from certwright.model.resources.fields import Annotations, Labels, Text
from certwright.model.resources.references import SecretKeySelector
from certwright.model.resources.schema import Part, exactly_one, rule, rules


class PKCS12Profile(StrEnum):
    """Which algorithms protect a PKCS#12 keystore."""

    LEGACY_RC2 = "LegacyRC2"
    LEGACY_DES = "LegacyDES"
    MODERN_2023 = "Modern2023"
    MODERN_2026 = "Modern2026"


class OutputFormat(StrEnum):
    """Further forms of the key and certificate."""

    DER = "DER"
    COMBINED_PEM = "CombinedPEM"


def _no_reserved_key(field: str) -> JsonDict:
    free = " && ".join(f"!key.startsWith('{domain}/')" for domain in RESERVED_DOMAINS)
    return rule(
        f"!has(self.{field}) || self.{field}.all(key, {free})",
        f"secretTemplate.{field}: keys of certwright.io, cert-manager.io, kubernetes.io and k8s.io are reserved;"
        " choose a prefix of your own",
    )


class SecretTemplate(Part):
    """Labels and annotations that the Secret gets besides certwright's own."""

    model_config = ConfigDict(json_schema_extra=rules(_no_reserved_key("annotations"), _no_reserved_key("labels")))

    annotations: Annotations = Field(
        default={}, description="Annotations of the Secret. One removed here disappears there."
    )
    labels: Labels = Field(default={}, description="Labels of the Secret. One removed here disappears there.")


class Keystore(Part):
    """What every keystore has."""

    create: bool = Field(description="Whether to write the keystore.")
    password: Text | None = Field(
        default=None,
        repr=False,
        description="The password in clear text, for stores that are not meant to be secret. Exclusive with"
        " passwordSecretRef.",
    )
    password_secret_ref: SecretKeySelector | None = Field(
        default=None,
        description="The Secret that holds the password. Default key: `password`. A new password is applied within ten"
        " minutes.",
    )


def _one_password(store: str) -> JsonDict:
    return exactly_one(
        "password",
        "passwordSecretRef",
        message=f"keystores.{store} needs one password; set exactly one of password and passwordSecretRef",
    )


class JKSKeystore(Keystore):
    """A Java keystore."""

    model_config = ConfigDict(json_schema_extra=rules(_one_password("jks")))

    alias: Text | None = Field(
        default=None, description="Alias of the entry, in lower case as Java wants it. Default: `certificate`."
    )


class PKCS12Keystore(Keystore):
    """A PKCS#12 keystore."""

    model_config = ConfigDict(json_schema_extra=rules(_one_password("pkcs12")))

    profile: PKCS12Profile | None = Field(
        default=None,
        description="Which algorithms protect it: LegacyDES (3DES, SHA-1), Modern2023 (AES-256, SHA-256; OpenSSL 1.1.1,"
        " Java 12) or Modern2026 (the same with PBMAC1; OpenSSL 3.4, Java 26). Default: LegacyDES, which whatever"
        " reads LegacyRC2 reads too; LegacyRC2 itself cannot be written.",
    )


class Keystores(Part):
    """Keystores beside tls.crt and tls.key."""

    jks: JKSKeystore | None = Field(
        default=None, description="Writes `keystore.jks`, and `truststore.jks` where the CA tells its certificate."
    )
    pkcs12: PKCS12Keystore | None = Field(
        default=None, description="Writes `keystore.p12`, and `truststore.p12` where the CA tells its certificate."
    )


class AdditionalOutputFormat(Part):
    """One further form."""

    type: OutputFormat = Field(description="DER writes `key.der`, CombinedPEM writes `tls-combined.pem`.")


class Chain(Part):
    """Shape of tls.crt."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.includeRoot) && self.includeRoot && has(self.leafOnly) && self.leafOnly)",
                "chain.includeRoot and chain.leafOnly exclude each other; keep one",
            )
        )
    )

    include_root: bool = Field(default=False, description="Whether the root ends the chain. Default: false.")
    leaf_only: bool = Field(default=False, description="Whether the intermediates are left out. Default: false.")
