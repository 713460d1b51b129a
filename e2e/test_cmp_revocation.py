"""``spec.revocation`` against a CA that can be asked, over CMP's rr: on deletion, after a renewal, across kills."""

import os
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.gate import Gate, When
from e2e.issuers import cmp_issuer
from e2e.launching import Launcher
from e2e.peers.cmp import CMPServer
from e2e.tenant import Tenant

ON_DELETE: dict[str, Any] = {"revocation": {"onDelete": True}}
AT_ONCE: dict[str, Any] = {"revocation": {"onSupersede": {}}}


@pytest.fixture
def server() -> Iterator[CMPServer]:
    with CMPServer(request_template=b"") as server:
        yield server


def apply(tenant: Tenant, server: CMPServer, **spec: Any) -> str:
    """A Certificate that is ready; its serial number."""
    tenant.apply(*cmp_issuer("ca", server), tenant.certificate("web", "web.example.test", **spec))
    return serial(tenant)


def serial(tenant: Tenant) -> str:
    number: str = tenant.wait_ready("web")["status"]["serialNumber"]
    return number


def reasons(tenant: Tenant) -> list[str]:
    return [reason for _, reason, _ in tenant.events("web")]


def delete(tenant: Tenant) -> None:
    tenant.kubectl("delete", "certificates.certwright.io/web", "--wait=false")


def is_gone(tenant: Tenant) -> bool:
    return not tenant.exists("Certificate", "web")


@pytest.mark.usefixtures("operator")
class TestOnDelete:
    def test_the_certificate_is_revoked_and_goes(self, tenant: Tenant, server: CMPServer) -> None:
        first = apply(tenant, server, **ON_DELETE)
        delete(tenant)
        tenant.wait("the end of the Certificate", lambda: is_gone(tenant), seconds=15)
        assert server.revoked_serials() == [first]
        assert reasons(tenant) == ["Issued", "Revoked"]

    def test_a_ca_that_is_away_is_waited_for(self, tenant: Tenant, server: CMPServer) -> None:
        apply(tenant, server, **ON_DELETE)
        server.stop()
        delete(tenant)
        tenant.wait("the failure", lambda: "RevocationFailed" in reasons(tenant))
        assert not is_gone(tenant)
        assert "nextAction" in tenant.get("Certificate", "web")["status"]
        server.start()
        tenant.wait("the end of the Certificate", lambda: is_gone(tenant), seconds=60)
        # It has forgotten what it issued before it went away, but it was asked.
        assert [each for each in server.requests() if each.startswith("rr ")]

    def test_without_the_secret_nobody_waits(self, tenant: Tenant, server: CMPServer) -> None:
        apply(tenant, server, **ON_DELETE)
        tenant.kubectl("delete", "certificates.certwright.io/web", "secret/web-tls", "--wait=false")
        tenant.wait("the end of the Certificate", lambda: is_gone(tenant), seconds=15)

    def test_a_namespace_goes(self, tenant: Tenant, server: CMPServer) -> None:
        apply(tenant, server, **ON_DELETE)
        tenant.kubectl("delete", "namespace", tenant.namespace, "--timeout=60s")
        tenant.control_plane.kubectl("create", "namespace", tenant.namespace)


@pytest.mark.usefixtures("operator")
def test_a_renewal_revokes_what_it_replaced(tenant: Tenant, server: CMPServer) -> None:
    first = apply(tenant, server, **AT_ONCE)
    second = tenant.renew("web")["status"]["serialNumber"]
    tenant.wait("the revocation", lambda: server.revoked_serials() == [first])
    assert serial(tenant) == second
    tenant.wait("the Event", lambda: reasons(tenant) == ["Issued", "Issued", "Revoked"])


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", r"/secrets(\?|$)", id="after staging"),
        pytest.param("PATCH", r"/secrets/web-tls\?", id="after the Secret"),
        pytest.param("PATCH", r"/certificates/web/status", id="after the status"),
        pytest.param("PUT", r"/secrets/certwright-", id="after unstaging"),
    ],
)
def test_a_kill_during_the_renewal_loses_no_revocation(
    tenant: Tenant, server: CMPServer, gate: Gate, launch: Launcher, method: str, path: str
) -> None:
    operator = launch(gate)
    first = apply(tenant, server, **AT_ONCE)
    trap = gate.trap(method, path, When.AFTER, lambda: os.kill(operator.pid, signal.SIGKILL))
    tenant.kubectl("annotate", "certificates.certwright.io/web", f"certwright.io/renew={secrets.token_hex(4)}")
    assert trap.sprung.wait(20), operator.tail()
    tenant.wait("the end of the operator", lambda: operator.returncode is not None)
    launch()
    tenant.wait("the revocation", lambda: server.revoked_serials() == [first], seconds=100)
    tenant.wait("the renewal", lambda: tenant.get("Certificate", "web")["status"]["revision"] == 2)
