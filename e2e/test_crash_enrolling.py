"""Killed at the worst moments over EST, SCEP and CMP: no second key, and two certificates only after a lost answer.

None of them has an order to resume. What was asked and not answered is asked again with the very same request, over CMP
in another transaction and no sooner than a minute later.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from e2e.gate import Gate, When
from e2e.issuers import cmp_issuer, est_issuer, scep_issuer
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers.cmp import CMPServer
from e2e.peers.est import ScriptedESTServer
from e2e.peers.scep import SCEPServer
from e2e.processes import wait_until
from e2e.tenant import Object, Tenant

PASSWORD = "crash-pass-0001"
USAGES = ["digital signature", "server auth", "client auth"]


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A CA, the Issuer for it, and how a test dies between its granting and our hearing of it."""

    server: ScriptedESTServer | SCEPServer | CMPServer
    issuer: list[Object]
    lose_answer: Callable[[OperatorProcess], None]

    def issued(self) -> int:
        return len(self.server.issued_serials())


@contextmanager
def est() -> Iterator[Authority]:
    with ScriptedESTServer(username="device", password=PASSWORD) as server:

        def lose_answer(operator: OperatorProcess) -> None:
            """The server has issued and holds its answer back."""
            before = len(server.issued_serials())
            server.change(answer_delay=timedelta(seconds=20))
            wait(lambda: len(server.issued_serials()) > before)
            os.kill(operator.pid, signal.SIGKILL)
            server.change(answer_delay=timedelta(0))

        issuer = est_issuer("ca", server, username="device", password=PASSWORD)
        yield Authority(server=server, issuer=issuer, lose_answer=lose_answer)


@contextmanager
def scep() -> Iterator[Authority]:
    with (
        SCEPServer(challenge=PASSWORD) as server,
        Gate(server.url.removesuffix("/scep"), server.ca_certificate) as gate,
    ):

        def lose_answer(operator: OperatorProcess) -> None:
            """The answer has left the server and is on its way."""
            trap = gate.trap("POST", "/scep", When.AFTER, lambda: os.kill(operator.pid, signal.SIGKILL))
            assert trap.sprung.wait(30), operator.tail()

        issuer = scep_issuer("ca", server, challenge=PASSWORD, url=f"{gate.url}/scep", challengeOnRenewal=True)
        yield Authority(server=server, issuer=issuer, lose_answer=lose_answer)


@contextmanager
def cmp() -> Iterator[Authority]:
    with CMPServer(implicit_confirm=False, request_template=b"") as server:

        def lose_answer(operator: OperatorProcess) -> None:
            """The server has issued and holds its answer back."""
            before = len(server.issued_serials())
            server.change(answer_delay=timedelta(seconds=20))
            wait(lambda: len(server.issued_serials()) > before)
            os.kill(operator.pid, signal.SIGKILL)
            server.change(answer_delay=timedelta(0))

        yield Authority(server=server, issuer=cmp_issuer("ca", server), lose_answer=lose_answer)


def wait(condition: Callable[[], bool]) -> None:
    wait_until(condition, "the CA has issued", within=timedelta(seconds=30))


AUTHORITIES = {"EST": est, "SCEP": scep, "CMP": cmp}


@pytest.fixture(scope="module")
def authority(request: pytest.FixtureRequest) -> Iterator[Authority]:
    """The one whose protocol a test names."""
    with AUTHORITIES[request.param]() as authority:
        yield authority


FIRST, RENEWAL = False, True
STAGED = ("POST", r"/secrets(\?|$)", When.AFTER)
NOT_APPLIED = ("PATCH", r"/secrets/www-tls\?", When.BEFORE)
APPLIED = ("PATCH", r"/secrets/www-tls\?", When.AFTER)
TOLD = ("PATCH", r"/certificates/www/status", When.AFTER)
MOMENTS = {
    "a first one is staged": (*STAGED, FIRST, 1),
    "a first one is not applied yet": (*NOT_APPLIED, FIRST, 2),
    "a first one is applied": (*APPLIED, FIRST, 1),
    "a first one is told": (*TOLD, FIRST, 1),
    "a renewal is staged": (*STAGED, RENEWAL, 1),
    "a renewal is applied": (*APPLIED, RENEWAL, 1),
}
# Over CMP the first one is stored before it is applied (below), and whatever was staged waits a minute: once is enough.
PROVED_OTHERWISE = {("CMP", "a first one is not applied yet"), ("CMP", "a renewal is staged")}
CASES = [
    pytest.param(protocol, *moment, id=f"{protocol}-{name}")
    for protocol in AUTHORITIES
    for name, moment in MOMENTS.items()
    if (protocol, name) not in PROVED_OTHERWISE
]


