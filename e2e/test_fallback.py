"""``issuerRefs`` with real CAs: another protocol takes over while a server is down, and the first one comes back."""

import json
import os
import signal
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from e2e.issuers import est_issuer
from e2e.launching import Launcher
from e2e.peers import Bind9, Pebble
from e2e.peers.est import Failure, ScriptedESTServer
from e2e.tenant import Object
from e2e.world import World

USER = "device"
PASSWORD = "fallback-pass-0001"


def est(name: str, server: ScriptedESTServer) -> list[Object]:
    return est_issuer(name, server, username=USER, password=PASSWORD)


def named(world: World, **spec: Any) -> Object:
    """A Certificate that names both."""
    made = world.certificate("www", **spec)
    del made["spec"]["issuerRef"]
    made["spec"]["issuerRefs"] = [{"name": "first"}, {"name": "second"}]
    return made


def wait_for_both(world: World) -> None:
    for name in ("first", "second"):
        world.wait_condition("Issuer", name, reason="Ready")


def issuer(world: World) -> str:
    """Who issued, by the status and by the Secret."""
    name: str = world.wait_ready("www", seconds=60)["status"]["issuerRef"]["name"]
    annotations = world.get("Secret", "www-tls")["metadata"]["annotations"]
    assert annotations["certwright.io/issuer-name"] == name
    return name


def column(world: World, *, wide: bool = False) -> str:
    output = "--output=wide" if wide else "--output="
    return world.kubectl("get", "certificates.certwright.io", "www", "--no-headers", output)


def test_est_takes_over_from_a_dead_acme_server(world: World, launch: Launcher, bind9: Bind9) -> None:
    launch()
    with (
        Pebble(bind9.url, authz_reuse=0) as dead,
        ScriptedESTServer(username=USER, password=PASSWORD) as server,
    ):
        world.apply(world.issuer("first", pebble=dead), *est("second", server))
        wait_for_both(world)
        dead.stop()
        world.apply(named(world))
        assert issuer(world) == "second"
        status = world.get("Certificate", "www")["status"]
        assert status["protocol"] == "est"
        assert {"fallback", "lastError"}.isdisjoint(status)
        (told,) = [text for _, reason, text in world.events("www") if reason == "NextIssuer"]
        assert f"Issuer {world.namespace}/first has failed 3 times in a row" in told
        assert f"Issuer {world.namespace}/second is asked instead" in told
        assert len(server.issued_serials()) == 1
        assert world.staged() == []
        assert "first" in column(world)
        assert "second" in column(world, wide=True)
        world.wait_condition("Issuer", "first", reason="Unreachable")


def test_the_first_is_asked_again_at_the_next_renewal(world: World, launch: Launcher) -> None:
    launch()
    with ScriptedESTServer(username=USER, password=PASSWORD) as server:
        world.apply(*est("first", server), world.issuer("second"))
        wait_for_both(world)
        server.change(failures={f"www-{world.namespace}.example.test": Failure(503, "maintenance", retry_after=1)})
        usages = ["digital signature", "server auth", "client auth"]
        world.apply(named(world, usages=usages, acceptChanges=["Usages"]))
        assert issuer(world) == "second"
        server.change(failures={})
        world.renew("www")
        assert issuer(world) == "first"
        assert len(server.issued_serials()) == 1
        world.renew("www")
        assert [request.split()[1] for request in server.requests() if request.endswith("enroll 200")] == [
            "/.well-known/est/simpleenroll",
            "/.well-known/est/simplereenroll",
        ]


def test_an_issuer_that_has_been_down_for_long_is_passed_over(world: World, launch: Launcher, bind9: Bind9) -> None:
    launch()
    with Pebble(bind9.url, authz_reuse=0) as dead:
        world.apply(world.issuer("first", pebble=dead), world.issuer("second"))
        wait_for_both(world)
    world.kubectl("annotate", "issuers.certwright.io/first", "certwright.io/new-account=now")
    ready = world.wait_condition("Issuer", "first", reason="Unreachable")
    since_long = {"status": {"conditions": [{**ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}
    patch = json.dumps(since_long)
    world.kubectl("patch", "issuers.certwright.io/first", "--subresource=status", "--type=merge", f"--patch={patch}")
    world.apply(named(world))
    assert issuer(world) == "second"
    (told,) = [text for _, reason, text in world.events("www") if reason == "NextIssuer"]
    assert f"Issuer {world.namespace}/first is not ready" in told


def test_killed_under_the_fallbacks_turn_it_goes_on_with_what_is_staged(world: World, launch: Launcher) -> None:
    operator = launch()
    with (
        ScriptedESTServer(username=USER, password=PASSWORD) as first,
        ScriptedESTServer(username=USER, password=PASSWORD, deferrals=1, retry_after=8) as second,
    ):
        world.apply(*est("first", first), *est("second", second))
        wait_for_both(world)
        first.change(failures={f"www-{world.namespace}.example.test": Failure(503, "maintenance", retry_after=1)})
        world.apply(named(world))
        world.wait("the second to be asked", lambda: second.deferred() != [])
        os.kill(operator.pid, signal.SIGKILL)
        first.change(failures={})
        key = staged_key(world)
        assert world.get("Certificate", "www")["status"]["fallback"]["name"] == "second"
        launch()
        assert issuer(world) == "second"
        assert (len(first.issued_serials()), len(second.issued_serials())) == (0, 1)
        assert world.leaf("www-tls").public_key().public_bytes(*SPKI) == key
        world.renew("www")
        assert issuer(world) == "first"


SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def staged_key(world: World) -> bytes:
    (staged,) = world.staged()
    return load_pem_private_key(world.data(staged)["tls.key"], None).public_key().public_bytes(*SPKI)
