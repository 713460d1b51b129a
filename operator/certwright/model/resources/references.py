"""How resources point to Secrets, ConfigMaps and issuers. Only ``kube.references`` follows such a pointer.

A namespaced object points into its own namespace, a ClusterIssuer into the operator's; so no reference has a namespace.
"""

from pydantic import ConfigDict, Field

from certwright.model.metadata import GROUP
from certwright.model.resources.fields import Base64Bundle, DataKey, ObjectName, Text
from certwright.model.resources.schema import Part, at_most_one, rule, rules
from certwright.model.resources.vocabulary import IssuerKind


class SecretReference(Part):
    """A whole Secret."""

    name: ObjectName = Field(description="Name of the Secret.")


class SecretKeySelector(Part):
    """One value in a Secret."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: DataKey | None = Field(default=None, description="Key in its data. Default: named at the field above.")


class ConfigMapKeySelector(Part):
    """One value in a ConfigMap."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: DataKey | None = Field(default=None, description="Key in its data. Default: `ca.crt`.")


class IssuerRef(Part):
    """Which Issuer or ClusterIssuer is asked."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.group) || self.group == '{GROUP}'",
                f"issuerRef.group: only issuers of {GROUP} are served; remove group or set it to that",
            )
        )
    )

    name: ObjectName = Field(description="Name of the issuer.")
    kind: IssuerKind = Field(
        default=IssuerKind.ISSUER,
        description="Issuer (of the Certificate's namespace) or ClusterIssuer. Default: Issuer.",
    )
    group: Text = Field(default=GROUP, description="API group of the issuer. Default: certwright.io.")


class TrustBundle(Part):
    """Certificates to trust; one source at most."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most_one(
                "caBundle",
                "caBundleSecretRef",
                "caBundleConfigMapRef",
                message="caBundle, caBundleSecretRef and caBundleConfigMapRef exclude each other; keep one",
            )
        )
    )

    ca_bundle: Base64Bundle | None = Field(default=None, description="PEM certificates, base64 encoded.")
    ca_bundle_secret_ref: SecretKeySelector | None = Field(
        default=None, description="A Secret that holds PEM certificates. Default key: `ca.crt`."
    )
    ca_bundle_config_map_ref: ConfigMapKeySelector | None = Field(
        default=None, description="A ConfigMap that holds PEM certificates. Default key: `ca.crt`."
    )
