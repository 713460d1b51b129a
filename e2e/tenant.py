"""One namespace of the control plane, and the few verbs in which an end-to-end test speaks: apply, get, wait, events.

Objects are plain dicts as ``kubectl`` prints them; a test reads them as a user would.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509

from e2e.controlplane import ControlPlane
from e2e.controlplane.kubectl import KubectlError
from e2e.processes import wait_until

API = "certwright.io/v1alpha1"
Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One namespace of the control plane; ``kubeconfig`` is the operator's."""

    usual_issuer: ClassVar[str] = "ca"
    """The Issuer that is meant where none is named."""

    control_plane: ControlPlane
    kubeconfig: Path
    namespace: str

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """As the administrator, in the test's namespace."""
        return self.control_plane.kubectl(f"--namespace={self.namespace}", *arguments, stdin=stdin)

    def apply(self, *objects: Object) -> None:
        """What a user would do with files."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(items))

    def get(self, kind: str, name: str) -> Object:
        """The object as it is now; ``KubectlError`` where it is not."""
        found: Object = json.loads(self.kubectl("get", _resource(kind), name, "--output=json"))
        return found

    def exists(self, kind: str, name: str) -> bool:
        """Whether there is such an object."""
        try:
            self.get(kind, name)
        except KubectlError:
            return False
        return True

    def wait(self, what: str, condition: Callable[[], Any], *, seconds: float = 30) -> Any:
        """Until it is true; what it was."""
        return wait_until(condition, what, within=timedelta(seconds=seconds))

    def wait_ready(self, name: str, *, seconds: float = 30) -> Object:
        """Until the Certificate is Ready for its newest generation, the way users wait."""
        try:
            self.kubectl("wait", "--for=condition=Ready", f"certificates.certwright.io/{name}", f"--timeout={seconds}s")
        except KubectlError as error:
            error.add_note(json.dumps(self.get("Certificate", name).get("status"), indent=1))
            raise
        return self.get("Certificate", name)

    def wait_condition(self, kind: str, name: str, *, reason: str, type_: str = "Ready", seconds: float = 30) -> Object:
        """Until the condition has that reason; the condition."""

        def found() -> Object | None:
            condition = condition_of(self.get(kind, name), type_)
            return condition if condition and condition["reason"] == reason else None

        try:
            condition: Object = self.wait(f"{kind} {name}: {type_} {reason}", found, seconds=seconds)
        except Exception as error:
            error.add_note(json.dumps(self.get(kind, name).get("status"), indent=1))
            raise
        return condition

    def leaf(self, secret: str) -> x509.Certificate:
        """The certificate that stands in a Secret."""
        return x509.load_pem_x509_certificates(self.data(secret)["tls.crt"])[0]

    def data(self, secret: str) -> Mapping[str, bytes]:
        """A Secret's data."""
        found = self.get("Secret", secret)
        return {name: base64.b64decode(value) for name, value in found["data"].items()}

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and note of every Event about objects of that name, the oldest first."""
        found = json.loads(self.kubectl("get", "events.events.k8s.io", "--output=json"))["items"]
        ours = [event for event in found if event["regarding"]["name"] == name]
        ours.sort(key=lambda event: event["eventTime"])
        return [(event["type"], event["reason"], event.get("note", "")) for event in ours]

    def staged(self) -> list[str]:
        """The names of the enrolment Secrets in the namespace."""
        selector = "--selector=certwright.io/role=enrolment"
        found = json.loads(self.kubectl("get", "secrets", selector, "--output=json"))["items"]
        return [secret["metadata"]["name"] for secret in found]

    def certificate(self, name: str, *dns_names: str, issuer: str = "", **spec: Any) -> Object:
        """A Certificate into Secret ``<name>-tls``; without names for ``<name>.example.test``."""
        wanted = list(dns_names) or [f"{name}-{self.namespace}.example.test"]
        reference = {"name": issuer or self.usual_issuer}
        return {
            "apiVersion": API,
            "kind": "Certificate",
            "metadata": {"name": name},
            "spec": {"secretName": f"{name}-tls", "issuerRef": reference, "dnsNames": wanted, **spec},
        }

    def renew(self, name: str) -> Object:
        """Have a certificate renewed and wait for it; the Certificate."""
        before = self.get("Certificate", name)["status"]["revision"]
        annotation = f"certwright.io/renew={secrets.token_hex(4)}"
        self.kubectl("annotate", "--overwrite", f"certificates.certwright.io/{name}", annotation)
        self.wait(f"the renewal of {name}", lambda: self.get("Certificate", name)["status"]["revision"] > before)
        return self.wait_ready(name)

    def retry(self, name: str) -> None:
        """Ask for another attempt now, the way users do."""
        self.kubectl("annotate", f"certificates.certwright.io/{name}", f"certwright.io/retry={secrets.token_hex(4)}")

    def wait_issuer(self, name: str = "") -> Object:
        """The status of an Issuer that has become ready."""
        name = name or self.usual_issuer
        self.wait_condition("Issuer", name, reason="Ready")
        status: Object = self.get("Issuer", name)["status"]
        return status


def of_cluster_issuer(name: str) -> Object:
    """What a Certificate's spec says to name a ClusterIssuer."""
    return {"issuerRef": {"name": name, "kind": "ClusterIssuer"}}


def secret(name: str, type_: str = "Opaque", **data: str) -> Object:
    """A Secret of a user's."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": type_, "stringData": data}


def condition_of(found: Object, type_: str) -> Object | None:
    """One of an object's conditions."""
    conditions = found.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == type_), None)


def _resource(kind: str) -> str:
    ours = {"Certificate", "Issuer", "ClusterIssuer"}
    return f"{kind.lower()}s.certwright.io" if kind in ours else kind.lower()
