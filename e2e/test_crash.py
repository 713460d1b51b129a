"""The operator dies, hangs or is doubled at the worst moments: one certificate, one key, nothing left behind."""

import json
import os
import signal
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from e2e.gate import Gate, When
from e2e.launching import Launcher
from e2e.world import World

MOMENTS = [
    pytest.param("POST", r"/secrets(\?|$)", When.AFTER, id="after-staging"),
    pytest.param("PUT", r"/secrets/certwright-", When.AFTER, id="after-the-order-is-recorded"),
    pytest.param("PATCH", r"/secrets/www-tls\?", When.BEFORE, id="after-finalize"),
    pytest.param("PATCH", r"/secrets/www-tls\?", When.AFTER, id="after-the-secret-is-applied"),
]


@pytest.mark.parametrize(("method", "path", "when"), MOMENTS)
def test_a_kill_costs_no_certificate_and_no_key(
    world: World, gate: Gate, launch: Launcher, method: str, path: str, when: When
) -> None:
    first = launch(gate)
    world.apply(world.issuer())
    world.wait_condition("Issuer", "pebble", reason="Ready")
    trap = gate.trap(method, path, when, lambda: os.kill(first.pid, signal.SIGKILL))
    issued = world.issued()
    world.apply(world.certificate("www"))
    assert trap.sprung.wait(20), first.tail()
    world.wait("the end of the operator", lambda: first.returncode is not None)
    key_before = staged_key(world)
    launch()
    status = world.wait_ready("www")["status"]
    assert world.issued() == issued + 1
    assert public_key(world) == key_before
    assert status["revision"] == 1
    world.wait("the record to go", lambda: world.staged() == [])
    assert world.bind9.query(f"_acme-challenge.www-{world.namespace}.example.test") == []


@pytest.mark.parametrize(("method", "path", "when"), MOMENTS)
def test_a_kill_in_a_renewal_costs_no_certificate_either(
    world: World, gate: Gate, launch: Launcher, method: str, path: str, when: When
) -> None:
    first = launch(gate)
    world.apply(world.issuer(), world.certificate("www"))
    world.wait_ready("www")
    issued = world.issued()
    trap = gate.trap(method, path, when, lambda: os.kill(first.pid, signal.SIGKILL))
    world.kubectl("annotate", "certificates.certwright.io/www", "certwright.io/renew=now")
    assert trap.sprung.wait(20), first.tail()
    world.wait("the end of the operator", lambda: first.returncode is not None)
    launch()
    world.wait("the second revision", lambda: world.get("Certificate", "www")["status"].get("revision") == 2)
    world.wait_ready("www")
    world.wait("the record to go", lambda: world.staged() == [])
    assert world.issued() == issued + 1
    assert world.get("Certificate", "www")["status"]["lastRenewRequest"] == "now"


def staged_key(world: World) -> bytes:
    """The public half of the key that was staged before the kill."""
    staged = world.staged()
    assert len(staged) == 1
    key = load_pem_private_key(world.data(staged[0])["tls.key"], None)
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key(world: World) -> bytes:
    return world.leaf("www-tls").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_leader_that_hangs_is_followed_and_issues_nothing_twice(world: World, gate: Gate, launch: Launcher) -> None:
    first = launch(gate, elects=True)
    world.apply(world.issuer())
    world.wait_condition("Issuer", "pebble", reason="Ready")
    second = launch(elects=True)
    issued = world.issued()
    trap = gate.trap("PUT", r"/secrets/certwright-", When.AFTER, gate.hang)
    world.apply(world.certificate("www"))
    assert trap.sprung.wait(20), first.tail()
    began = time.monotonic()
    world.wait("the first leader to give up", lambda: first.returncode is not None, seconds=25)
    world.wait_ready("www", seconds=40)
    time.sleep(max(0.0, 20 - (time.monotonic() - began)))
    gate.flow()
    time.sleep(1)
    assert first.returncode == 1
    assert "leadership" in first.tail().lower() or "lead" in first.tail().lower()
    assert world.issued() == issued + 1
    assert second.returncode is None
    assert world.staged() == []


