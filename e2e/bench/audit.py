"""What the operator asked of the API server, by the API server's own account: its audit log at level Metadata."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.installation import SERVICE_ACCOUNT

OPERATOR = f"system:serviceaccount:{SERVICE_ACCOUNT}:{SERVICE_ACCOUNT}"
"""The user whose requests are audited; ``install`` puts the ServiceAccount into a namespace of the same name."""

_METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "get": "GET"}
_READS = frozenset({"GET", "list", "watch"})
# Written at their own pace or for many Certificates at once, whatever becomes of a single one.
_APART = frozenset({"events", "leases", "configmaps"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was answered; ``verb`` is the HTTP method, or ``list`` or ``watch``."""

    verb: str
    resource: str
    namespace: str
    name: str
    status: int

    @property
    def is_write(self) -> bool:
        return self.verb not in _READS

    @property
    def is_budgeted(self) -> bool:
        """Whether it counts among the writes of a Certificate: Events, the Lease and the HTTP-01 board do not."""
        return self.is_write and self.resource not in _APART

    @property
    def is_event(self) -> bool:
        return self.is_write and self.resource == "events"

    @property
    def what(self) -> str:
        return f"{self.verb} {self.resource}"


class AuditLog:
    """Reads on from where it stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def skip(self) -> None:
        """Leave out everything so far."""
        self._offset = self._path.stat().st_size

    def read(self) -> list[Request]:
        """All requests since the last call; a watch counts when it begins."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            found = log.read()
        complete = found[: found.rfind(b"\n") + 1]
        self._offset += len(complete)
        entries = [json.loads(line) for line in complete.splitlines()]
        return [_request(entry) for entry in entries if _counts(entry)]


def by_kind(requests: Iterable[Request]) -> Counter[str]:
    """How many of each verb and resource."""
    return Counter(request.what for request in requests)


def _counts(entry: dict[str, Any]) -> bool:
    return bool((entry["stage"] == "ResponseStarted") == (entry["verb"] == "watch"))


def _request(entry: dict[str, Any]) -> Request:
    about = entry.get("objectRef") or {}
    resource = "/".join(filter(None, (about.get("resource"), about.get("subresource")))) or "(discovery)"
    return Request(
        verb=_METHODS.get(entry["verb"], entry["verb"]),
        resource=resource,
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        status=entry.get("responseStatus", {}).get("code", 0),
    )
