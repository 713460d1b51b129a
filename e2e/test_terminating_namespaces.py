"""A namespace that is deleted goes within seconds, whatever Certificates are in it, and no CA is asked meanwhile."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.operator_process import OperatorProcess
from e2e.peers.liars import CMPLiar
from e2e.tenant import Object, Tenant

LOUD = re.compile(r"\b(ERROR|CRITICAL|traceback)\b", re.IGNORECASE)
WARNED = re.compile(r"\bWARNING\b", re.IGNORECASE)
MANY = 12


@pytest.fixture
def liar(tenant: Tenant, operator: OperatorProcess) -> Iterator[CMPLiar]:
    """Over CMP, because it revokes."""
    del operator
    with CMPLiar() as liar:
        tenant.apply(*liar.issuer("ca"))
        tenant.wait_issuer("ca")
        yield liar


def certificate(tenant: Tenant, name: str, **spec: Any) -> Object:
    return tenant.certificate(name, f"{name}.example.test", **spec)


def test_a_namespace_full_of_certificates_goes(tenant: Tenant, liar: CMPLiar, operator: OperatorProcess) -> None:
    issued = [f"issued-{number}" for number in range(MANY)]
    revoked = [f"revoked-{number}" for number in range(3)]
    tenant.apply(
        *(certificate(tenant, name) for name in issued),
        *(certificate(tenant, name, revocation={"onDelete": True}) for name in revoked),
    )
    for name in (*issued, *revoked):
        tenant.wait_ready(name)
    liar.hold()
    tenant.apply(*(certificate(tenant, f"waiting-{number}") for number in range(3)))
    tenant.wait("three enrolments", lambda: len(tenant.staged()) == 3)
    liar.release()
    asked, said = liar.asked.total(), len(operator.log.read_text())
    tenant.kubectl("delete", "namespace", tenant.namespace, "--wait=true", "--timeout=40s")
    tenant.control_plane.kubectl("create", "namespace", tenant.namespace)
    assert liar.asked.total() - asked <= 3
    log = operator.log.read_text()[said:]
    assert not LOUD.search(log), log[-3000:]
    assert len(WARNED.findall(log)) <= MANY, log[-3000:]
