"""The control plane is a real one: its controllers work, RBAC holds, and nothing of it outlives its owner."""

import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from e2e.controlplane import ControlPlane, KubectlError
from e2e.processes import wait_until

GONE_WITHIN = timedelta(seconds=10)


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def test_a_deleted_namespace_vanishes_with_its_content(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "namespace", "short-lived")
    control_plane.kubectl("create", "configmap", "content", "--namespace=short-lived")

    control_plane.kubectl("delete", "namespace", "short-lived", "--timeout=30s")

    with pytest.raises(KubectlError, match="not found"):
        control_plane.kubectl("get", "namespace", "short-lived")


def test_a_dependent_is_collected_after_its_owner(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "owner", f"--namespace={namespace}")
    uid = control_plane.kubectl("get", "configmap", "owner", f"--namespace={namespace}", "-o=jsonpath={.metadata.uid}")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    metadata = {"name": "dependent", "namespace": namespace, "ownerReferences": [owner]}
    dependent = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(dependent))

    control_plane.kubectl("delete", "configmap", "owner", f"--namespace={namespace}")

    wait_until(
        lambda: "dependent" not in control_plane.kubectl("get", "configmaps", f"--namespace={namespace}"),
        "the dependent is collected",
    )


def test_a_service_account_token_is_its_own_user(control_plane: ControlPlane, namespace: str) -> None:
    wait_until(
        lambda: "default" in control_plane.kubectl("get", "serviceaccounts", f"--namespace={namespace}"),
        "the namespace has its default ServiceAccount",
    )

    kubeconfig = control_plane.service_account_kubeconfig(namespace, "default")

    who = json.loads(control_plane.kubectl("auth", "whoami", "-o=json", f"--kubeconfig={kubeconfig}"))
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"


def test_a_user_without_a_binding_is_refused(control_plane: ControlPlane, namespace: str) -> None:
    kubeconfig = control_plane.kubeconfig_for("bob", groups=["readers"])

    with pytest.raises(KubectlError, match='User "bob" cannot list resource "secrets"'):
        control_plane.kubectl("get", "secrets", f"--namespace={namespace}", f"--kubeconfig={kubeconfig}")


def test_a_group_gets_what_its_binding_allows(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl(
        "create", "rolebinding", "readers", "--clusterrole=view", "--group=readers", f"--namespace={namespace}"
    )
    kubeconfig = control_plane.kubeconfig_for("bob", groups=["readers"])

    listed = control_plane.kubectl("get", "configmaps", f"--namespace={namespace}", f"--kubeconfig={kubeconfig}")

    assert "kube-root-ca.crt" in listed


def test_aggregated_cluster_roles_are_filled(control_plane: ControlPlane) -> None:
    part = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "view-widgets", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
        "rules": [{"apiGroups": ["example.test"], "resources": ["widgets"], "verbs": ["get"]}],
    }
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(part))

    wait_until(
        lambda: "widgets" in control_plane.kubectl("get", "clusterrole", "view", "-o=json"),
        "the rule is aggregated",
    )


def test_an_approved_signing_request_is_signed(control_plane: ControlPlane) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carol")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    request = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "carol"},
        "spec": {
            "request": base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
        },
    }
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(request))

    control_plane.kubectl("certificate", "approve", "carol")

    signed = wait_until(
        lambda: control_plane.kubectl("get", "csr", "carol", "-o=jsonpath={.status.certificate}"),
        "the certificate is signed",
    )
    issued = x509.load_pem_x509_certificate(base64.b64decode(signed))
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(control_plane.ca_pem.encode()))


@pytest.mark.usefixtures("control_plane")
def test_the_audit_log_holds_the_requests_of_its_users_alone() -> None:
    with ControlPlane(audit_users=["bob"]) as control_plane:
        kubeconfig = control_plane.kubeconfig_for("bob", groups=["system:masters"])
        control_plane.kubectl("create", "configmap", "by-admin")
        control_plane.kubectl("create", "configmap", "by-bob", f"--kubeconfig={kubeconfig}")

        entries = [json.loads(line) for line in control_plane.audit_log.read_text().splitlines()]

    assert {entry["user"]["username"] for entry in entries} == {"bob"}
    assert [entry["objectRef"]["resource"] for entry in entries if entry["verb"] == "create"] == ["configmaps"]


@pytest.mark.usefixtures("control_plane")
@pytest.mark.parametrize(
    "ending",
    [pytest.param(signal.SIGKILL, id="kill -9"), pytest.param(signal.SIGINT, id="Ctrl-C")],
)
def test_nothing_is_left_after(ending: signal.Signals) -> None:
    with _owner() as owner:
        assert owner.stdout is not None
        directory = Path(owner.stdout.readline().strip().removeprefix("export KUBECONFIG=")).parent
        assert {"etcd", "kube-apiserver", "kube-controller-manager"} <= _programs_that_name(directory)

        os.killpg(owner.pid, ending)

        wait_until(lambda: not _programs_that_name(directory), "every process is gone", within=GONE_WITHIN)
        wait_until(lambda: not directory.exists(), "the directory is gone", within=GONE_WITHIN)


@contextlib.contextmanager
def _owner() -> Iterator[subprocess.Popen[str]]:
    """Another program that has a control plane, in a session of its own as if at a terminal."""
    with subprocess.Popen(
        [sys.executable, "-m", "e2e.controlplane"],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as owner:
        try:
            yield owner
        finally:
            owner.kill()


def _programs_that_name(directory: Path) -> set[str]:
    """The names of all processes whose command line contains the directory; the supervisor is one of them."""
    listed = subprocess.run(["ps", "-axww", "-o", "command"], capture_output=True, text=True, check=True).stdout
    return {Path(line.split()[0]).name for line in listed.splitlines() if str(directory) in line}
