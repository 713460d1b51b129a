"""The DNS provider for every server that takes dynamic updates (RFC 2136), signed with TSIG (RFC 8945).

BIND, Knot, PowerDNS, Windows and others. One UDP message adds or removes one TXT value; the zone is asked of the same
server, so that no second setting can contradict it.
"""

import asyncio
import base64
import binascii
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update

from certwright.model.errors import IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import TSIGAlgorithm
from certwright.solvers.dns01.exchange import (
    Exchange,
    Nameserver,
    NoAnswerError,
    exchange,
    is_address,
    plain,
    split_host_port,
)
from certwright.solvers.dns01.resolver import Kept, zone_in

TTL_SECONDS = 60  # So that a value of last time, if it was left, is soon forgotten by the CA's resolver.

HostAddresses = Callable[[str], Awaitable[Sequence[str]]]


ON_THE_WIRE: Mapping[TSIGAlgorithm, dns.name.Name] = {
    TSIGAlgorithm.HMAC_MD5: dns.tsig.HMAC_MD5,
    TSIGAlgorithm.HMAC_SHA1: dns.tsig.HMAC_SHA1,
    TSIGAlgorithm.HMAC_SHA256: dns.tsig.HMAC_SHA256,
    TSIGAlgorithm.HMAC_SHA512: dns.tsig.HMAC_SHA512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TSIGKey:
    """A shared key as the user's Secret holds it; `dns.tsig.Key` would show its secret in its repr."""

    name: str
    secret: bytes = field(repr=False)
    algorithm: TSIGAlgorithm

    @classmethod
    def parse(cls, name: str, secret: bytes, *, algorithm: TSIGAlgorithm) -> Self:
        """Read the base64 text that ``tsig-keygen`` and its like write; `IssuerError` where it is none."""
        try:
            decoded = base64.b64decode(b"".join(secret.split()), validate=True)
            dns.name.from_text(name)
        except (binascii.Error, ValueError, dns.exception.DNSException):
            decoded = b""
        if not decoded:
            raise IssuerError(
                f"The TSIG key {name} cannot be used: its Secret must hold it in base64, as tsig-keygen writes it.",
                reason=Reason.INVALID_CREDENTIALS,
            )
        return cls(name=name, secret=decoded, algorithm=algorithm)

    def for_dnspython(self) -> dns.tsig.Key:
        """The key in the form that messages are signed with: for one call, never to be kept or shown."""
        return dns.tsig.Key(dns.name.from_text(self.name), self.secret, ON_THE_WIRE[self.algorithm])


async def system_addresses(host: str) -> Sequence[str]:
    """The addresses of a host by the system's resolver: ``nameserver`` may be a name."""
    if is_address(host):
        return (host,)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class RFC2136:
    """Adds and removes TXT values at one nameserver, ``host`` or ``host:port``; ValueError if it is neither."""

    def __init__(
        self,
        nameserver: str,
        *,
        key: TSIGKey | None = None,
        use_tcp: bool = False,
        exchange: Exchange = exchange,
        addresses: HostAddresses = system_addresses,
    ) -> None:
        self._nameserver = nameserver
        self._host, self._port = split_host_port(nameserver)
        self._key = key
        self._use_tcp = use_tcp
        self._exchange = exchange
        self._addresses = addresses
        self._zones: Kept[dns.name.Name, dns.name.Name] = Kept()

    async def add(self, name: dns.name.Name, value: str) -> None:
        """Add one value; the server itself ignores one that is there already (RFC 2136 §3.4.2.2)."""
        update = dns.update.UpdateMessage(await self._zone_of(name))
        update.add(name, TTL_SECONDS, dns.rdatatype.TXT, f'"{value}"')
        await self._update(update, name)

    async def remove(self, name: dns.name.Name, value: str) -> None:
        """Delete one value; the server ignores one that is not there (RFC 2136 §3.4.2.4)."""
        update = dns.update.UpdateMessage(await self._zone_of(name))
        update.delete(name, dns.rdatatype.TXT, f'"{value}"')
        await self._update(update, name)

    async def _zone_of(self, name: dns.name.Name) -> dns.name.Name:
        kept = self._zones.get(name)
        if kept is not None:
            return kept
        candidate = name
        while candidate != dns.name.root:
            answer = await self._exchange_signed(dns.message.make_query(candidate, dns.rdatatype.SOA, flags=0))
            zone = zone_in(answer, candidate)
            if zone is not None:
                self._zones.put(name, zone)
                return zone
            # Only an alias hides the zone that it stands in; nothing else is gained by asking further up.
            if not answer.answer:
                break
            candidate = candidate.parent()
        raise IssuerError(
            f"The nameserver {self._nameserver} serves no zone that holds {plain(name)}: "
            "point this solver's rfc2136.nameserver at one that does, or narrow the solver's selector.",
            reason=Reason.INVALID_CONFIGURATION,
            code=dns.rcode.to_text(answer.rcode()),
        )

    async def _update(self, update: dns.update.UpdateMessage, name: dns.name.Name) -> None:
        self._judge(await self._exchange_signed(update), name)

    async def _exchange_signed(self, message: dns.message.Message) -> dns.message.Message:
        if self._key:
            message.use_tsig(self._key.for_dnspython())
        try:
            return await self._exchange(message, await self._server(), use_tcp=self._use_tcp)
        except NoAnswerError as error:
            raise TransientError(f"The DNS server for this solver's TXT records cannot be used: {error}.") from error
        except dns.tsig.PeerError as error:
            raise self._bad_key(error) from error

    async def _server(self) -> Nameserver:
        found = await self._addresses(self._host)
        if not found:
            raise TransientError(f"The nameserver {self._nameserver} cannot be found: its name has no address.")
        return Nameserver(found[0], self._port)

    def _judge(self, answer: dns.message.Message, name: dns.name.Name) -> None:
        code = dns.rcode.to_text(answer.rcode())
        refused = f"The nameserver {self._nameserver} answers {code} for the TXT record {plain(name)}"
        match answer.rcode():
            case dns.rcode.NOERROR:
                return
            case dns.rcode.REFUSED | dns.rcode.NOTAUTH | dns.rcode.NOTZONE | dns.rcode.NOTIMP:
                raise IssuerError(
                    f"{refused}: allow updates of it to {self._who()} there (BIND: update-policy or allow-update).",
                    reason=Reason.INVALID_CREDENTIALS,
                    code=code,
                )
            case _:
                raise TransientError(f"{refused}.", code=code)

    def _who(self) -> str:
        return f"the TSIG key {self._key.name}" if self._key else "requests without a TSIG key"

    def _bad_key(self, error: dns.tsig.PeerError) -> IssuerError | TransientError:
        if isinstance(error, dns.tsig.PeerBadTime):
            return TransientError(
                f"The nameserver {self._nameserver} refuses the time of the signature: set its clock or this node's.",
                code="BADTIME",
            )
        return IssuerError(
            f"The nameserver {self._nameserver} does not accept {self._who()}: "
            "name, algorithm and secret must be those configured there.",
            reason=Reason.INVALID_CREDENTIALS,
            code="BADKEY" if isinstance(error, dns.tsig.PeerBadKey) else "BADSIG",
        )
