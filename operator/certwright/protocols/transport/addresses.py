"""Which addresses a connection may go to, decided at the moment of connecting.

A URL in an Issuer is a tenant's word, and DNS is whoever's. So the check comes after the lookup, for every connection,
and the connection then goes to the very address that was checked: no second lookup can give another one. TLS still
verifies the host name, because only the TCP part is told about the address.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import httpcore

from certwright.protocols.transport.errors import AddressRefused, NameNotResolved

Lookup = Callable[[str], Awaitable[list[str]]]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Loopback and link-local, with the unspecified addresses, which Linux connects to loopback. Whoever serves tenants
# denies these to them, and adds the API server's.
LOCAL_NETWORKS: tuple[Network, ...] = tuple(
    ip_network(text) for text in ("127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "::1/128", "fe80::/10", "::/128")
)
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Networks that may not be reached, and exceptions from them. The default allows everything."""

    denied: tuple[Network, ...] = ()
    excepted: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether a connection may go to this address, in any of the forms that mean the same host."""
        return not any(_within(form, self.denied) and not _within(form, self.excepted) for form in _forms(address))


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _forms(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 address inside it: ``::ffff:127.0.0.1`` reaches what ``127.0.0.1`` does."""
    yield address
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            yield inner


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """A network backend that looks names up itself and connects only to addresses that the policy allows."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        inner: httpcore.AsyncNetworkBackend | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        self._policy = policy
        self._inner = inner or httpcore.AnyIOBackend()
        self._lookup = lookup or system_lookup

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address that answers, each getting its share of the time that is left."""
        deadline = None if timeout is None else time.monotonic() + timeout
        addresses = self._allowed(host, await self._resolve(host, within=timeout))
        for position, address in enumerate(addresses, start=1):
            left = None if deadline is None else deadline - time.monotonic()
            share = None if left is None else max(left, 0.0) / (len(addresses) - position + 1)
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout=share, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(addresses):
                    raise
        raise NameNotResolved(f"{host}: the name has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the signature is httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        """Refused: a path has no address to check, and no CA lives behind one."""
        raise AddressRefused("unix socket", path)

    async def sleep(self, seconds: float) -> None:
        """Httpcore pauses with this between attempts of its own; certwright asks for none."""
        await self._inner.sleep(seconds)

    def _allowed(self, host: str, addresses: list[Address]) -> list[Address]:
        allowed = [address for address in addresses if self._policy.allows(address)]
        if addresses and not allowed:
            raise AddressRefused(host, str(addresses[0]))
        return allowed

    async def _resolve(self, host: str, *, within: float | None) -> list[Address]:
        """The host's addresses in the order in which the resolver prefers them, each once."""
        try:
            return [ip_address(host.strip("[]"))]
        except ValueError:
            pass  # A name, then.
        try:
            async with asyncio.timeout(within):
                found = await self._lookup(host)
        except (socket.gaierror, UnicodeError) as error:
            raise NameNotResolved(f"{host}: the name could not be resolved ({_reason(error)})") from error
        except TimeoutError as error:
            raise NameNotResolved(f"{host}: DNS did not answer in time") from error
        return list(dict.fromkeys(ip_address(text) for text in found))


async def system_lookup(host: str) -> list[str]:
    """The addresses that the system's resolver gives, in its order of preference (RFC 6724)."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _reason(error: socket.gaierror | UnicodeError) -> str:
    return error.strerror.lower() if isinstance(error, socket.gaierror) and error.strerror else "not a host name"
