"""Who serves a host already: the Ingresses and HTTPRoutes of a namespace that name it.

The HTTP-01 solver of a namespaced Issuer asks, so that no tenant can prove a name that leads to another one's service.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from certwright.kube.client import APIServer
from certwright.kube.enrolment_errors import told_as_enrolment_errors
from certwright.kube.errors import NotFoundError
from certwright.kube.gateway_routes import GROUP as GATEWAY_GROUP
from certwright.kube.gateway_routes import routes
from certwright.kube.ingress_routes import ingresses
from certwright.kube.ingress_rules import backend_service, does_wildcard_match
from certwright.kube.permissions import Rule, Scope
from certwright.kube.route_objects import PREFIX
from certwright.model.metadata import LABEL_MANAGED

RULES = (
    Rule("networking.k8s.io", ("ingresses",), ("list",), Scope.WATCHED),
    Rule(GATEWAY_GROUP, ("httproutes",), ("list",), Scope.WATCHED),
)

PAGE = "200"


class IngressAndRouteClaims:
    """Implements `certwright.model.solving.HostClaims`. What certwright itself made for a challenge claims nothing."""

    def __init__(self, server: APIServer) -> None:
        self._server = server

    async def claimants(self, namespace: str, host: str) -> Sequence[str]:
        """The Ingresses and HTTPRoutes of ``namespace`` that name ``host``, as ``Kind name``; empty: none.

        A catch-all claims no name. Raises `EnrolmentError`s.
        """
        with told_as_enrolment_errors(f"the Ingresses of namespace {namespace}"):
            found = [
                f"Ingress {body['metadata']['name']}"
                async for body in self._users(ingresses(namespace))
                if any(_is_host(pattern, host) for pattern in _ingress_hosts(body.get("spec") or {}))
            ]
        with told_as_enrolment_errors(f"the HTTPRoutes of namespace {namespace}"):
            found += [
                f"HTTPRoute {body['metadata']['name']}"
                async for body in self._users(routes(namespace))
                if any(_is_hostname(pattern, host) for pattern in (body.get("spec") or {}).get("hostnames") or ())
            ]
        return found

    async def _users(self, path: str) -> AsyncIterator[Mapping[str, Any]]:
        """What users made; nothing where the API server does not have the kind."""
        query = {"limit": PAGE}
        while True:
            try:
                page: Mapping[str, Any] = await self._server.get(path, query=query)
            except NotFoundError:
                return
            for body in page.get("items") or ():
                if (body["metadata"].get("labels") or {}).get(LABEL_MANAGED) != "true":
                    yield body
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            query = {"limit": PAGE, "continue": token}


def _ingress_hosts(spec: Mapping[str, Any]) -> Iterator[str]:
    for rule in spec.get("rules") or ():
        paths = (rule.get("http") or {}).get("paths") or ()
        # A rule with nothing but challenges was put there by `named_ingress_routes`, not by who owns the Ingress.
        if not paths or any(not backend_service(path).startswith(PREFIX) for path in paths):
            yield rule.get("host") or ""
    for tls in spec.get("tls") or ():
        yield from tls.get("hosts") or ()


def _is_host(pattern: str, host: str) -> bool:
    """As Ingress has it: ``*`` stands for one label."""
    return pattern == host or does_wildcard_match(pattern, host)


def _is_hostname(pattern: str, host: str) -> bool:
    """As the Gateway API has it: ``*`` stands for one label or more."""
    return pattern == host or (pattern.startswith("*.") and host.endswith(pattern[1:]) and host != pattern[1:])
