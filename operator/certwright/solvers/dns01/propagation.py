"""Whether a TXT value can be seen where the CA will look: at every authoritative server of the zone.

A CA's resolver asks any one of them, so one that lags behind fails the challenge, and a failed challenge costs the
whole order. Recursive servers are asked for nothing but the way, since their caches prove nothing.

Recursive nameservers given with a port lend that port to authoritative servers at the same address: where one server
on an unusual port is both, the whole check can be pointed at it. All other authoritative servers are asked at port 53.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from certwright.model.solving import NotVisible
from certwright.solvers.dns01.exchange import DNS_PORT, Exchange, Nameserver, NoAnswerError, exchange, plain
from certwright.solvers.dns01.resolver import Resolver

MAX_WAITS = 10_000


class Visibility(Protocol):
    """Says whether a TXT value can be seen by the world."""

    async def look(self, name: dns.name.Name, value: str) -> NotVisible | None:
        """None when it can."""
        ...


class FixedWait:
    """Waits instead of looking, from the first look on: for zones whose servers cannot be reached from here."""

    def __init__(self, wait: timedelta, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wait = wait
        self._monotonic = monotonic
        self._since: dict[tuple[dns.name.Name, str], float] = {}

    async def look(self, name: dns.name.Name, value: str) -> NotVisible | None:
        """None when the time is over."""
        if len(self._since) >= MAX_WAITS:
            self._since.pop(next(iter(self._since)))
        passed = self._monotonic() - self._since.setdefault((name, value), self._monotonic())
        if passed >= self._wait.total_seconds():
            return None
        return NotVisible(f"the solver's propagation.wait of {self._wait} is not over")


class Propagation:
    """Looks once, at all servers side by side."""

    def __init__(self, resolver: Resolver, *, exchange: Exchange = exchange) -> None:
        self._resolver = resolver
        self._exchange = exchange
        self._ports = {server.address: server.port for server in reversed(resolver.nameservers)}

    async def look(self, name: dns.name.Name, value: str) -> NotVisible | None:
        """None when every authoritative server of the zone of ``name`` shows ``value`` there."""
        zone = await self._resolver.zone_of(name)
        hosts = await self._resolver.nameservers_of(zone)
        verdicts = await asyncio.gather(*(self._look_at(host, name, value) for host in hosts))
        missing = [verdict.why for verdict in verdicts if verdict is not None]
        return NotVisible("; ".join(missing[:3])) if missing else None

    async def _look_at(self, host: dns.name.Name, name: dns.name.Name, value: str) -> NotVisible | None:
        addresses = await self._resolver.addresses(host)
        if not addresses:
            return NotVisible(f"the nameserver {plain(host)} has no address")
        servers = [Nameserver(address, self._ports.get(address, DNS_PORT)) for address in addresses]
        answers = await asyncio.gather(*(self._ask(server, name) for server in servers))
        return _verdict(host, name, value, answers)

    async def _ask(self, server: Nameserver, name: dns.name.Name) -> dns.message.Message | NoAnswerError:
        query = dns.message.make_query(name, dns.rdatatype.TXT, flags=0, use_edns=0, payload=1232)
        try:
            return await self._exchange(query, server)
        except NoAnswerError as error:
            return error


def _verdict(
    host: dns.name.Name, name: dns.name.Name, value: str, answers: Sequence[dns.message.Message | NoAnswerError]
) -> NotVisible | None:
    """One answer is enough, since not every cluster has IPv6; but every answer that came must show the value."""
    heard = [answer for answer in answers if isinstance(answer, dns.message.Message)]
    if not heard:
        return NotVisible(f"the nameserver {plain(host)} does not answer ({answers[0]})")
    for answer in heard:
        if value not in _texts(answer, name):
            return NotVisible(_why(host, name, answer))
    return None


def _why(host: dns.name.Name, name: dns.name.Name, answer: dns.message.Message) -> str:
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return f"the nameserver {plain(host)} says {dns.rcode.to_text(answer.rcode())} for {plain(name)}"
    if answer.get_rrset(answer.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME):
        return f"{plain(name)} is a CNAME, and no TXT record can stand beside one: set dns01.cnameStrategy to Follow"
    return f"the nameserver {plain(host)} does not show the TXT record at {plain(name)} yet"


def _texts(answer: dns.message.Message, name: dns.name.Name) -> set[str]:
    rrset = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, dns.rdatatype.TXT)
    return {b"".join(rdata.strings).decode("ascii", "replace") for rdata in rrset or ()}
