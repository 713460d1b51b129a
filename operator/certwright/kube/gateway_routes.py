"""``http01.gateway``: an HTTPRoute in the Certificate's namespace and a ReferenceGrant in the operator's.

The grant says that HTTPRoutes of that namespace may lead to the responders' Service; all challenges of a namespace
share it, and it goes with the last of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.enrolment_errors import told_as_enrolment_errors
from certwright.kube.errors import NotFoundError
from certwright.kube.permissions import Rule, Scope
from certwright.kube.route_objects import (
    PREFIX,
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
from certwright.model.errors import IssuerError
from certwright.model.metadata import FIELD_MANAGER
from certwright.model.reasons import Reason
from certwright.model.resources import HTTP01Gateway
from certwright.model.solving import Proof
from certwright.protocols.acme import http01_path

GROUP = "gateway.networking.k8s.io"
ROUTE_VERSION = f"{GROUP}/v1"
GRANT_VERSION = f"{GROUP}/v1beta1"
"""Every release of the Gateway API since 0.6 serves ReferenceGrant in this version."""

RULES = (
    Rule(GROUP, ("httproutes",), ("list", "create", "patch", "delete"), Scope.WATCHED),
    Rule(GROUP, ("referencegrants",), ("list", "create", "patch", "delete"), Scope.OPERATOR),
)


class ReferenceGrants:
    """The grants of one operator, one for each namespace that has routes. There is one of these in a process."""

    def __init__(self, server: APIServer, service: ResponderService) -> None:
        self._server = server
        self._service = service
        self._turns = Turns()
        self._routes: defaultdict[str, set[str]] = defaultdict(set)

    async def open(self, namespace: str, route: str) -> None:
        """Have a grant for ``namespace``; what a route needs is known here before the route is there."""
        if namespace == self._service.namespace:
            return
        async with self._turns.of(namespace):
            is_new = route not in self._routes[namespace]
            self._routes[namespace].add(route)
            if not is_new or len(self._routes[namespace]) == 1:
                path = grants(self._service.namespace, PREFIX + namespace)
                await self._server.apply(path, self._body(namespace), manager=FIELD_MANAGER, force=True)

    async def close(self, namespace: str, route: str) -> None:
        """Delete the grant if nobody has a route in ``namespace`` any more."""
        if namespace == self._service.namespace:
            return
        async with self._turns.of(namespace):
            self._routes[namespace].discard(route)
            if self._routes[namespace]:
                return
            del self._routes[namespace]
            if not await listed(self._server, routes(namespace)):
                await gone(self._server, grants(self._service.namespace, PREFIX + namespace))

    async def sweep(self) -> None:
        """Delete the grants of namespaces without routes. Raises `KubeError`."""
        for grant in await listed(self._server, grants(self._service.namespace)):
            await self.close(grant.name.removeprefix(PREFIX), "")

    def _body(self, namespace: str) -> dict[str, Any]:
        return {
            "apiVersion": GRANT_VERSION,
            "kind": "ReferenceGrant",
            "metadata": {
                "name": PREFIX + namespace,
                "namespace": self._service.namespace,
                "labels": route_labels(),
            },
            "spec": {
                "from": [{"group": GROUP, "kind": "HTTPRoute", "namespace": namespace}],
                "to": [{"group": "", "kind": "Service", "name": self._service.name}],
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRoutes:
    """Implements `certwright.model.solving.ChallengeRoutes`. ``grants`` are those of the process."""

    server: APIServer
    service: ResponderService
    spec: HTTP01Gateway
    grants: ReferenceGrants

    async def ensure(self, proof: Proof) -> None:
        """Have the grant, then apply the route; `IssuerError` without the Gateway API."""
        namespace, name = proof.certificate.namespace, route_name(proof)
        with told_as_enrolment_errors(self._grant_of(namespace)), _known_kinds():
            await self.grants.open(namespace, name)
        with told_as_enrolment_errors(f"HTTPRoute {namespace}/{name}"), _known_kinds():
            await self.server.apply(routes(namespace, name), self._body(proof), manager=FIELD_MANAGER, force=True)

    async def remove(self, proof: Proof) -> None:
        """Delete the route, and the grant with the last one."""
        namespace, name = proof.certificate.namespace, route_name(proof)
        with told_as_enrolment_errors(f"HTTPRoute {namespace}/{name}"):
            await gone(self.server, routes(namespace, name))
        with told_as_enrolment_errors(self._grant_of(namespace)):
            await self.grants.close(namespace, name)

    def _grant_of(self, namespace: str) -> str:
        return f"ReferenceGrant {self.service.namespace}/{PREFIX}{namespace}"

    def _body(self, proof: Proof) -> dict[str, Any]:
        hosts = {"hostnames": [hostname(proof)]} if hostname(proof) else {}
        match = {"path": {"type": "Exact", "value": http01_path(proof.token)}}
        backend = {
            "kind": "Service",
            "name": self.service.name,
            "namespace": self.service.namespace,
            "port": self.service.port,
        }
        return {
            "apiVersion": ROUTE_VERSION,
            "kind": "HTTPRoute",
            "metadata": {
                "name": route_name(proof),
                "namespace": proof.certificate.namespace,
                "labels": {**self.spec.labels, **route_labels(proof)},
            },
            "spec": {
                "parentRefs": [parent.to_api() for parent in self.spec.parent_refs],
                **hosts,
                "rules": [{"matches": [match], "backendRefs": [backend]}],
            },
        }


async def sweep(server: APIServer, known: ReferenceGrants, namespaces: Sequence[str], live_uids: LiveUIDs) -> int:
    """Delete the routes of Certificates without an enrolment; returns how many. Raises `KubeError`."""
    found = dead([each for namespace in namespaces for each in await listed(server, routes(namespace))], live_uids)
    for each in found:
        await gone(server, routes(each.namespace, each.name), uid=each.uid)
        await known.close(each.namespace, each.name)
    await known.sweep()
    return len(found)


def routes(namespace: str, name: str = "") -> str:
    """The path of an HTTPRoute, or of those of a namespace, or of all."""
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{ROUTE_VERSION}{where}/httproutes" + (f"/{name}" if name else "")


def grants(namespace: str, name: str = "") -> str:
    """The path of a ReferenceGrant, or of those of a namespace."""
    return f"/apis/{GRANT_VERSION}/namespaces/{namespace}/referencegrants" + (f"/{name}" if name else "")


@contextmanager
def _known_kinds() -> Iterator[None]:
    """Say what to do where the API server does not have the kinds; a 404 for lack of the namespace names that."""
    try:
        yield
    except NotFoundError as error:
        if "namespaces " in error.message:
            raise
        message = (
            "The Gateway API is not installed in this cluster, and http01.gateway needs its HTTPRoute and"
            " ReferenceGrant: install the standard channel's CRDs, or use http01.ingress or http01.direct."
        )
        raise IssuerError(message, reason=Reason.INVALID_CONFIGURATION) from error
