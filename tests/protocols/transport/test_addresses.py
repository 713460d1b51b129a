"""Where a connection may go: decided after the lookup, at the moment of connecting."""

import socket
from ipaddress import ip_address, ip_network

import httpcore
import pytest

from certwright.protocols.transport import LOCAL_NETWORKS, AddressPolicy, AddressRefused, NameNotResolved
from certwright.protocols.transport.addresses import GuardedBackend
from tests.fakes.network import FakeNetwork

TENANT = AddressPolicy(denied=(*LOCAL_NETWORKS, ip_network("10.96.0.1/32")), excepted=(ip_network("127.0.0.53/32"),))


def guarded(network: FakeNetwork, *addresses: str, policy: AddressPolicy = TENANT) -> GuardedBackend:
    async def lookup(_host: str) -> list[str]:
        return list(addresses)

    return GuardedBackend(policy, inner=network, lookup=lookup)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.9.9.9", id="all-of-loopback"),
        pytest.param("::1", id="loopback-6"),
        pytest.param("169.254.169.254", id="metadata-service"),
        pytest.param("fe80::1", id="link-local-6"),
        pytest.param("fe80::1%eth0", id="link-local-6-with-its-zone"),
        pytest.param("0.0.0.0", id="unspecified"),  # noqa: S104 - an address to be refused
        pytest.param("::", id="unspecified-6"),
        pytest.param("::ffff:127.0.0.1", id="loopback-in-6"),
        pytest.param("2002:7f00:1::", id="loopback-in-6to4"),
        pytest.param("64:ff9b::a9fe:a9fe", id="metadata-service-behind-nat64"),
        pytest.param("10.96.0.1", id="the-api-server"),
    ],
)
async def test_a_tenant_does_not_get_there(address: str) -> None:
    network = FakeNetwork()
    with pytest.raises(AddressRefused, match=r"ca\.example\.test: its address") as caught:
        await guarded(network, address).connect_tcp("ca.example.test", 443)
    assert ("ca.example.test", ip_address(address)) == (caught.value.host, ip_address(caught.value.address))
    assert network.tried == []


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "10.0.0.1", "::ffff:192.0.2.1", "64:ff9b::c000:201"])
async def test_a_tenant_gets_elsewhere(address: str) -> None:
    network = FakeNetwork()
    await guarded(network, address).connect_tcp("ca.example.test", 443)
    assert [str(ip_address(address))] == network.tried


async def test_an_exception_wins() -> None:
    network = FakeNetwork()
    await guarded(network, "127.0.0.53").connect_tcp("ca.example.test", 443)
    assert network.tried == ["127.0.0.53"]


async def test_without_a_policy_all_is_allowed() -> None:
    network = FakeNetwork()
    await guarded(network, "127.0.0.1", policy=AddressPolicy()).connect_tcp("ca.example.test", 443)
    assert network.tried == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "::1"])
async def test_an_address_for_a_name_is_checked_too(host: str) -> None:
    with pytest.raises(AddressRefused):
        await guarded(FakeNetwork(), "192.0.2.1").connect_tcp(host, 443)


async def test_only_the_allowed_ones_of_several_are_tried() -> None:
    network = FakeNetwork(down={"192.0.2.1"})
    await guarded(network, "127.0.0.1", "192.0.2.1", "192.0.2.2", "192.0.2.1").connect_tcp("ca.example.test", 443)
    assert network.tried == ["192.0.2.1", "192.0.2.2"]


async def test_a_dead_address_does_not_use_up_the_time_of_the_next() -> None:
    network = FakeNetwork(down={"2001:db8::1"})
    await guarded(network, "2001:db8::1", "192.0.2.1").connect_tcp("ca.example.test", 443, timeout=10)
    first, second = network.timeouts
    assert first is not None
    assert second is not None
    assert (4.9 < first <= 5.0, 9.0 < second <= 10.0) == (True, True)


async def test_the_last_failure_is_the_one_that_counts() -> None:
    with pytest.raises(httpcore.ConnectError):
        await guarded(FakeNetwork(down={"192.0.2.1"}), "192.0.2.1").connect_tcp("ca.example.test", 443)


async def test_a_name_without_an_address() -> None:
    with pytest.raises(NameNotResolved, match="has no address"):
        await guarded(FakeNetwork()).connect_tcp("ca.example.test", 443)


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        pytest.param(socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "not known", id="no-such-name"),
        pytest.param(UnicodeError("label too long"), "not a host name", id="not-a-name"),
        pytest.param(TimeoutError(), "in time", id="no-answer"),
    ],
)
async def test_a_name_that_cannot_be_looked_up(failure: Exception, text: str) -> None:
    async def lookup(_host: str) -> list[str]:
        raise failure

    backend = GuardedBackend(TENANT, inner=FakeNetwork(), lookup=lookup)
    with pytest.raises(NameNotResolved, match=text):
        await backend.connect_tcp("ca.example.test", 443)


async def test_there_is_no_way_round_over_a_file() -> None:
    with pytest.raises(AddressRefused):
        await guarded(FakeNetwork()).connect_unix_socket("/run/secret.sock")
