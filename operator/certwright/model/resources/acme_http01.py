"""How HTTP-01 answers become reachable: by an Ingress, by a Gateway, or directly."""

from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import Annotations, Labels, NamespaceName, ObjectName, Port, Text
from certwright.model.resources.schema import Part, at_most_one, exactly_one, rules


class TemplateMetadata(Part):
    """Metadata for an object that is made."""

    annotations: Annotations = Field(default={}, description="Annotations of the object.")
    labels: Labels = Field(default={}, description="Labels of the object.")


class IngressTemplate(Part):
    """Additions to the Ingress that is made."""

    metadata: TemplateMetadata | None = Field(default=None, description="Labels and annotations.")


class HTTP01Ingress(Part):
    """By an Ingress: one of the operator's own, or one that is there."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most_one(
                "className",
                "name",
                message="http01.ingress: className makes an Ingress and name edits one that is there; keep one",
            )
        )
    )

    class_name: ObjectName | None = Field(
        default=None, description="ingressClassName of the Ingress made. Default: the cluster's default class."
    )
    name: ObjectName | None = Field(
        default=None, description="An Ingress in the Certificate's namespace that is edited instead."
    )
    ingress_template: IngressTemplate | None = Field(default=None, description="Additions to the Ingress made.")


class ParentRef(Part):
    """The Gateway, or the listener of it, that carries the route."""

    group: Text | None = Field(default=None, description="API group. Default: gateway.networking.k8s.io.")
    kind: Text | None = Field(default=None, description="Kind. Default: Gateway.")
    namespace: NamespaceName | None = Field(default=None, description="Namespace. Default: the Certificate's.")
    name: ObjectName = Field(description="Name of the Gateway.")
    section_name: ObjectName | None = Field(default=None, description="Name of the listener. Default: any that fits.")
    port: Port | None = Field(default=None, description="Port of the listener. Default: any.")


class HTTP01Gateway(Part):
    """By an HTTPRoute in the Certificate's namespace."""

    parent_refs: Annotated[tuple[ParentRef, ...], Field(min_length=1, max_length=32)] = Field(
        description="Gateways to which the route is attached."
    )
    labels: Labels = Field(default={}, description="Labels of the route.")


class HTTP01Direct(Part):
    """No route is made: port 80 of the name already reaches the operator."""


class HTTP01(Part):
    """Answers over HTTP on port 80."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                "ingress", "gateway", "direct", message="http01: set exactly one of ingress, gateway and direct"
            )
        )
    )

    ingress: HTTP01Ingress | None = Field(default=None, description="By an Ingress.")
    gateway: HTTP01Gateway | None = Field(default=None, description="By an HTTPRoute.")
    direct: HTTP01Direct | None = Field(
        default=None, description="No route: port 80 of the name already reaches the operator."
    )
