"""One DNS message to one server and back: the only way to the network for everything in this package.

Tests put a function of their own in its place, and talk to a zone in memory.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.tsig

from certwright.protocols.transport import shown

DNS_PORT = 53
TRY_SECONDS = 2.0  # For one datagram; a healthy server answers in a tenth of that from anywhere.
TRIES = 2  # A lost datagram is nothing to tell a user about.


@dataclass(frozen=True, slots=True)
class Nameserver:
    """Where a DNS server listens: an IP address and a port."""

    address: str
    port: int = DNS_PORT

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:5353``; else ValueError."""
        host, port = split_host_port(text)
        return cls(ipaddress.ip_address(host).compressed, port)

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return host if self.port == DNS_PORT else f"{host}:{self.port}"


def split_host_port(text: str) -> tuple[str, int]:
    """Part a host from its port, which is 53 where none is given; ValueError for what is neither."""
    text = text.strip()
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is not host:port.")
        colon, port = rest[:1], rest[1:]
    elif not colon or ":" in host:
        host, colon, port = text, "", ""  # A bare name, or an IPv6 address without brackets.
    if not host or (colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 2**16)):
        raise ValueError(f"{text!r} is not host:port.")
    return host, int(port) if port else DNS_PORT


def is_address(host: str) -> bool:
    """Whether a host is an IP address, so that nothing need be asked to find it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def plain(name: dns.name.Name) -> str:
    """A name as people write it, without the dot at its end."""
    return name.to_text(omit_final_dot=True)


class NoAnswerError(Exception):
    """The server did not answer in time, or with what is no DNS message."""


class Exchange(Protocol):
    """Sends one message and returns the answer to it; `NoAnswerError`, or `dns.tsig.PeerError` where it is signed."""

    async def __call__(
        self, query: dns.message.Message, server: Nameserver, *, use_tcp: bool = False
    ) -> dns.message.Message:
        """Ask once (over UDP: twice)."""
        ...


@dataclass(frozen=True, slots=True)
class Guarded:
    """An `Exchange` that asks only where ``permits`` allows: the addresses come from tenants and from foreign DNS."""

    inner: Exchange
    permits: Callable[[str], bool]

    async def __call__(
        self, query: dns.message.Message, server: Nameserver, *, use_tcp: bool = False
    ) -> dns.message.Message:
        """Ask, or refuse to."""
        if not self.permits(server.address):
            raise NoAnswerError(f"{server} may not be asked from here (certwright's --allow-cidrs excepts addresses)")
        return await self.inner(query, server, use_tcp=use_tcp)


async def exchange(query: dns.message.Message, server: Nameserver, *, use_tcp: bool = False) -> dns.message.Message:
    """The `Exchange` over the real network: UDP with a second try, TCP where the answer was cut or it is asked for."""
    try:
        async with asyncio.timeout(TRY_SECONDS * (TRIES + 1)):
            if use_tcp:
                return await dns.asyncquery.tcp(query, server.address, TRY_SECONDS * TRIES, server.port)
            return await _ask_over_udp(query, server)
    except dns.tsig.PeerError:
        raise
    except (dns.exception.Timeout, TimeoutError) as error:
        raise NoAnswerError(f"{server} does not answer") from error
    except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
        raise NoAnswerError(f"{server} cannot be asked ({_cause(error)})") from error


async def _ask_over_udp(query: dns.message.Message, server: Nameserver) -> dns.message.Message:
    # Garbage from somebody who guesses is skipped, so that it cannot stand in for the answer. With a signature that
    # would also skip the server's own complaint about the key.
    ignore_errors = query.keyring is None
    for attempt in range(1, TRIES + 1):
        try:
            answer, _ = await dns.asyncquery.udp_with_fallback(
                query,
                server.address,
                TRY_SECONDS,
                server.port,
                ignore_unexpected=True,
                ignore_errors=ignore_errors,
            )
        except dns.exception.Timeout:
            if attempt == TRIES:
                raise
        else:
            return answer
    raise AssertionError("unreachable: the last try returns or raises")


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, dns.exception.FormError):
        # Such as a missing signature, without which no answer to a signed request is believed.
        return shown(str(error), 100)
    return type(error).__name__
