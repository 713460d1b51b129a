"""What each DNS provider needs to know, in cert-manager's words, so that solvers can be moved over unchanged."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import HostPort, Text, WebURL
from certwright.model.resources.references import SecretKeySelector
from certwright.model.resources.schema import Keywords, Part, at_most_one, exactly_one, rule, rules


class UpdateTransport(StrEnum):
    """Transport of a dynamic update."""

    UDP = "UDP"
    TCP = "TCP"


class TSIGAlgorithm(StrEnum):
    """TSIG algorithms (RFC 8945), under cert-manager's names."""

    HMAC_MD5 = "HMACMD5"
    HMAC_SHA1 = "HMACSHA1"
    HMAC_SHA256 = "HMACSHA256"
    HMAC_SHA512 = "HMACSHA512"


class RFC2136(Part):
    """A server that takes dynamic updates."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.tsigKeyName) == has(self.tsigSecretSecretRef)",
                "rfc2136: tsigKeyName and tsigSecretSecretRef belong together; set both or none",
            )
        )
    )

    nameserver: HostPort = Field(description="The primary server, as host or host:port. Default port: 53.")
    protocol: UpdateTransport | None = Field(default=None, description="Transport of the update. Default: UDP.")
    tsig_key_name: Text | None = Field(default=None, description="Name of the TSIG key. Default: unsigned updates.")
    tsig_algorithm: TSIGAlgorithm | None = Field(default=None, description="TSIG algorithm. Default: HMACSHA256.")
    tsig_secret_secret_ref: SecretKeySelector | None = Field(
        default=None, description="The Secret that holds the TSIG key in base64. Default key: `tsig-secret`."
    )


class DNSWebhook(Part):
    """An aggregated API server that publishes records for cert-manager's webhook interface."""

    group_name: Text = Field(description="API group under which it is registered.")
    solver_name: Text = Field(description="Name of the solver in it.")
    config: Annotated[
        dict[str, Any] | None, Keywords({"maxProperties": 100, "x-kubernetes-preserve-unknown-fields": True})
    ] = Field(default=None, description="Whatever it wants to know, passed on as it is.")


class ACMEDNS(Part):
    """An acme-dns server, to which the challenge name is delegated by a CNAME."""

    host: WebURL = Field(description="URL of its API.")
    account_secret_ref: SecretKeySelector = Field(
        description="The Secret that holds its accounts as JSON. Default key: `acmedns.json`."
    )


class Akamai(Part):
    """Akamai Edge DNS."""

    service_consumer_domain: Text = Field(description="Host of the API client.")
    client_token_secret_ref: SecretKeySelector = Field(description="The client token. Default key: `client-token`.")
    client_secret_secret_ref: SecretKeySelector = Field(description="The client secret. Default key: `client-secret`.")
    access_token_secret_ref: SecretKeySelector = Field(description="The access token. Default key: `access-token`.")


class AzureEnvironment(StrEnum):
    """Azure's clouds."""

    PUBLIC = "AzurePublicCloud"
    CHINA = "AzureChinaCloud"
    GERMAN = "AzureGermanCloud"
    US_GOVERNMENT = "AzureUSGovernmentCloud"


class AzureZoneType(StrEnum):
    """Whether the zone is a public one."""

    PUBLIC = "AzurePublicZone"
    PRIVATE = "AzurePrivateZone"


class AzureManagedIdentity(Part):
    """A managed or workload identity."""

    client_id: Text | None = Field(default=None, description="Client ID of the identity.")
    resource_id: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Resource ID of the identity."
    )
    tenant_id: Text | None = Field(default=None, description="Tenant of the identity.")


