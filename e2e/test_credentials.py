"""Secrets that issuers name: whose they are, and what happens when they are changed under a running enrolment."""

import json
import secrets
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from e2e.issuers import est_issuer
from e2e.launching import Launcher
from e2e.peers.est import ScriptedESTServer
from e2e.tenant import Object, Tenant, of_cluster_issuer, secret

USER = "device"
PASSWORD = "credentials-pass-0001"
NEW = "credentials-pass-0002"
SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def server() -> Iterator[ScriptedESTServer]:
    with ScriptedESTServer(username=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture
def cluster_issuer(tenant: Tenant) -> Iterator[str]:
    """The name of a ClusterIssuer, which goes with its password."""
    name = f"cluster-{secrets.token_hex(4)}"
    yield name
    tenant.control_plane.kubectl("delete", f"clusterissuers.certwright.io/{name}")
    tenant.control_plane.kubectl("delete", "secret", f"{name}-password", "--namespace=certwright")


def give_operator(tenant: Tenant, password: Object) -> None:
    """Put a Secret into the operator's namespace."""
    tenant.control_plane.kubectl("apply", "--namespace=certwright", "--filename=-", stdin=json.dumps(password))


def test_a_cluster_issuer_takes_secrets_from_the_operators_namespace_alone(
    tenant: Tenant, launch: Launcher, server: ScriptedESTServer, cluster_issuer: str
) -> None:
    launch()
    right, issuer = est_issuer(cluster_issuer, server, username=USER, password=PASSWORD)
    tenant.apply(right, {**issuer, "kind": "ClusterIssuer"})
    condition = tenant.wait_condition("ClusterIssuer", cluster_issuer, reason="MissingReference")
    assert f"Secret certwright/{cluster_issuer}-password does not exist" in condition["message"]
    give_operator(tenant, secret(f"{cluster_issuer}-password", password="wrong"))
    tenant.wait_condition("ClusterIssuer", cluster_issuer, reason="Ready")
    tenant.apply({**tenant.certificate("web"), "spec": _of(tenant, cluster_issuer)})
    found = tenant.wait("an answer", lambda: tenant.get("Certificate", "web").get("status", {}).get("lastError"))
    assert (found["class"], found["reason"]) == ("Issuer", "InvalidCredentials")
    assert server.issued_serials() == []
    give_operator(tenant, right)
    tenant.wait_ready("web")


def _of(tenant: Tenant, cluster_issuer: str) -> Object:
    spec: Object = tenant.certificate("web")["spec"]
    return {**spec, **of_cluster_issuer(cluster_issuer)}


def test_a_password_changed_under_an_enrolment_is_found_by_the_next_attempts(
    tenant: Tenant, launch: Launcher, server: ScriptedESTServer
) -> None:
    launch()
    server.change(deferrals=2, retry_after=2)
    tenant.apply(*est_issuer("ca", server, username=USER, password=PASSWORD), tenant.certificate("web"))
    tenant.wait("the request", lambda: server.deferred() != [])
    key = staged_key(tenant)
    server.change(password=NEW)
    found = tenant.wait("an answer", lambda: tenant.get("Certificate", "web").get("status", {}).get("lastError"))
    assert (found["class"], found["reason"]) == ("Issuer", "InvalidCredentials")
    tenant.apply(secret("ca-password", password="wrong"))
    tenant.apply(secret("ca-password", password=NEW))
    tenant.wait_ready("web")
    assert tenant.leaf("web-tls").public_key().public_bytes(*SPKI) == key
    assert len(server.issued_serials()) == len(set(server.deferred())) == 1
    assert all(password not in str(tenant.events("web")) for password in (PASSWORD, NEW))


def staged_key(tenant: Tenant) -> bytes:
    (staged,) = tenant.staged()
    return load_pem_private_key(tenant.data(staged)["tls.key"], None).public_key().public_bytes(*SPKI)