def test_lost_statuses_and_certificates_applied_again_cost_nothing(world: World, launch: Launcher) -> None:
    operator = launch()
    certificates = [world.certificate(f"c{number}") for number in range(5)]
    world.apply(world.issuer(), *certificates)
    for certificate in certificates:
        world.wait_ready(certificate["metadata"]["name"])
    world.kubectl("annotate", "certificates.certwright.io", "--all", "certwright.io/renew=restored")
    world.wait("all renewals", lambda: all(_revision(world, f"c{number}") == 2 for number in range(5)))
    issued = world.issued()
    assert operator.stop() == 0
    for number in range(3):
        clear = json.dumps({"status": None})
        world.kubectl(
            *("patch", f"certificates.certwright.io/c{number}", "--subresource=status", "--type=merge"),
            f"--patch={clear}",
        )
    kept = [world.get("Certificate", f"c{number}") for number in (3, 4)]
    world.kubectl("delete", "certificates.certwright.io/c3", "certificates.certwright.io/c4")
    for found in kept:
        annotations = {"certwright.io/renew": "restored"}
        world.apply(
            {**found, "metadata": {"name": found["metadata"]["name"], "annotations": annotations}, "status": {}}
        )
    again = launch()
    for number in range(5):
        status = world.wait_ready(f"c{number}")["status"]
        assert status["revision"] == 1
        assert status["lastRenewRequest"] == "restored"
    time.sleep(1)
    assert world.issued() == issued
    assert again.stop() == 0
    assert world.issued() == issued


def _revision(world: World, name: str) -> int:
    return int(world.get("Certificate", name)["status"].get("revision", 0))


def test_a_restart_with_everything_ready_writes_nothing(world: World, launch: Launcher) -> None:
    operator = launch()
    world.apply(world.issuer(), *(world.certificate(f"c{number}") for number in range(3)))
    for number in range(3):
        world.wait_ready(f"c{number}")
    requests, issued = world.pebble.request_count(), world.issued()
    before = [_version(world, f"c{number}") for number in range(3)]
    assert operator.stop() == 0
    again = launch()
    time.sleep(2)
    assert [_version(world, f"c{number}") for number in range(3)] == before
    assert (world.pebble.request_count(), world.issued()) == (requests, issued)
    assert again.stop() == 0


def _version(world: World, name: str) -> str:
    return str(world.get("Certificate", name)["metadata"]["resourceVersion"])


def test_a_certificate_deleted_halfway_leaves_no_record_and_no_txt(world: World, gate: Gate, launch: Launcher) -> None:
    launch(gate)
    world.apply(world.issuer(), world.certificate("www"))
    world.wait_ready("www")
    name = f"stuck-{world.namespace}.example.test"
    gate.trap("PUT", r"/secrets/certwright-", When.AFTER, lambda: time.sleep(2))
    world.apply(world.certificate("stuck", name))
    world.wait("the record", lambda: world.staged() != [])
    world.kubectl("delete", "certificates.certwright.io/stuck")
    world.wait("the record to go", lambda: world.staged() == [])
    world.wait("the TXT record to go", lambda: world.bind9.query(f"_acme-challenge.{name}") == [])


def test_an_issuer_deleted_halfway_leaves_no_record_and_no_txt(world: World, launch: Launcher) -> None:
    launch()
    solver = world.dns01()
    slow = {"dns01": {**solver["dns01"], "propagation": {"wait": "5m"}}}
    name = f"stuck-{world.namespace}.example.test"
    world.apply(world.issuer(solvers=[slow]), world.certificate("stuck", name))
    world.wait("the TXT record", lambda: world.bind9.query(f"_acme-challenge.{name}") != [])
    world.kubectl("delete", "issuers.certwright.io/pebble")
    world.wait("the TXT record to go", lambda: world.bind9.query(f"_acme-challenge.{name}") == [])
    world.wait_condition("Certificate", "stuck", reason="IssuerNotFound")
    assert world.staged() == []
    world.apply(world.issuer())
    world.wait_ready("stuck")
