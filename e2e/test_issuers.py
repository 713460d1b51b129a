"""Issuers on a real API server with real CAs: accounts, bindings, profiles, chains, limits and what goes wrong."""

import base64
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from e2e.authority import Authority
from e2e.gate import Gate, When
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble
from e2e.world import Object, World, condition_of

ACCOUNTS = re.compile(r"There are now (\d+) accounts in memory")
LOGGED = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (Added order|Issued certificate)")


@pytest.fixture
def alone(operator: OperatorProcess) -> Iterator[None]:
    """The module's operator rests, while a test runs one of its own."""
    assert operator.stop() == 0, operator.tail()
    yield
    operator.start()


def accounts(pebble: Pebble) -> int:
    """How many accounts the CA has made."""
    return int((["0", *ACCOUNTS.findall(pebble.log.read_text())])[-1])


def ready(world: World, name: str = "pebble") -> Object:
    """The status of an Issuer that has become ready."""
    world.wait_condition("Issuer", name, reason="Ready")
    status: Object = world.get("Issuer", name)["status"]
    return status


# Accounts.


@pytest.mark.usefixtures("operator")
def test_the_account_key_is_made_and_the_account_stands_in_the_status(world: World) -> None:
    world.apply(world.issuer())
    status = ready(world)
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
        ready(world)
        assert world.data("pebble-account") == key
        assert accounts(pebble) == 1


def test_a_restart_registers_nothing(world: World, operator: OperatorProcess) -> None:
    world.apply(world.issuer())
    status = ready(world)
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
    before, saved = ready(world), world.get("Secret", "pebble-account")
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
    assert ready(world)["acme"] == before["acme"]


@pytest.mark.usefixtures("operator")
def test_a_restored_account_key_without_our_labels_is_noticed_as_well(world: World) -> None:
    world.apply(world.issuer())
    ready(world)
    saved = world.get("Secret", "pebble-account")
    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    world.apply({**saved, "metadata": {"name": "pebble-account"}})
    world.wait_condition("Issuer", "pebble", reason="Ready", seconds=12)


@pytest.mark.usefixtures("operator")
def test_a_new_account_is_made_where_it_is_asked_for(world: World) -> None:
    world.apply(world.issuer())
    before = ready(world)["acme"]
    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    world.kubectl("annotate", "issuers.certwright.io/pebble", "certwright.io/new-account=today")
    after = ready(world)["acme"]
    assert after["uri"] != before["uri"]
    assert after["lastNewAccountRequest"] == "today"
    world.apply(world.certificate("www"))
    world.wait_ready("www")

    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)


@pytest.mark.usefixtures("operator")
def test_another_key_means_the_account_that_it_belongs_to(world: World) -> None:
    world.apply(world.issuer(), world.issuer("other"))
    ready(world)
    wanted = ready(world, "other")["acme"]["uri"]
    world.kubectl("delete", "secret", "pebble-account")
    world.wait_condition("Issuer", "pebble", reason="AccountKeyMissing", seconds=20)
    other = world.get("Secret", "other-account")
    world.apply({**other, "metadata": {"name": "pebble-account", "labels": other["metadata"]["labels"]}})
    assert ready(world)["acme"]["uri"] == wanted
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
    assert "externalAccountRequired" in ready(world)["capabilities"]
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


# Profiles, chains, trust.


@pytest.mark.usefixtures("operator")
def test_an_unknown_profile_is_told_with_those_that_there_are(world: World) -> None:
    world.apply(world.issuer(profile="gold"))
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidConfiguration")
    assert "does not offer the profile gold" in condition["message"]
    assert "default, shortlived" in condition["message"]


@pytest.mark.usefixtures("operator")
def test_a_certificates_profile_goes_before_the_issuers(world: World) -> None:
    world.apply(
        world.issuer(profile="default"),
        world.certificate("own", acme={"profile": "shortlived"}),
        world.certificate("usual"),
        world.certificate("unknown", acme={"profile": "gold"}),
    )
    assert lifetime(world, "own") == timedelta(days=6)
    assert lifetime(world, "usual") == timedelta(days=90)
    condition = world.wait_condition("Certificate", "unknown", reason="InvalidSpec", type_="Issuing")
    assert "default, shortlived" in condition["message"]
    assert world.staged() == []