@pytest.mark.parametrize(("authority", "method", "path", "when", "is_renewal", "most"), CASES, indirect=["authority"])
def test_a_kill_between_two_writes(
    tenant: Tenant,
    gate: Gate,
    launch: Launcher,
    authority: Authority,
    method: str,
    path: str,
    when: When,
    most: int,
    *,
    is_renewal: bool,
) -> None:
    first = launch(gate)
    tenant.apply(*authority.issuer)
    tenant.wait_condition("Issuer", "ca", reason="Ready")
    if is_renewal:
        tenant.apply(tenant.certificate("www", usages=USAGES))
        tenant.wait_ready("www")
        tenant.wait("the record to go", lambda: tenant.staged() == [])
    before = authority.issued()
    trap = gate.trap(method, path, when, lambda: os.kill(first.pid, signal.SIGKILL))
    begin(tenant, is_renewal=is_renewal)
    assert trap.sprung.wait(20), first.tail()
    tenant.wait("the end of the operator", lambda: first.returncode is not None)
    key = staged_key(tenant)
    launch()
    tenant.wait("the certificate", lambda: revision(tenant) == 1 + is_renewal, seconds=100)
    tenant.wait("the record to go", lambda: tenant.staged() == [])
    assert before + 1 <= authority.issued() <= before + most
    assert public_key(tenant) == key
    assert tenant.wait_ready("www")["status"]["revision"] == 1 + is_renewal


@pytest.fixture
def confirming() -> Iterator[CMPServer]:
    with CMPServer(implicit_confirm=False, request_template=b"") as server:
        yield server


@pytest.mark.parametrize(
    ("method", "path", "when"),
    [
        pytest.param("PUT", r"/secrets/certwright-", When.AFTER, id="before-it-is-confirmed"),
        pytest.param("PATCH", r"/secrets/www-tls\?", When.BEFORE, id="before-it-is-delivered"),
    ],
)
def test_a_certificate_that_is_stored_is_never_asked_for_again(
    tenant: Tenant, gate: Gate, launch: Launcher, confirming: CMPServer, method: str, path: str, when: When
) -> None:
    first = launch(gate)
    tenant.apply(*cmp_issuer("ca", confirming))
    tenant.wait_condition("Issuer", "ca", reason="Ready")
    trap = gate.trap(method, path, when, lambda: os.kill(first.pid, signal.SIGKILL))
    tenant.apply(tenant.certificate("www", usages=USAGES))
    assert trap.sprung.wait(20), first.tail()
    tenant.wait("the end of the operator", lambda: first.returncode is not None)
    key = staged_key(tenant)
    launch()
    tenant.wait_ready("www")
    assert public_key(tenant) == key
    assert confirming.issued_serials() == confirming.confirmed_serials()
    assert len(confirming.issued_serials()) == 1


@pytest.mark.parametrize("authority", AUTHORITIES, indirect=True)
def test_a_lost_answer_costs_one_certificate_and_no_key(tenant: Tenant, launch: Launcher, authority: Authority) -> None:
    first = launch()
    tenant.apply(*authority.issuer)
    tenant.wait_condition("Issuer", "ca", reason="Ready")
    before = authority.issued()
    tenant.apply(tenant.certificate("www", usages=USAGES))
    authority.lose_answer(first)
    tenant.wait("the end of the operator", lambda: first.returncode is not None)
    key = staged_key(tenant)
    launch()
    tenant.wait_ready("www", seconds=100)
    tenant.wait("the record to go", lambda: tenant.staged() == [])
    assert authority.issued() == before + 2
    assert public_key(tenant) == key
    assert tenant.leaf("www-tls").serial_number == int(authority.server.issued_serials()[-1], 16)


def begin(tenant: Tenant, *, is_renewal: bool) -> None:
    if is_renewal:
        tenant.kubectl("annotate", "certificates.certwright.io/www", "certwright.io/renew=now")
    else:
        tenant.apply(tenant.certificate("www", usages=USAGES))


def revision(tenant: Tenant) -> int:
    return int(tenant.get("Certificate", "www").get("status", {}).get("revision", 0))


def staged_key(tenant: Tenant) -> bytes:
    """The public half of the key that was staged before the kill."""
    (staged,) = tenant.staged()
    key = load_pem_private_key(tenant.data(staged)["tls.key"], None)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key(tenant: Tenant) -> bytes:
    leaf: x509.Certificate = tenant.leaf("www-tls")
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
