"""``http01.ingress`` without a name: one Ingress in the operator's namespace for each challenge.

`challenge_routes` makes one `IngressRoutes` for each solver that asks for it.
"""

from dataclasses import dataclass
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.enrolment_errors import told_as_enrolment_errors
from certwright.kube.permissions import Rule, Scope
from certwright.kube.route_objects import (
    LiveUIDs,
    ResponderService,
    dead,
    gone,
    hostname,
    listed,
    route_labels,
    route_name,
)
from certwright.model.metadata import FIELD_MANAGER
from certwright.model.resources import HTTP01Ingress, TemplateMetadata
from certwright.model.solving import Proof
from certwright.protocols.acme import http01_path

RULES = (Rule("networking.k8s.io", ("ingresses",), ("list", "create", "patch", "delete"), Scope.OPERATOR),)

API_VERSION = "networking.k8s.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressRoutes:
    """Implements `certwright.model.solving.ChallengeRoutes`."""

    server: APIServer
    service: ResponderService
    spec: HTTP01Ingress

    async def ensure(self, proof: Proof) -> None:
        """Apply the Ingress; it is ours by its name, so that a changed one is put right."""
        path = ingresses(self.service.namespace, route_name(proof))
        with told_as_enrolment_errors(f"Ingress {self.service.namespace}/{route_name(proof)}"):
            await self.server.apply(path, self._body(proof), manager=FIELD_MANAGER, force=True)

    async def remove(self, proof: Proof) -> None:
        """Delete the Ingress."""
        with told_as_enrolment_errors(f"Ingress {self.service.namespace}/{route_name(proof)}"):
            await gone(self.server, ingresses(self.service.namespace, route_name(proof)))

    def _body(self, proof: Proof) -> dict[str, Any]:
        template = (self.spec.ingress_template and self.spec.ingress_template.metadata) or TemplateMetadata()
        class_name = {"ingressClassName": self.spec.class_name} if self.spec.class_name else {}
        return {
            "apiVersion": API_VERSION,
            "kind": "Ingress",
            "metadata": {
                "name": route_name(proof),
                "namespace": self.service.namespace,
                "labels": {**template.labels, **route_labels(proof)},
                "annotations": dict(template.annotations),
            },
            "spec": {**class_name, "rules": [rule(proof, self.service.name, self.service.port)]},
        }


async def sweep(server: APIServer, service: ResponderService, live_uids: LiveUIDs) -> int:
    """Delete the Ingresses of Certificates without an enrolment; returns how many. Raises `KubeError`."""
    found = dead(await listed(server, ingresses(service.namespace)), live_uids)
    for each in found:
        await gone(server, ingresses(each.namespace, each.name), uid=each.uid)
    return len(found)


def ingresses(namespace: str, name: str = "") -> str:
    """The path of an Ingress, or of those of a namespace."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/ingresses" + (f"/{name}" if name else "")


def rule(proof: Proof, service_name: str, port: int) -> dict[str, Any]:
    """An Ingress rule for one challenge and nothing else."""
    host = {"host": hostname(proof)} if hostname(proof) else {}
    return {**host, "http": {"paths": [challenge_path(proof, service_name, port)]}}


def challenge_path(proof: Proof, service_name: str, port: int) -> dict[str, Any]:
    """The path of an Ingress rule that leads one challenge to a Service."""
    backend = {"service": {"name": service_name, "port": {"number": port}}}
    return {"path": http01_path(proof.token), "pathType": "Exact", "backend": backend}
