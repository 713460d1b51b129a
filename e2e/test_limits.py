"""``limits`` of an Issuer against real CAs, which count what they were asked: never exceeded, and told."""

import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from e2e.gate import Gate, When
from e2e.issuers import est_issuer
from e2e.launching import Launcher
from e2e.peers import Bind9, Pebble
from e2e.peers.est import Failure, ScriptedESTServer
from e2e.tenant import Object, Tenant, condition_of
from e2e.world import World

LOGGED = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (Added order|Issued certificate)")
USER = "device"
PASSWORD = "limits-pass-0001"
NAMES = [f"c{number}" for number in range(6)]


def orders(pebble: Pebble) -> list[str]:
    """That orders were made and certificates issued, in their order."""
    return LOGGED.findall(pebble.log.read_text())


def test_concurrency_of_one_never_has_two_orders_at_once(world: World, launch: Launcher, bind9: Bind9) -> None:
    launch()
    with Pebble(bind9.url, authz_reuse=0) as pebble:
        issuer = world.issuer(pebble=pebble)
        issuer["spec"]["limits"] = {"concurrency": 1}
        world.apply(issuer, *(world.certificate(name) for name in NAMES[:5]))
        for name in NAMES[:5]:
            world.wait_ready(name, seconds=60)
        assert orders(pebble) == ["Added order", "Issued certificate"] * 5


def test_more_attempts_than_a_minute_allows_are_told_and_wait(world: World, launch: Launcher, bind9: Bind9) -> None:
    """That the minute is exactly one is proved where time can be moved, in ``tests``."""
    launch()
    with Pebble(bind9.url, authz_reuse=0) as pebble:
        issuer = world.issuer(pebble=pebble)
        issuer["spec"]["limits"] = {"perMinute": 2}
        world.apply(issuer, *(world.certificate(name) for name in NAMES[:3]))
        world.wait("two certificates", lambda: len(pebble.issued_serials()) == 2)
        (waiting,) = world.wait("who waits", lambda: told(world, "limits.perMinute is 2"))
        world.kubectl("annotate", f"certificates.certwright.io/{waiting}", "certwright.io/retry=now")
        world.wait("the request", lambda: world.get("Certificate", waiting)["status"].get("lastRetryRequest") or True)
        assert orders(pebble).count("Added order") == 2
        issuer["spec"]["limits"] = {"perMinute": 3}
        world.apply(issuer)
        world.wait_ready(waiting)
        assert orders(pebble).count("Added order") == 3


def told(world: World, text: str) -> list[str]:
    """The Certificates whose Issuing condition says so."""
    conditions = {name: condition_of(world.get("Certificate", name), "Issuing") for name in NAMES[:3]}
    return [name for name, condition in conditions.items() if condition and text in condition["message"]]


class TestADay:
    @pytest.fixture
    def server(self, tenant: Tenant) -> Iterator[ScriptedESTServer]:
        """A budget is renewed at midnight, so that none of these tests may begin just before it."""
        tenant.wait("midnight to pass", is_far_from_midnight, seconds=130)
        with ScriptedESTServer(username=USER, password=PASSWORD) as server:
            yield server

    def test_a_budget_serves_to_the_last_attempt_and_no_further_whoever_kills_the_operator(
        self, tenant: Tenant, launch: Launcher, server: ScriptedESTServer
    ) -> None:
        first = launch()
        tenant.apply(*limited(server, 3), tenant.certificate("c0"), tenant.certificate("c1"))
        tenant.wait_ready("c0")
        tenant.wait_ready("c1")
        os.kill(first.pid, signal.SIGKILL)
        tenant.apply(*(tenant.certificate(name) for name in NAMES[2:]))
        launch()
        tenant.wait("three certificates", lambda: len(server.issued_serials()) == 3, seconds=60)
        waiting = tenant.wait("those who wait", lambda: held_up(tenant, 3), seconds=60)
        assert attempts(server) == 3
        for name in waiting:
            status = tenant.get("Certificate", name)["status"]
            assert status["nextAction"]["when"].endswith("T00:00:00Z")
            assert {"failedIssuanceAttempts", "lastError"}.isdisjoint(status)
        assert usage(tenant)["reserved"] == 3
        tenant.apply(*limited(server, 4))
        tenant.wait("one more", lambda: len(server.issued_serials()) == 4)

    def test_killed_right_after_it_has_reserved_it_loses_that_attempt(
        self, tenant: Tenant, gate: Gate, launch: Launcher, server: ScriptedESTServer
    ) -> None:
        first = launch(gate)
        tenant.apply(*limited(server, 2))
        tenant.wait_condition("Issuer", "ca", reason="Ready")
        trap = gate.trap("PATCH", "/issuers/ca/status", When.AFTER, lambda: os.kill(first.pid, signal.SIGKILL))
        tenant.apply(*(tenant.certificate(name) for name in NAMES[:4]))
        assert trap.sprung.wait(60), first.tail()
        tenant.wait("the end of the operator", lambda: first.returncode is not None)
        launch()
        tenant.wait("those who wait", lambda: held_up(tenant, 3), seconds=60)
        assert attempts(server) == len(server.issued_serials()) == 1
        assert usage(tenant)["reserved"] == 2

    def test_attempts_count_and_not_successes(
        self, tenant: Tenant, launch: Launcher, server: ScriptedESTServer
    ) -> None:
        launch()
        server.change(failures={name_of(tenant, "c0"): Failure(403, "no")})
        tenant.apply(*limited(server, 1), tenant.certificate("c0"))
        tenant.wait_condition("Certificate", "c0", reason="Rejected")
        tenant.apply(tenant.certificate("c1"))
        tenant.wait_condition("Certificate", "c1", type_="Issuing", reason="RateLimited")
        assert server.issued_serials() == []


def is_far_from_midnight() -> bool:
    now = datetime.now(UTC)
    return (now + timedelta(minutes=2)).date() == now.date()


def limited(server: ScriptedESTServer, per_day: int) -> list[Object]:
    *secrets, issuer = est_issuer("ca", server, username=USER, password=PASSWORD)
    issuer["spec"]["limits"] = {"perDay": per_day}
    return [*secrets, issuer]


def name_of(tenant: Tenant, name: str) -> str:
    found: str = tenant.certificate(name)["spec"]["dnsNames"][0]
    return found


def held_up(tenant: Tenant, count: int) -> list[str]:
    """The Certificates that wait for tomorrow, if they are so many."""
    found = [name for name in NAMES if tenant.exists("Certificate", name) and is_held_up(tenant, name)]
    return found if len(found) == count else []


def is_held_up(tenant: Tenant, name: str) -> bool:
    condition = condition_of(tenant.get("Certificate", name), "Issuing")
    return condition is not None and condition["reason"] == "RateLimited"


def attempts(server: ScriptedESTServer) -> int:
    """Requests for certificates; a first 401 only asks how to authenticate."""
    return sum("simpleenroll" in request and not request.endswith("401") for request in server.requests())


def usage(tenant: Tenant) -> Object:
    found: Object = tenant.get("Issuer", "ca")["status"]["usage"]
    return found