def lifetime(world: World, name: str) -> timedelta:
    world.wait_ready(name)
    leaf = world.leaf(f"{name}-tls")
    seconds = (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds()
    return timedelta(days=round(seconds / 86400))


@pytest.mark.usefixtures("operator")
def test_the_preferred_chain_is_taken(world: World, bind9: Bind9) -> None:
    with Pebble(bind9.url, alternate_roots=1, authz_reuse=0) as pebble:
        usual, other = (x509.load_pem_x509_certificate(root.encode()) for root in pebble.roots())
        names = [root.subject.rfc4514_string().removeprefix("CN=") for root in (usual, other)]
        world.apply(
            world.issuer(pebble=pebble, preferredChain=names[1]),
            world.certificate("issuers"),
            world.certificate("own", acme={"preferredChain": names[0]}),
            world.certificate("none", acme={"preferredChain": "No Such Root"}),
        )
        assert top(world, "issuers") == other.subject
        assert top(world, "own") == usual.subject
        assert top(world, "none") == usual.subject


def top(world: World, name: str) -> x509.Name:
    """Who issued the topmost certificate of the Secret."""
    world.wait_ready(name)
    return x509.load_pem_x509_certificates(world.data(f"{name}-tls")["tls.crt"])[-1].issuer


def _no_bundle(issuer: Object) -> None:
    del issuer["spec"]["tls"]


def _another_bundle(issuer: Object) -> None:
    pem = Authority.create("another CA").pem
    issuer["spec"]["tls"] = {"caBundle": base64.b64encode(pem.encode()).decode()}


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("spoil", [_no_bundle, _another_bundle], ids=["none", "another"])
def test_a_ca_that_is_not_trusted_is_told_and_mended(world: World, spoil: Any) -> None:
    issuer = world.issuer()
    spoil(issuer)
    world.apply(issuer)
    condition = world.wait_condition("Issuer", "pebble", reason="Unreachable")
    assert "Set tls.caBundle to the CA that certifies this server" in condition["message"]
    assert "127.0.0.1" in condition["message"]
    world.apply(world.issuer())
    ready(world)


@pytest.mark.usefixtures("operator")
def test_a_bundle_without_a_certificate_is_told(world: World) -> None:
    issuer = world.issuer()
    issuer["spec"]["tls"] = {"caBundle": base64.b64encode(b"nothing").decode()}
    world.apply(issuer)
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidConfiguration")
    assert "The CA bundle holds no PEM certificate" in condition["message"]


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_trust_may_be_referred_to(world: World, kind: str) -> None:
    issuer = world.issuer()
    issuer["spec"]["tls"] = {f"caBundle{kind}Ref": {"name": "trust"}}
    world.apply(issuer)
    condition = world.wait_condition("Issuer", "pebble", reason="MissingReference")
    assert f"{kind} {world.namespace}/trust does not exist" in condition["message"]
    values = {"ca.crt": world.pebble.trust_anchor}
    found = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "trust"}}
    world.apply({**found, ("stringData" if kind == "Secret" else "data"): values})
    world.wait_condition("Issuer", "pebble", reason="Ready", seconds=12)


# Limits.


def ca_log(pebble: Pebble) -> list[tuple[datetime, str]]:
    """When orders were made and certificates issued, in their order."""
    found = LOGGED.findall(pebble.log.read_text())
    return [(datetime.strptime(when, "%Y/%m/%d %H:%M:%S"), what) for when, what in found]  # noqa: DTZ007 - only differences count


@pytest.mark.usefixtures("operator")
def test_concurrency_of_one_never_has_two_orders_at_once(world: World, bind9: Bind9) -> None:
    with Pebble(bind9.url, authz_reuse=0) as pebble:
        issuer = world.issuer(pebble=pebble)
        issuer["spec"]["limits"] = {"concurrency": 1}
        world.apply(issuer, *(world.certificate(f"c{number}") for number in range(5)))
        for number in range(5):
            world.wait_ready(f"c{number}", seconds=60)
        assert [what for _, what in ca_log(pebble)] == ["Added order", "Issued certificate"] * 5