class AzureDNS(Part):
    """Azure DNS."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most_one(
                "clientSecretSecretRef",
                "managedIdentity",
                message="azureDNS: clientSecretSecretRef and managedIdentity exclude each other; keep one",
            )
        )
    )

    subscription_id: Text = Field(description="Subscription that holds the zone.")
    resource_group_name: Text = Field(description="Resource group that holds the zone.")
    hosted_zone_name: Text | None = Field(default=None, description="Name of the zone. Default: looked up.")
    environment: AzureEnvironment | None = Field(default=None, description="Cloud. Default: AzurePublicCloud.")
    zone_type: AzureZoneType | None = Field(default=None, description="Type of zone. Default: AzurePublicZone.")
    client_id: Text | None = Field(default=None, description="Client ID of a service principal.")
    tenant_id: Text | None = Field(default=None, description="Tenant of the service principal.")
    client_secret_secret_ref: SecretKeySelector | None = Field(
        default=None, description="Its client secret. Default key: `client-secret`."
    )
    managed_identity: AzureManagedIdentity | None = Field(
        default=None, description="The operator's own identity instead; ClusterIssuer only."
    )


class CloudDNS(Part):
    """Google Cloud DNS."""

    project: Text = Field(description="Project that holds the zone.")
    service_account_secret_ref: SecretKeySelector | None = Field(
        default=None,
        description="Key file of a service account. Default: the operator's own identity, ClusterIssuer only."
        " Default key: `key.json`.",
    )
    hosted_zone_name: Text | None = Field(default=None, description="Name of the zone. Default: looked up.")


class Cloudflare(Part):
    """Cloudflare."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                "apiKeySecretRef",
                "apiTokenSecretRef",
                message="cloudflare: set exactly one of apiTokenSecretRef and apiKeySecretRef",
            ),
            rule(
                "!has(self.apiKeySecretRef) || has(self.email)",
                "cloudflare.apiKeySecretRef needs the account's email; set cloudflare.email or use apiTokenSecretRef",
            ),
        )
    )

    email: Text | None = Field(default=None, description="Address of the account; needed with apiKeySecretRef only.")
    api_key_secret_ref: SecretKeySelector | None = Field(
        default=None, description="A global API key. Default key: `api-key`."
    )
    api_token_secret_ref: SecretKeySelector | None = Field(
        default=None, description="An API token, the better choice. Default key: `api-token`."
    )


class DigitalOcean(Part):
    """DigitalOcean."""

    token_secret_ref: SecretKeySelector = Field(description="An access token. Default key: `access-token`.")


class ServiceAccountRef(Part):
    """A ServiceAccount whose tokens are exchanged for credentials."""

    name: Text = Field(description="Name of the ServiceAccount.")
    audiences: Annotated[tuple[Text, ...], Field(max_length=10)] = Field(
        default=(), description="Audiences of the token. Default: the provider's."
    )


class Route53Kubernetes(Part):
    """Credentials by a ServiceAccount."""

    service_account_ref: ServiceAccountRef = Field(description="The ServiceAccount.")


class Route53Auth(Part):
    """How to authenticate without an access key."""

    kubernetes: Route53Kubernetes = Field(description="By a ServiceAccount.")


class Route53(Part):
    """Amazon Route 53."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most_one(
                "accessKeyID",
                "accessKeyIDSecretRef",
                message="route53: accessKeyID and accessKeyIDSecretRef exclude each other; keep one",
            )
        )
    )

    region: Text | None = Field(default=None, description="Region of the API. Default: us-east-1.")
    hosted_zone_id: Text | None = Field(default=None, description="ID of the zone. Default: looked up.")
    role: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="ARN of a role to assume. Default: none."
    )
    access_key_id: Text | None = Field(default=None, description="Access key ID.")
    access_key_id_secret_ref: SecretKeySelector | None = Field(
        default=None, description="The access key ID, in a Secret. Default key: `access-key-id`."
    )
    secret_access_key_secret_ref: SecretKeySelector | None = Field(
        default=None,
        description="The secret access key. Default: the operator's own identity, ClusterIssuer only. Default key:"
        " `secret-access-key`.",
    )
    auth: Route53Auth | None = Field(default=None, description="Authentication without an access key.")
