"""The labels of namespaces, for issuers whose ``allow`` selects by them."""

from collections.abc import Mapping

from certwright.kube.client import APIServer
from certwright.kube.errors import KubeError
from certwright.kube.permissions import Rule, Scope

RULES = (Rule("", ("namespaces",), ("get",), Scope.CLUSTER),)


class Namespaces:
    """The namespaces of one API server."""

    def __init__(self, server: APIServer) -> None:
        self._server = server

    async def labels(self, name: str) -> Mapping[str, str]:
        """The labels; none where the namespace cannot be read, so that a selector then matches nothing it names."""
        try:
            body = await self._server.get(f"/api/v1/namespaces/{name}")
        except KubeError:
            return {}
        labels: Mapping[str, str] = body["metadata"].get("labels") or {}
        return labels
