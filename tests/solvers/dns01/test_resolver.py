"""What recursive nameservers say, bounded: the names and the answers are other people's."""

import dns.rcode
import pytest

from certwright.model.errors import TransientError
from certwright.solvers.dns01.exchange import Nameserver, split_host_port
from certwright.solvers.dns01.resolver import Kept, Resolver
from tests.fakes.clock import FakeClock
from tests.fakes.dns import FakeDNS, absolute

SERVER = "192.0.2.53"


@pytest.fixture
def world() -> FakeDNS:
    world = FakeDNS()
    world.zone("test", SERVER)
    world.zone("shop.test", SERVER)
    return world


@pytest.fixture
def resolver(world: FakeDNS) -> Resolver:
    return Resolver([Nameserver(SERVER)], exchange=world)


async def test_a_chain_of_aliases_is_followed_to_its_end(world: FakeDNS, resolver: Resolver) -> None:
    world.put(SERVER, "a.shop.test", "CNAME", "b.shop.test.")
    world.put(SERVER, "b.shop.test", "CNAME", "c.test.")
    assert await resolver.follow(absolute("a.shop.test")) == absolute("c.test")
    assert await resolver.follow(absolute("plain.shop.test")) == absolute("plain.shop.test")


@pytest.mark.parametrize(
    ("length", "complaint"),
    [pytest.param(2, "lead back", id="circle"), pytest.param(20, "More than 8", id="long chain")],
)
async def test_a_chain_without_an_end_is_given_up(
    world: FakeDNS, resolver: Resolver, length: int, complaint: str
) -> None:
    for number in range(length):
        world.put(SERVER, f"a{number}.shop.test", "CNAME", f"a{(number + 1) % length}.shop.test.")
    with pytest.raises(TransientError, match=complaint):
        await resolver.follow(absolute("a0.shop.test"))


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        pytest.param("_acme-challenge.www.shop.test", "shop.test", id="below the apex"),
        pytest.param("shop.test", "shop.test", id="the apex itself"),
        pytest.param("other.test", "test", id="no cut in between"),
    ],
)
async def test_the_zone_of_a_name_is_found(resolver: Resolver, name: str, zone: str) -> None:
    assert await resolver.zone_of(absolute(name)) == absolute(zone)


async def test_an_aliass_own_zone_is_found_and_not_its_targets(world: FakeDNS, resolver: Resolver) -> None:
    world.put(SERVER, "www.shop.test", "CNAME", "elsewhere.example.")
    assert await resolver.zone_of(absolute("www.shop.test")) == absolute("shop.test")


async def test_a_name_outside_of_every_zone_is_told(world: FakeDNS, resolver: Resolver) -> None:
    world.zones[SERVER].add(absolute("."))
    with pytest.raises(TransientError, match=r"No zone in DNS holds www\.example"):
        await resolver.zone_of(absolute("www.example"))


async def test_the_next_server_is_asked_when_one_fails(world: FakeDNS) -> None:
    world.codes = {"192.0.2.8": dns.rcode.SERVFAIL}
    world.silent = {"192.0.2.9"}
    servers = [Nameserver("192.0.2.8"), Nameserver("192.0.2.9"), Nameserver(SERVER)]
    assert await Resolver(servers, exchange=world).addresses(absolute("ns1.test")) == (SERVER,)


async def test_every_server_that_failed_is_named(world: FakeDNS) -> None:
    world.codes = {"192.0.2.8": dns.rcode.SERVFAIL}
    world.silent = {"192.0.2.9"}
    with pytest.raises(TransientError, match=r"192\.0\.2\.8 says SERVFAIL; 192\.0\.2\.9 does not answer\."):
        await Resolver([Nameserver("192.0.2.8"), Nameserver("192.0.2.9")], exchange=world).zone_of(absolute("a.test"))


async def test_more_servers_and_addresses_than_make_sense_are_cut(world: FakeDNS, resolver: Resolver) -> None:
    world.put(SERVER, "shop.test", "NS", *(f"n{number}.test." for number in range(50)))
    world.put(SERVER, "n1.test", "A", *(f"198.51.100.{number}" for number in range(50)))
    assert len(await resolver.nameservers_of(absolute("shop.test"))) == 16
    assert len(await resolver.host_addresses("n1.test")) == 8


async def test_a_hosts_address_is_asked_for_each_time(world: FakeDNS, resolver: Resolver) -> None:
    world.put(SERVER, "www.shop.test", "A", "192.0.2.1")
    assert await resolver.host_addresses("www.shop.test") == ("192.0.2.1",)
    world.put(SERVER, "www.shop.test", "A", "192.0.2.2")
    assert await resolver.host_addresses("www.shop.test") == ("192.0.2.2",)


async def test_a_host_that_is_no_name_is_told(resolver: Resolver) -> None:
    with pytest.raises(TransientError, match="is not a name"):
        await resolver.host_addresses("a..b")


def test_what_is_kept_is_forgotten_after_a_minute() -> None:
    clock = FakeClock()
    kept: Kept[str, str] = Kept(clock.monotonic)
    kept.put("name", "zone")
    clock.jump(60)
    assert kept.get("name") == "zone"
    clock.jump(1)
    assert kept.get("name") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("192.0.2.1", ("192.0.2.1", 53), id="IPv4"),
        pytest.param("192.0.2.1:5353", ("192.0.2.1", 5353), id="IPv4 and port"),
        pytest.param("2001:db8::1", ("2001:db8::1", 53), id="IPv6"),
        pytest.param("[2001:db8::1]:5353", ("2001:db8::1", 5353), id="IPv6 and port"),
        pytest.param("[2001:db8::1]", ("2001:db8::1", 53), id="IPv6 in brackets"),
        pytest.param("ns1.shop.test:53", ("ns1.shop.test", 53), id="name and port"),
        pytest.param(" ns1.shop.test ", ("ns1.shop.test", 53), id="name"),
    ],
)
def test_hosts_and_ports_are_parted(text: str, expected: tuple[str, int]) -> None:
    assert split_host_port(text) == expected


@pytest.mark.parametrize("text", ["", ":53", "host:", "host:0", "host:65536", "host:x", "[::1", "[::1]x"])
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        split_host_port(text)


def test_a_nameserver_is_an_address() -> None:
    assert str(Nameserver.parse("[2001:db8:0::1]:5353")) == "[2001:db8::1]:5353"
    assert str(Nameserver.parse("192.0.2.1")) == "192.0.2.1"
    with pytest.raises(ValueError, match="ns1"):
        Nameserver.parse("ns1.shop.test")
