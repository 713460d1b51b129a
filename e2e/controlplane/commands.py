"""The command lines of the three servers, and the files that only they read.

``control_plane`` starts them; the flags are what differs from a production control plane, with the reason.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# What certwright and its tests rely on, and no more: each further controller costs start-up time and memory.
CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "certificatesigningrequest-signing-controller",
    "clusterrole-aggregation-controller",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of one control plane is."""

    directory: Path
    etcd_port: int
    etcd_peer_port: int
    apiserver_port: int

    @property
    def pki(self) -> Path:
        return self.directory / "pki"

    @property
    def audit_log(self) -> Path:
        return self.directory / "audit.log"

    @property
    def audit_policy(self) -> Path:
        return self.directory / "audit-policy.json"

    @property
    def etcd_url(self) -> str:
        return f"http://127.0.0.1:{self.etcd_port}"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.apiserver_port}"


def etcd(program: Path, at: Layout) -> list[str]:
    peer_url = f"http://127.0.0.1:{at.etcd_peer_port}"
    return [
        str(program),
        f"--data-dir={at.directory / 'etcd'}",
        f"--listen-client-urls={at.etcd_url}",
        f"--advertise-client-urls={at.etcd_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",  # the data is thrown away; waiting for the disk would be half of each write
        "--log-level=warn",
    ]


def kube_apiserver(program: Path, at: Layout, *, audited: bool) -> list[str]:
    pki = at.pki
    audit = [f"--audit-policy-file={at.audit_policy}", f"--audit-log-path={at.audit_log}"] if audited else []
    return [
        str(program),
        f"--etcd-servers={at.etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={at.apiserver_port}",
        "--endpoint-reconciler-type=none",  # a loopback address is no valid Endpoint, and nobody would use it
        f"--cert-dir={pki}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'service-account.pub'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        *audit,
    ]


def kube_controller_manager(program: Path, at: Layout) -> list[str]:
    pki = at.pki
    return [
        str(program),
        f"--kubeconfig={at.directory / 'controller-manager.kubeconfig'}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--use-service-account-credentials=true",  # each controller with its own RBAC role, as in a real cluster
        "--leader-elect=false",
        "--secure-port=0",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'service-account.key'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
    ]


def audit_policy(users: Sequence[str]) -> str:
    """One line for each answered request of these users; a watch gets one when it starts and one when it ends."""
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "users": list(users)}, {"level": "None"}],
    }
    return json.dumps(policy)
