"""Looks, before anything starts, whether the API server is there and knows our kinds."""

from certwright.kube.client import APIServer
from certwright.kube.errors import NotFoundError
from certwright.kube.objects import PLURALS
from certwright.model.metadata import API_VERSION


class MissingDefinitionsError(Exception):
    """The CRDs are not installed; the message says how to install them."""


async def require_definitions(server: APIServer) -> None:
    """Raise `MissingDefinitionsError` unless all three kinds are served."""
    try:
        served = await server.get(f"/apis/{API_VERSION}")
        names = {resource.get("name") for resource in served.get("resources", ())}
    except NotFoundError:
        names = set()
    missing = sorted(set(PLURALS.values()) - names)
    if missing:
        raise MissingDefinitionsError(
            f"the API server does not know {', '.join(missing)} of {API_VERSION}: install the CRDs, "
            "with `kubectl apply -f crds/` or the Helm chart"
        )
