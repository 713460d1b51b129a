"""Events on transitions, in words for users; losing one is never worth failing for."""

import logging
import os
from datetime import datetime

from certwright.kube.client import APIServer
from certwright.kube.errors import KubeError, TerminatingError
from certwright.kube.permissions import Rule, Scope
from certwright.model.metadata import API_VERSION, Kind, ObjectMetadata

RULES = (
    Rule("events.k8s.io", ("events",), ("create",), Scope.WATCHED),
    Rule("events.k8s.io", ("events",), ("create",), Scope.CLUSTER),
)

NOTE_LIMIT = 1024
CLUSTER_EVENTS_NAMESPACE = "default"
"""Where Kubernetes keeps the Events of objects without a namespace."""

_log = logging.getLogger(__name__)


class Events:
    """Posts Events in certwright's name."""

    def __init__(self, server: APIServer, *, instance: str) -> None:
        self._server = server
        self._instance = instance[:128]

    async def post(
        self, kind: str, metadata: ObjectMetadata, *, reason: str, note: str, at: datetime, is_warning: bool = False
    ) -> None:
        """One Event about one object. Failures are logged, not raised."""
        namespace = metadata.namespace or CLUSTER_EVENTS_NAMESPACE
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata.name[:200]}.{os.urandom(8).hex()}", "namespace": namespace},
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": "certwright.io/operator",
            "reportingInstance": self._instance,
            "action": _ACTIONS.get(kind, "Reconcile"),
            "reason": reason,
            "type": "Warning" if is_warning else "Normal",
            "note": note[:NOTE_LIMIT],
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": kind,
                "namespace": metadata.namespace,
                "name": metadata.name,
                "uid": metadata.uid,
            },
        }
        try:
            await self._server.create(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body)
        except TerminatingError:
            _log.debug("an Event of %s %s went with its namespace: %s: %s", kind, metadata.name, reason, note)
        except KubeError as error:
            _log.warning("an Event of %s %s was lost: %s", kind, metadata.name, error)


_ACTIONS = {Kind.CERTIFICATE: "Enrol", Kind.ISSUER: "Probe", Kind.CLUSTER_ISSUER: "Probe"}
