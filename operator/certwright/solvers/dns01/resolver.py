"""What the recursive nameservers say: aliases, zone cuts, nameservers and addresses.

The names come from users and the answers from whoever runs their zones, so every loop here has a bound. Answers about
zones are kept for a minute: two hundred names of one zone need not ask two hundred times who serves it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from certwright.model.errors import TransientError
from certwright.solvers.dns01.exchange import Exchange, Nameserver, NoAnswerError, exchange, plain

MAX_ALIASES = 8  # Longer chains of CNAMEs are not followed by CAs either.
MAX_NAMESERVERS = 16  # Of one zone; the root has 13.
MAX_ADDRESSES = 8  # Of one name.
KEPT_SECONDS = 60.0
KEPT_ENTRIES = 4096

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A bounded memory whose entries are forgotten after a minute, or when newer ones need the room."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._entries: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """The value, if it is still fresh."""
        entry = self._entries.get(key)
        if entry is None or entry[0] < self._monotonic():
            return None
        return entry[1]

    def put(self, key: K, value: V) -> None:
        """Keep the value for a minute."""
        self._entries.pop(key, None)
        if len(self._entries) >= KEPT_ENTRIES:
            self._entries.pop(next(iter(self._entries)))
        self._entries[key] = (self._monotonic() + KEPT_SECONDS, value)


def system_nameservers() -> tuple[Nameserver, ...]:
    """The nameservers of this machine's resolver configuration. Reads a file: call it once, at start."""
    configured = dns.resolver.Resolver()
    return tuple(Nameserver(str(address), configured.port) for address in configured.nameservers)


class Resolver:
    """Asks recursive nameservers, in the order given, until one answers.

    Every method raises `TransientError` where none does: DNS is then out of order, and nobody's spec is at fault.
    """

    def __init__(
        self,
        nameservers: Sequence[Nameserver],
        *,
        exchange: Exchange = exchange,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.nameservers = tuple(nameservers)
        self._exchange = exchange
        self._targets: Kept[dns.name.Name, dns.name.Name] = Kept(monotonic)
        self._zones: Kept[dns.name.Name, dns.name.Name] = Kept(monotonic)
        self._servers: Kept[dns.name.Name, tuple[dns.name.Name, ...]] = Kept(monotonic)
        self._addresses: Kept[dns.name.Name, tuple[str, ...]] = Kept(monotonic)

    async def follow(self, name: dns.name.Name) -> dns.name.Name:
        """Where the chain of CNAMEs that begins at ``name`` ends: ``name`` itself where there is none."""
        kept = self._targets.get(name)
        if kept is not None:
            return kept
        seen = [name]
        while len(seen) <= MAX_ALIASES:
            answer = await self._ask(seen[-1], dns.rdatatype.CNAME)
            target = _cname(answer, seen[-1])
            if target is None:
                self._targets.put(name, seen[-1])
                return seen[-1]
            if target in seen:
                raise TransientError(
                    f"The CNAME records from {plain(name)} lead back to {plain(target)}: break the circle."
                )
            seen.append(target)
        raise TransientError(
            f"More than {MAX_ALIASES} CNAME records follow one another from {plain(name)}: shorten the chain."
        )

    async def zone_of(self, name: dns.name.Name) -> dns.name.Name:
        """The apex of the zone that holds ``name``, or would hold it (it need not exist)."""
        kept = self._zones.get(name)
        if kept is not None:
            return kept
        candidate = name
        while candidate != dns.name.root:
            zone = zone_in(await self._ask(candidate, dns.rdatatype.SOA), candidate)
            if zone is not None:
                self._zones.put(name, zone)
                return zone
            candidate = candidate.parent()
        raise TransientError(
            f"No zone in DNS holds {plain(name)}: the domain is not delegated, or not visible from here."
        )

    async def nameservers_of(self, zone: dns.name.Name) -> tuple[dns.name.Name, ...]:
        """The names of the zone's authoritative servers, in DNS's order."""
        kept = self._servers.get(zone)
        if kept is not None:
            return kept
        answer = await self._ask(zone, dns.rdatatype.NS)
        names = tuple(sorted(rdata.target for rdata in _records(answer, zone, dns.rdatatype.NS)))[:MAX_NAMESERVERS]
        if not names:
            raise TransientError(f"The zone {plain(zone)} has no NS records that can be seen from here.")
        self._servers.put(zone, names)
        return names

    async def addresses(self, name: dns.name.Name) -> tuple[str, ...]:
        """The IPv4 and IPv6 addresses of ``name``; none is an answer too."""
        kept = self._addresses.get(name)
        if kept is not None:
            return kept
        found = await self._look_up(name)
        if found:
            self._addresses.put(name, found)
        return found

    async def host_addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a host given as text, for callers that know no DNS library.

        They are asked for anew each time: whoever mends the address of a name must not wait for our memory, and a CA
        that finds another address there than we looked at fails the whole order.
        """
        try:
            return await self._look_up(dns.name.from_text(host))
        except dns.exception.DNSException as error:
            raise TransientError(f"{host[:253]!r} is not a name that DNS can be asked for.") from error

    async def _look_up(self, name: dns.name.Name) -> tuple[str, ...]:
        v4, v6 = await asyncio.gather(self._ask(name, dns.rdatatype.A), self._ask(name, dns.rdatatype.AAAA))
        found = _all(v4, dns.rdatatype.A) + _all(v6, dns.rdatatype.AAAA)
        return tuple(rdata.address for rdata in found[:MAX_ADDRESSES])

    async def _ask(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        complaints = []
        for server in self.nameservers:
            query = dns.message.make_query(name, rdtype, flags=dns.flags.RD, use_edns=0, payload=1232)
            try:
                answer = await self._exchange(query, server)
            except NoAnswerError as error:
                complaints.append(str(error))
                continue
            if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return answer
            complaints.append(f"{server} says {dns.rcode.to_text(answer.rcode())}")
        asked = "; ".join(complaints) or "no nameserver is configured"
        raise TransientError(
            f"DNS does not tell the {dns.rdatatype.to_text(rdtype)} records of {plain(name)}: {asked}."
        )


def zone_in(answer: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    """The zone that an answer to a question for ``name``'s SOA tells of, if its SOA can be that of ``name``."""
    for rrset in (*answer.answer, *answer.authority):
        # The SOA of a CNAME's target is here as well, and says nothing about this name's own zone.
        if rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name) and rrset.name != dns.name.root:
            return rrset.name
    return None


def _records(answer: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> tuple[Any, ...]:
    rrset = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, rdtype)
    return tuple(rrset) if rrset else ()


def _all(answer: dns.message.Message, rdtype: dns.rdatatype.RdataType) -> tuple[Any, ...]:
    wanted = (rdtype, dns.rdataclass.IN)
    return tuple(rdata for rrset in answer.answer if (rrset.rdtype, rrset.rdclass) == wanted for rdata in rrset)


def _cname(answer: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    targets: list[dns.name.Name] = [rdata.target for rdata in _records(answer, name, dns.rdatatype.CNAME)]
    return targets[0] if targets else None
