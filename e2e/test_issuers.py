"""Issuers on a real API server with real CAs: profiles, chains, trust, and changes while orders are under way.

``test_accounts`` has what concerns their accounts, ``test_limits`` their limits.
"""

import base64
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from e2e.authority import Authority
from e2e.peers import Bind9, Pebble
from e2e.tenant import Object, condition_of
from e2e.world import World

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
    world.wait_issuer()


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
        first = world.wait_issuer()["acme"]["uri"]
        world.apply(world.issuer(pebble=other, solvers=[slow(world)]))
        world.wait("another order", lambda: _uid(world) not in {None, before["metadata"]["uid"]})
        world.apply(world.issuer(pebble=other))
        world.wait_ready("www")
        assert world.wait_issuer()["acme"]["uri"] != first
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
    name = f"www-{world.namespace}.example.test"
    world.apply(world.issuer(solvers=[slow(world)]), world.certificate("www", name))
    world.wait("the order", lambda: world.bind9.query(f"_acme-challenge.{name}") != [])
    issued = world.issued()
    world.kubectl("delete", "issuers.certwright.io/pebble")
    world.wait_condition("Certificate", "www", reason="IssuerNotFound")
    world.apply(world.issuer())
    world.wait_ready("www")
    assert world.staged() == []
    assert world.issued() == issued + 1
    assert world.bind9.query(f"_acme-challenge.{name}") == []


@pytest.mark.usefixtures("operator")
def test_an_issuer_made_anew_leaves_certificates_at_rest_alone(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    before = world.wait_ready("www")
    issued = world.issued()
    world.kubectl("delete", "issuers.certwright.io/pebble")
    world.apply(world.issuer())
    world.wait_issuer()
    assert world.get("Certificate", "www")["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    world.renew("www")
    assert world.issued() == issued + 1


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
