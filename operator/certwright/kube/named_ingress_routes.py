"""``http01.ingress.name``: one more path in an Ingress of the Certificate's namespace while a challenge is pending.

An Ingress cannot lead to another namespace, so each challenge gets a Service of type ExternalName beside it. That
Service is also the record of the edit: it is made before and deleted after it, so that the sweep finds what a crash
left in somebody's Ingress. docs/decisions/0004 has what else was thought of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.enrolment_errors import told_as_enrolment_errors
from certwright.kube.errors import ConflictError, NotFoundError
from certwright.kube.ingress_routes import challenge_path, ingresses
from certwright.kube.ingress_rules import with_path, without_service
from certwright.kube.objects import core_path
from certwright.kube.permissions import Rule, Scope
from certwright.kube.route_objects import (
    LiveUIDs,
    ResponderService,
    Turns,
    dead,
    gone,
    hostname,
    listed,
    route_labels,
    route_name,
)
from certwright.model.errors import TransientError
from certwright.model.metadata import ANNOTATION_INGRESS, FIELD_MANAGER
from certwright.model.reasons import Reason
from certwright.model.solving import Proof

RULES = (
    Rule("networking.k8s.io", ("ingresses",), ("get", "update"), Scope.WATCHED),
    Rule("", ("services",), ("list", "create", "patch", "delete"), Scope.WATCHED),
)

ATTEMPTS = 5
"""Tries of one edit while others write the same Ingress; our own edits wait for each other and never collide."""

Edit = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedIngressRoutes:
    """Implements `certwright.model.solving.ChallengeRoutes`. ``turns`` are those of the process."""

    server: APIServer
    service: ResponderService
    name: str
    turns: Turns

    async def ensure(self, proof: Proof) -> None:
        """Make the Service, then the path; `TransientError` where there is no such Ingress."""
        namespace, name = proof.certificate.namespace, route_name(proof)
        with told_as_enrolment_errors(f"Service {namespace}/{name}"):
            path = core_path("services", namespace, name)
            await self.server.apply(path, self._service_body(proof), manager=FIELD_MANAGER, force=True)
        what = f"Ingress {namespace}/{self.name}"
        added = challenge_path(proof, name, self.service.port)
        with told_as_enrolment_errors(what):
            is_there = await edit(
                self.server,
                namespace,
                self.name,
                self.turns,
                partial(with_path, host=hostname(proof), path=added),
            )
        if not is_there:
            message = f"{what}, which http01.ingress.name of the issuer names, does not exist: create it."
            raise TransientError(message, reason=Reason.MISSING_REFERENCE)

    async def remove(self, proof: Proof) -> None:
        """Take the path out, then delete the Service."""
        namespace, name = proof.certificate.namespace, route_name(proof)
        with told_as_enrolment_errors(f"Ingress {namespace}/{self.name}"):
            await edit(self.server, namespace, self.name, self.turns, partial(without_service, service_name=name))
        with told_as_enrolment_errors(f"Service {namespace}/{name}"):
            await gone(self.server, core_path("services", namespace, name))

    def _service_body(self, proof: Proof) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": route_name(proof),
                "namespace": proof.certificate.namespace,
                "labels": route_labels(proof),
                "annotations": {ANNOTATION_INGRESS: self.name},
            },
            "spec": {
                "type": "ExternalName",
                "externalName": self.service.dns_name,
                "ports": [{"name": "http", "port": self.service.port, "protocol": "TCP"}],
            },
        }


async def sweep(server: APIServer, turns: Turns, namespaces: Sequence[str], live_uids: LiveUIDs) -> int:
    """Take back the edits for Certificates without an enrolment; returns how many. Raises `KubeError`."""
    services = [each for namespace in namespaces for each in await listed(server, _services(namespace))]
    found = dead(services, live_uids)
    for each in found:
        ingress, name = each.annotations.get(ANNOTATION_INGRESS, ""), each.name
        if ingress:
            await edit(server, each.namespace, ingress, turns, partial(without_service, service_name=name))
        await gone(server, core_path("services", each.namespace, name), uid=each.uid)
    return len(found)


async def edit(server: APIServer, namespace: str, name: str, turns: Turns, change: Edit) -> bool:
    """Change the spec of an Ingress as it is at this moment; False where there is none."""
    path = ingresses(namespace, name)
    async with turns.of((namespace, name)):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                body: Mapping[str, Any] = await server.get(path)
                spec = change(body.get("spec") or {})
                if spec != (body.get("spec") or {}):
                    await server.replace(path, {**body, "spec": spec})
            except NotFoundError:
                return False
            except ConflictError:
                if attempt == ATTEMPTS:
                    raise
            else:
                return True
    raise AssertionError("unreachable")


def _services(namespace: str) -> str:
    return core_path("services", namespace) if namespace else "/api/v1/services"
