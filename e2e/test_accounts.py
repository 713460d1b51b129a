"""ACME accounts on a real API server with real CAs: made once, found again, bound to customers, never in silence."""

import base64
import os
import re
import secrets
import signal
from collections.abc import Iterator

import pytest

from e2e.gate import Gate, When
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble
from e2e.tenant import Object
from e2e.world import World

ACCOUNTS = re.compile(r"There are now (\d+) accounts in memory")


def accounts(pebble: Pebble) -> int:
    """How many accounts the CA has made."""
    return int((["0", *ACCOUNTS.findall(pebble.log.read_text())])[-1])


@pytest.mark.usefixtures("operator")
def test_the_account_key_is_made_and_the_account_stands_in_the_status(world: World) -> None:
    world.apply(world.issuer())
    status = world.wait_issuer()
    account = world.get("Secret", "pebble-account")
    assert account["type"] == "certwright.io/account"
    assert account["metadata"]["labels"] == {"certwright.io/managed": "true", "certwright.io/role": "account"}
    assert status["acme"]["uri"].startswith(world.pebble.url.removesuffix("/dir"))
    assert status["acme"]["server"] == world.pebble.url
    assert status["protocol"] == "acme"
    assert "profile:shortlived" in status["capabilities"]
    assert status["lastProbe"]
    assert status["acme"]["uri"] in status["conditions"][0]["message"]


@pytest.mark.parametrize(
    ("method", "path", "when"),
    [
        pytest.param("POST", r"/secrets(\?|$)", When.AFTER, id="before the account is registered"),
        pytest.param("PATCH", r"/issuers/pebble/status", When.BEFORE, id="before the account is recorded"),
    ],
)
def test_a_kill_while_registering_makes_no_second_account(
    world: World, alone: None, gate: Gate, launch: Launcher, bind9: Bind9, method: str, path: str, when: When
) -> None:
    del alone
    with Pebble(bind9.url) as pebble:
        first = launch(gate)
        trap = gate.trap(method, path, when, lambda: os.kill(first.pid, signal.SIGKILL))
        world.apply(world.issuer(pebble=pebble))
        assert trap.sprung.wait(20), first.tail()
        world.wait("the end of the operator", lambda: first.returncode is not None)
        key = world.data("pebble-account")
        launch()
        world.wait_issuer()
        assert world.data("pebble-account") == key
        assert accounts(pebble) == 1


def test_a_restart_registers_nothing(world: World, operator: OperatorProcess) -> None:
    world.apply(world.issuer())
    status = world.wait_issuer()
    requests, known = world.pebble.request_count(), accounts(world.pebble)
    assert operator.stop() == 0
    operator.start()
    world.apply(world.certificate("www"))
    world.wait_ready("www")
    assert accounts(world.pebble) == known
    assert world.pebble.request_count() > requests
    assert world.get("Issuer", "pebble")["status"] == status


@pytest.mark.usefixtures("operator")
def test_a_lost_account_key_is_told_and_its_return_noticed(world: World) -> None:
    world.apply(world.issuer())
    before, saved = world.wait_issuer(), world.get("Secret", "pebble-account")
    world.kubectl("delete", "secret", "pebble-account")
    condition = world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    assert before["acme"]["uri"] in condition["message"]
    assert f"Secret {world.namespace}/pebble-account with its key is gone: restore it" in condition["message"]
    assert "certwright.io/new-account" in condition["message"]
    world.apply(world.certificate("www"))
    waiting = world.wait_condition("Certificate", "www", reason="IssuerNotReady")
    assert "pebble-account" in waiting["message"]
    assert not world.exists("Secret", "pebble-account")

    kept = {"name": "pebble-account", "labels": saved["metadata"]["labels"]}
    world.apply({**saved, "metadata": kept})
    world.wait_ready("www", seconds=15)
    assert world.wait_issuer()["acme"] == before["acme"]


@pytest.mark.usefixtures("operator")
def test_a_restored_account_key_without_our_labels_is_noticed_as_well(world: World) -> None:
    world.apply(world.issuer())
    world.wait_issuer()
    saved = world.get("Secret", "pebble-account")
    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    world.apply({**saved, "metadata": {"name": "pebble-account"}})
    world.wait_condition("Issuer", "pebble", reason="Ready", seconds=12)


@pytest.mark.usefixtures("operator")
def test_a_new_account_is_made_where_it_is_asked_for(world: World) -> None:
    world.apply(world.issuer())
    before = world.wait_issuer()["acme"]
    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    world.kubectl("annotate", "issuers.certwright.io/pebble", "certwright.io/new-account=today")
    after = world.wait_issuer()["acme"]
    assert after["uri"] != before["uri"]
    assert after["lastNewAccountRequest"] == "today"
    world.apply(world.certificate("www"))
    world.wait_ready("www")

    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)


@pytest.mark.usefixtures("operator")
def test_another_key_means_the_account_that_it_belongs_to(world: World) -> None:
    world.apply(world.issuer(), world.issuer("other"))
    world.wait_issuer()
    wanted = world.wait_issuer("other")["acme"]["uri"]
    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    other = world.get("Secret", "other-account")
    world.apply({**other, "metadata": {"name": "pebble-account", "labels": other["metadata"]["labels"]}})
    assert world.wait_issuer()["acme"]["uri"] == wanted
    world.apply(world.certificate("www"))
    world.wait_ready("www")


# External account binding.


@pytest.fixture
def bound(bind9: Bind9) -> Iterator[tuple[Pebble, str]]:
    """A CA that serves its customers only, and the key of one of them."""
    mac = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    with Pebble(bind9.url, eab_keys={"customer-7": mac}, authz_reuse=0) as pebble:
        yield pebble, mac


def binding(world: World, pebble: Pebble, mac: str, key_id: str = "customer-7") -> list[Object]:
    found = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "binding"}, "stringData": {"secret": mac}}
    issuer = world.issuer(pebble=pebble, externalAccountBinding={"keyID": key_id, "keySecretRef": {"name": "binding"}})
    return [found, issuer]


@pytest.mark.usefixtures("operator")
def test_a_customers_account_is_bound_and_issues(world: World, bound: tuple[Pebble, str]) -> None:
    world.apply(*binding(world, *bound), world.certificate("www"))
    world.wait_ready("www")
    assert "externalAccountRequired" in world.wait_issuer()["capabilities"]
    assert bound[0].issued_serials()


@pytest.mark.usefixtures("operator")
def test_a_missing_binding_is_told(world: World, bound: tuple[Pebble, str]) -> None:
    world.apply(world.issuer(pebble=bound[0]))
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidConfiguration")
    assert "set acme.externalAccountBinding" in condition["message"]


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    ("key_id", "is_right"),
    [pytest.param("customer-7", False, id="wrong key"), pytest.param("customer-8", True, id="unknown customer")],
)
def test_a_wrong_binding_is_told_and_mended(
    world: World, bound: tuple[Pebble, str], key_id: str, *, is_right: bool
) -> None:
    pebble, mac = bound
    world.apply(*binding(world, pebble, mac if is_right else "d3Jvbmcga2V5", key_id))
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidCredentials")
    assert "externalAccountBinding" in condition["message"]
    assert accounts(pebble) == 0
    world.apply(*binding(world, pebble, mac))
    world.wait_condition("Issuer", "pebble", reason="Ready", seconds=40)


@pytest.mark.usefixtures("operator")
def test_a_binding_that_is_not_base64_is_told(world: World, bound: tuple[Pebble, str]) -> None:
    world.apply(*binding(world, bound[0], "not base64!"))
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidCredentials")
    assert "the external account key in Secret binding is not base64" in condition["message"]
