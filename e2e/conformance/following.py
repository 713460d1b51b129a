"""Objects as they change: two watches of the API server, so that nothing is missed and nobody has to ask again.

``Certificates`` are followed because two hundred of them would be asked for thousands of times, and kubectl takes a
tenth of a second of a processor's time that the operator needs. ``Requests`` are gone before anybody could ask.
"""

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from cryptography import x509

from e2e.controlplane import ControlPlane
from e2e.processes import ProcessGroup
from e2e.tenant import API, Object
from e2e.tools import catalogue, find


class Following:
    """The objects below one path of the API, from the moment it is entered."""

    def __init__(self, control_plane: ControlPlane, path: str, *, selector: str = "") -> None:
        self._control_plane = control_plane
        self._path = path
        self._selector = selector
        self._read = 0

    def news(self) -> Iterator[tuple[str, Object]]:
        """What has happened since the last call: ``ADDED``, ``MODIFIED`` or ``DELETED``, and the object."""
        with self._processes.log("watch").open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                event = json.loads(line)
                yield event["type"], event["object"]

    def __enter__(self) -> Self:
        now = json.loads(self._control_plane.kubectl("get", "--raw", self._path))["metadata"]["resourceVersion"]
        query = {"watch": "true", "labelSelector": self._selector, "resourceVersion": now, "timeoutSeconds": "3600"}
        arguments = [f"--kubeconfig={self._control_plane.admin_kubeconfig}", "get", "--raw"]
        command = [str(find(catalogue.KUBECTL)), *arguments, f"{self._path}?{urlencode(query)}"]
        self._processes = ProcessGroup(Path(tempfile.mkdtemp(prefix="certwright-following-")), remove=True)
        self._processes.start("watch", command)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._processes.close()


class Certificates(Following):
    """The Certificates of one namespace by name."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        super().__init__(control_plane, f"/apis/{API}/namespaces/{namespace}/certificates")
        self._latest: dict[str, Object] = {}
        self._gone: set[str] = set()

    def latest(self) -> Mapping[str, Object]:
        """As they are now; one that is gone as it was at last."""
        for what, found in self.news():
            name = found["metadata"]["name"]
            self._latest[name] = found
            if what == "DELETED":
                self._gone.add(name)
        return self._latest

    def is_gone(self, name: str) -> bool:
        self.latest()
        return name in self._gone


class Requests(Following):
    """Every enrolment that an operator begins: its CSR is staged in a Secret before the CA is asked for a certificate.

    So what is not seen here has cost the CA nothing, whatever the protocol.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        super().__init__(control_plane, "/api/v1/secrets", selector="certwright.io/role=enrolment")
        self._staged: dict[str, dict[bytes, None]] = {}

    def of(self, certificate_uid: str) -> Sequence[x509.CertificateSigningRequest]:
        """The requests that were staged for one Certificate so far, the oldest first, each once."""
        for _, secret in self.news():
            request = secret.get("data", {}).get("request.der")
            if request is not None:
                owner = secret["metadata"]["labels"]["certwright.io/certificate-uid"]
                self._staged.setdefault(owner, {})[base64.b64decode(request)] = None
        return [x509.load_der_x509_csr(each) for each in self._staged.get(certificate_uid, {})]
