"""Whether a record can be seen at every server that a CA may ask."""

from datetime import timedelta

import dns.rcode
import pytest

from certwright.model.errors import TransientError
from certwright.model.solving import NotVisible
from certwright.solvers.dns01.exchange import Guarded, Nameserver
from certwright.solvers.dns01.propagation import FixedWait, Propagation
from certwright.solvers.dns01.resolver import Resolver
from tests.fakes.clock import FakeClock
from tests.fakes.dns import FakeDNS, absolute

RECURSIVE, FIRST, SECOND = "192.0.2.53", "192.0.2.1", "192.0.2.2"
NAME = absolute("_acme-challenge.www.shop.test")


@pytest.fixture
def world() -> FakeDNS:
    """One server knows the way, two serve the zone; both show the value ``right`` among others."""
    world = FakeDNS()
    world.zone("shop.test", FIRST, SECOND)
    world.zones[RECURSIVE] = {absolute("test")}
    world.records[RECURSIVE] = {**world.records[FIRST]}
    world.zones[RECURSIVE].add(absolute("shop.test"))
    for address in (FIRST, SECOND):
        world.put(address, str(NAME), "TXT", "wrong", "right")
    return world


def propagation(world: FakeDNS) -> Propagation:
    return Propagation(Resolver([Nameserver(RECURSIVE)], exchange=world), exchange=world)


async def test_a_value_beside_others_is_seen(world: FakeDNS) -> None:
    assert await propagation(world).look(NAME, "right") is None


async def test_a_value_in_several_strings_is_seen(world: FakeDNS) -> None:
    for address in (FIRST, SECOND):
        world.put(address, str(NAME), "TXT", '"ri" "ght"')
    assert await propagation(world).look(NAME, "right") is None


async def test_one_server_that_lags_behind_is_named(world: FakeDNS) -> None:
    del world.records[SECOND][NAME, "TXT"]
    assert await propagation(world).look(NAME, "right") == NotVisible(
        "the nameserver ns2.shop.test does not show the TXT record at _acme-challenge.www.shop.test yet"
    )


async def test_the_authoritative_servers_are_asked_and_not_the_recursive_one(world: FakeDNS) -> None:
    await propagation(world).look(NAME, "right")
    asked = {address for address, question in world.asked if question.endswith("TXT")}
    assert asked == {FIRST, SECOND}


async def test_a_server_that_does_not_answer_is_not_passed_over(world: FakeDNS) -> None:
    world.silent = {SECOND}
    verdict = await propagation(world).look(NAME, "right")
    assert verdict == NotVisible("the nameserver ns2.shop.test does not answer (192.0.2.2 does not answer)")


async def test_one_address_of_a_server_is_enough(world: FakeDNS) -> None:
    world.put(RECURSIVE, "ns2.shop.test", "AAAA", "2001:db8::2")
    world.silent = {"2001:db8::2"}
    assert await propagation(world).look(NAME, "right") is None


async def test_a_server_that_refuses_is_quoted(world: FakeDNS) -> None:
    world.codes = {SECOND: dns.rcode.SERVFAIL}
    verdict = await propagation(world).look(NAME, "right")
    assert verdict == NotVisible("the nameserver ns2.shop.test says SERVFAIL for _acme-challenge.www.shop.test")


async def test_a_server_without_an_address_is_named(world: FakeDNS) -> None:
    del world.records[RECURSIVE][absolute("ns2.shop.test"), "A"]
    verdict = await propagation(world).look(NAME, "right")
    assert verdict == NotVisible("the nameserver ns2.shop.test has no address")


async def test_an_alias_that_is_not_followed_is_explained(world: FakeDNS) -> None:
    for address in (FIRST, SECOND):
        world.records[address][NAME, "CNAME"] = ["elsewhere.test."]
    verdict = await propagation(world).look(NAME, "right")
    assert verdict is not None
    assert "is a CNAME" in verdict.why
    assert "set dns01.cnameStrategy to Follow" in verdict.why


async def test_the_way_is_asked_for_once_a_minute(world: FakeDNS) -> None:
    check = propagation(world)
    await check.look(NAME, "right")
    first = len(world.asked)
    await check.look(NAME, "right")
    assert len(world.asked) - first == 2


async def test_a_recursive_server_lends_its_port_to_the_same_address(world: FakeDNS) -> None:
    world.put(RECURSIVE, "shop.test", "NS", "ns1.shop.test.")
    resolver = Resolver([Nameserver(RECURSIVE), Nameserver(FIRST, 5353)], exchange=world)
    assert await Propagation(resolver, exchange=world).look(NAME, "right") is None
    assert world.asked[-1][0] == f"{FIRST}:5353"


async def test_addresses_that_are_not_allowed_are_not_asked(world: FakeDNS) -> None:
    guarded = Guarded(world, permits=lambda address: address != SECOND)
    check = Propagation(Resolver([Nameserver(RECURSIVE)], exchange=world), exchange=guarded)
    verdict = await check.look(NAME, "right")
    assert verdict is not None
    assert "--allow-cidrs" in verdict.why
    assert SECOND not in {address for address, _ in world.asked}


async def test_dns_out_of_order_is_a_matter_of_time(world: FakeDNS) -> None:
    world.silent = {RECURSIVE}
    with pytest.raises(TransientError, match=r"192\.0\.2\.53 does not answer"):
        await propagation(world).look(NAME, "right")


async def test_a_fixed_wait_is_over_when_it_is_over() -> None:
    clock = FakeClock()
    wait = FixedWait(timedelta(seconds=90), monotonic=clock.monotonic)
    assert await wait.look(NAME, "right") == NotVisible("the solver's propagation.wait of 0:01:30 is not over")
    clock.jump(89)
    assert await wait.look(NAME, "right") is not None
    assert await wait.look(NAME, "another") is not None
    clock.jump(1)
    assert await wait.look(NAME, "right") is None
    assert await wait.look(NAME, "another") is not None
