"""What is written into a Secret, and when it must not be: others' Secrets, and a spec that changes under way."""

import pytest
from cryptography import x509

from e2e.gate import Gate, When
from e2e.launching import Launcher
from e2e.tenant import secret
from e2e.world import World


@pytest.mark.parametrize("type_", ["Opaque", "kubernetes.io/tls"])
def test_a_foreign_secret_that_appears_at_the_last_moment_is_not_overwritten(
    world: World, alone: None, gate: Gate, launch: Launcher, type_: str
) -> None:
    del alone
    launch(gate)
    data = {"tls.crt": "theirs", "tls.key": "theirs"}
    gate.trap("PATCH", r"/secrets/www-tls\?", When.BEFORE, lambda: world.apply(secret("www-tls", type_, **data)))
    issued = world.issued()
    world.apply(world.issuer(), world.certificate("www"))
    condition = world.wait_condition("Certificate", "www", reason="SecretNotOwned")
    assert "Secret www-tls exists and was not written by certwright" in condition["message"]
    assert world.data("www-tls") == dict.fromkeys(data, b"theirs")
    assert world.issued() == issued + 1

    world.kubectl("delete", "secret", "www-tls")
    world.retry("www")
    world.wait_ready("www")
    assert world.issued() == issued + 1
    assert world.staged() == []


@pytest.mark.usefixtures("operator")
def test_a_secret_of_another_certificate_is_not_taken_over(world: World) -> None:
    world.apply(world.issuer(), world.certificate("first", secretName="shared"))
    world.wait_ready("first")
    before = world.get("Secret", "shared")
    world.apply(world.certificate("second", secretName="shared"))
    condition = world.wait_condition("Certificate", "second", reason="IncorrectCertificate")
    assert "Secret shared belongs to Certificate first" in condition["message"]
    assert world.get("Secret", "shared") == before


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("target", ["pebble-account", "tsig"])
def test_a_secret_of_the_issuer_is_not_taken_over(world: World, target: str) -> None:
    world.apply(world.issuer())
    world.wait_condition("Issuer", "pebble", reason="Ready")
    before = world.get("Secret", target)
    world.apply(world.certificate("www", secretName=target))
    world.wait_condition("Certificate", "www", reason="SecretNotOwned")
    assert world.get("Secret", target) == before


@pytest.mark.parametrize(
    ("method", "path", "when"),
    [
        pytest.param("POST", r"/secrets(\?|$)", When.AFTER, id="after staging"),
        pytest.param("PUT", r"/secrets/certwright-", When.AFTER, id="after the order is recorded"),
        pytest.param("GET", r"/certificates/www", When.BEFORE, id="before the last look"),
        pytest.param("PATCH", r"/secrets/www-tls\?", When.BEFORE, id="before the Secret is written"),
        pytest.param("PATCH", r"/secrets/www-tls\?", When.AFTER, id="before the status is written"),
    ],
)
def test_what_is_delivered_fits_the_newest_spec(
    world: World, alone: None, gate: Gate, launch: Launcher, method: str, path: str, when: When
) -> None:
    del alone
    launch(gate)
    old, new = f"old-{world.namespace}.example.test", f"new-{world.namespace}.example.test"
    world.apply(world.issuer())
    world.wait_condition("Issuer", "pebble", reason="Ready")
    trap = gate.trap(method, path, when, lambda: world.apply(world.certificate("www", new)))
    world.apply(world.certificate("www", old))
    assert trap.sprung.wait(20)
    world.wait("the second generation", lambda: world.get("Certificate", "www")["metadata"]["generation"] == 2)
    status = world.wait_ready("www")["status"]
    leaf = world.leaf("www-tls")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [new]
    assert status["observedGeneration"] == 2
    assert status["serialNumber"] == f"{leaf.serial_number:x}"
    assert world.staged() == []
    assert world.bind9.query(f"_acme-challenge.{old}") == []
