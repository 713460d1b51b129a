"""From what a solver says to the objects that lead HTTP-01 requests to the operator, and the sweep of all of these.

``handlers`` makes one `ChallengeRouting` for the process: edits of one Ingress and the grants of one namespace are
put in order here.
"""

from collections.abc import Sequence
from pathlib import Path

from certwright.kube import gateway_routes, ingress_routes, named_ingress_routes
from certwright.kube.client import APIServer
from certwright.kube.gateway_routes import GatewayRoutes, ReferenceGrants
from certwright.kube.ingress_routes import IngressRoutes
from certwright.kube.named_ingress_routes import NamedIngressRoutes
from certwright.kube.route_objects import LiveUIDs, ResponderService, Turns
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import HTTP01, HTTP01Ingress
from certwright.model.solving import ChallengeRoutes

RESOLVER_CONFIGURATION = Path("/etc/resolv.conf")
USUAL_CLUSTER_DOMAIN = "cluster.local"

# Annotations make many Ingress controllers read Secrets of the Ingress's namespace, or run configuration of the
# author's: nobody's but the cluster administrator's are put into the operator's namespace.
UNTRUSTED_TEMPLATE = (
    "http01.ingress.ingressTemplate of a namespaced Issuer would annotate an Ingress in the operator's namespace:"
    " remove it, use a ClusterIssuer or http01.gateway, or start certwright with --http01-namespaced-issuers=any where"
    " all tenants trust each other."
)


class ChallengeRouting:
    """Makes the routes of each solver; ``namespaces`` are those that are watched, none for all."""

    def __init__(self, server: APIServer, service: ResponderService, *, namespaces: Sequence[str] = ()) -> None:
        self._server = server
        self._service = service
        self._namespaces = tuple(namespaces) or ("",)
        self._turns = Turns()
        self._grants = ReferenceGrants(server, service)

    def of(self, spec: HTTP01, *, is_trusted: bool) -> ChallengeRoutes | None:
        """The routes for one solver; None for ``http01.direct``.

        ``is_trusted`` is whether whoever wrote the issuer may annotate objects in the operator's namespace: true for
        a ClusterIssuer, and for a namespaced Issuer where all tenants trust each other. Without, an
        ``ingressTemplate`` is an `IssuerError`.
        """
        if spec.gateway is not None:
            return GatewayRoutes(server=self._server, service=self._service, spec=spec.gateway, grants=self._grants)
        if spec.ingress is None:
            return None
        if spec.ingress.name is not None:
            return NamedIngressRoutes(
                server=self._server, service=self._service, name=spec.ingress.name, turns=self._turns
            )
        if _has_template(spec.ingress) and not is_trusted:
            raise IssuerError(UNTRUSTED_TEMPLATE, reason=Reason.INVALID_CONFIGURATION)
        return IngressRoutes(server=self._server, service=self._service, spec=spec.ingress)

    async def sweep(self, live_uids: LiveUIDs) -> int:
        """Delete the objects of Certificates without an enrolment; returns how many routes. Raises `KubeError`."""
        return (
            await ingress_routes.sweep(self._server, self._service, live_uids)
            + await named_ingress_routes.sweep(self._server, self._turns, self._namespaces, live_uids)
            + await gateway_routes.sweep(self._server, self._grants, self._namespaces, live_uids)
        )


def _has_template(spec: HTTP01Ingress) -> bool:
    metadata = spec.ingress_template.metadata if spec.ingress_template else None
    return metadata is not None and bool(metadata.annotations or metadata.labels)


def cluster_domain(resolver_configuration: str) -> str:
    """The cluster's own domain, as the kubelet writes it into a pod's resolv.conf; the usual one elsewhere."""
    for line in resolver_configuration.splitlines():
        keyword, *domains = line.split() or [""]
        for domain in domains if keyword == "search" else ():
            if domain.startswith("svc."):
                return domain.removeprefix("svc.").rstrip(".")
    return USUAL_CLUSTER_DOMAIN


def own_cluster_domain() -> str:
    """The domain of the cluster that this process runs in."""
    try:
        return cluster_domain(RESOLVER_CONFIGURATION.read_text())
    except (OSError, ValueError):
        return USUAL_CLUSTER_DOMAIN