@pytest.mark.usefixtures("operator")
def test_no_more_attempts_in_a_minute_than_allowed(world: World, bind9: Bind9) -> None:
    with Pebble(bind9.url, authz_reuse=0) as pebble:
        issuer = world.issuer(pebble=pebble)
        issuer["spec"]["limits"] = {"perMinute": 2}
        world.apply(issuer, *(world.certificate(f"c{number}") for number in range(3)))
        world.wait("two certificates", lambda: len(pebble.issued_serials()) == 2)
        for number in range(3):
            world.wait_ready(f"c{number}", seconds=80)
        orders = [when for when, what in ca_log(pebble) if what == "Added order"]
        assert len(orders) == 3
        assert timedelta(seconds=59) <= orders[2] - orders[0] <= timedelta(seconds=66)


# Issuers that change, and large orders.


def slow(world: World) -> Object:
    """A solver that lets the CA look only an hour after it has presented its proof."""
    solver = world.dns01()
    solver["dns01"]["propagation"] = {"wait": "1h"}
    return solver


@pytest.mark.usefixtures("operator")
def test_another_server_means_another_enrolment(world: World, bind9: Bind9) -> None:
    name = f"www-{world.namespace}.example.test"
    with Pebble(bind9.url, authz_reuse=0) as other:
        issued = world.issued()
        world.apply(world.issuer(solvers=[slow(world)]), world.certificate("www", name))
        world.wait("the order", lambda: world.bind9.query(f"_acme-challenge.{name}") != [])
        before = world.get("Secret", world.staged()[0])
        first = ready(world)["acme"]["uri"]
        world.apply(world.issuer(pebble=other, solvers=[slow(world)]))
        world.wait("another order", lambda: _uid(world) not in {None, before["metadata"]["uid"]})
        world.apply(world.issuer(pebble=other))
        world.wait_ready("www")
        assert ready(world)["acme"]["uri"] != first
        assert world.issued() == issued
        assert len(other.issued_serials()) == 1
        assert world.staged() == []
        assert bind9.query(f"_acme-challenge.{name}") == []


def _uid(world: World) -> str | None:
    staged = world.staged()
    return world.get("Secret", staged[0])["metadata"]["uid"] if staged else None


@pytest.mark.usefixtures("operator")
def test_an_issuer_that_is_mended_lets_an_order_go_on(world: World) -> None:
    name = f"www-{world.namespace}.example.test"
    world.apply(world.issuer(solvers=[slow(world)]), world.certificate("www", name))
    world.wait("the order", lambda: world.bind9.query(f"_acme-challenge.{name}") != [])
    staged = load_pem_private_key(world.data(world.staged()[0])["tls.key"], None)
    world.apply(world.issuer())
    world.wait_ready("www")
    assert world.leaf("www-tls").public_key() == staged.public_key()
    assert world.bind9.query(f"_acme-challenge.{name}") == []


@pytest.mark.usefixtures("operator")
def test_another_issuer_means_another_enrolment(world: World) -> None:
    name = f"www-{world.namespace}.example.test"
    world.apply(world.issuer(solvers=[slow(world)]), world.issuer("other"), world.certificate("www", name))
    world.wait("the order", lambda: world.bind9.query(f"_acme-challenge.{name}") != [])
    issued = world.issued()
    world.apply(world.certificate("www", name, issuer="other"))
    status = world.wait_ready("www")["status"]
    assert status["issuerRef"]["name"] == "other"
    assert world.issued() == issued + 1
    assert world.staged() == []
    assert world.bind9.query(f"_acme-challenge.{name}") == []


@pytest.mark.usefixtures("operator")
def test_an_issuer_deleted_under_way_is_waited_for(world: World) -> None:
    world.apply(world.issuer(solvers=[slow(world)]), world.certificate("www"))
    world.wait("the record", lambda: world.staged() != [])
    world.kubectl("delete", "issuers.certwright.io/pebble")
    world.wait_condition("Certificate", "www", reason="IssuerNotFound")
    world.apply(world.issuer())
    world.wait_ready("www")
    assert world.staged() == []


@pytest.mark.usefixtures("operator")
def test_fifty_names_are_one_certificate(world: World) -> None:
    names = [f"n{number:02}.{world.namespace}.example.test" for number in range(50)]
    world.apply(world.issuer(), world.certificate("www", *names))
    began = time.monotonic()
    world.wait_ready("www", seconds=60)
    assert time.monotonic() - began < 30
    found = world.leaf("www-tls").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(found.get_values_for_type(x509.DNSName)) == names
    assert all(world.bind9.query(f"_acme-challenge.{name}") == [] for name in names)
    assert condition_of(world.get("Certificate", "www"), "Issuing") is None
