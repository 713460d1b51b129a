"""The CustomResourceDefinitions, rendered from the models of ``model.resources``."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from certwright.manifests.structural import structural_schema
from certwright.model.metadata import GROUP, VERSION
from certwright.model.resources import (
    CertificateSpec,
    CertificateStatus,
    ClusterIssuerSpec,
    IssuerSpec,
    IssuerStatus,
)

READY_STATUS = '.status.conditions[?(@.type=="Ready")].status'
_FIRST_ISSUER = ".spec['issuerRef','issuerRefs']..name"
"""Of several results the API server shows the first."""
READY_MESSAGE = '.status.conditions[?(@.type=="Ready")].message'


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A printer column; ``wide`` ones show with ``-o wide`` only."""

    name: str
    path: str
    description: str
    type: str = "string"
    wide: bool = False

    def document(self) -> dict[str, Any]:
        """The column as the CRD has it."""
        column = {"name": self.name, "type": self.type, "jsonPath": self.path, "description": self.description}
        return column | ({"priority": 1} if self.wide else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of ours, with everything that its CRD says."""

    kind: str
    plural: str
    short_name: str
    scope: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


# Times are strings: kubectl prints a date in the future as <invalid>.
_READY = Column(name="Ready", path=READY_STATUS, description="Whether it can be used.")
_AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date", description="Time since it was made.")
_STATUS = Column(name="Status", path=READY_MESSAGE, wide=True, description="Why it is ready or not.")
_ISSUER_COLUMNS = (
    _READY,
    Column(name="Protocol", path=".status.protocol", description="acme, est, cmp or scep."),
    Column(name="URL", path=".status.url", description="Where the server is."),
    _AGE,
    _STATUS,
)

RESOURCES = (
    Resource(
        kind="Certificate",
        plural="certificates",
        short_name="cwc",
        scope="Namespaced",
        description="An X.509 certificate that is enrolled, kept in a Secret and renewed in time.",
        spec=CertificateSpec,
        status=CertificateStatus,
        columns=(
            _READY,
            Column(name="Secret", path=".spec.secretName", description="Where key and certificate are."),
            Column(name="Issuer", path=_FIRST_ISSUER, description="The issuer that is asked first."),
            Column(name="Expires", path=".status.notAfter", description="When the certificate expires."),
            Column(name="Renewal", path=".status.renewalTime", description="When it is renewed."),
            _AGE,
            Column(name="Issued by", path=".status.issuerRef.name", wide=True, description="Who issued it."),
            Column(name="Protocol", path=".status.protocol", wide=True, description="How it was issued."),
            Column(name="Serial", path=".status.serialNumber", wide=True, description="Its serial number."),
            _STATUS,
        ),
        selectable=(".spec.issuerRef.name", ".spec.issuerRef.kind", ".spec.issuerRef.group"),
    ),
    Resource(
        kind="Issuer",
        plural="issuers",
        short_name="cwi",
        scope="Namespaced",
        description="A CA and how to reach it, for the Certificates of one namespace.",
        spec=IssuerSpec,
        status=IssuerStatus,
        columns=_ISSUER_COLUMNS,
    ),
    Resource(
        kind="ClusterIssuer",
        plural="clusterissuers",
        short_name="cwci",
        scope="Cluster",
        description="A CA and how to reach it, for the Certificates of many namespaces.",
        spec=ClusterIssuerSpec,
        status=IssuerStatus,
        columns=_ISSUER_COLUMNS,
    ),
)


def object_schema(resource: Resource) -> dict[str, Any]:
    """The schema of the whole object."""
    text = {"type": "string"}
    return {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": {"type": "object"},
            "spec": structural_schema(resource.spec),
            "status": structural_schema(resource.status),
        },
    }


def custom_resource_definition(resource: Resource) -> dict[str, Any]:
    """The CRD of one kind."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.document() for column in resource.columns],
        "selectableFields": [{"jsonPath": path} for path in resource.selectable],
        "schema": {"openAPIV3Schema": object_schema(resource)},
    }
    if not resource.selectable:
        del version["selectableFields"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.name},
        "spec": {
            "group": GROUP,
            "scope": resource.scope,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short_name],
                "categories": ["certwright"],
            },
            "versions": [version],
        },
    }
