"""Authoritative and recursive DNS in memory, behind the `Exchange` of ``solvers.dns01``: real messages, no sockets.

Every message goes through its wire form both ways, signatures included, so that what passes here is valid DNS.
"""

from collections import defaultdict

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from certwright.solvers.dns01.exchange import Nameserver, NoAnswerError

SOA = "ns1.invalid. admin.invalid. 1 60 60 600 5"


def absolute(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


class FakeDNS:
    """Servers by address, each with records of its own by (name, type).

    ``keys`` are the TSIG keys that updates need (none: anybody may). ``silent`` addresses do not answer, ``codes``
    gives an address an rcode for everything, ``unsigned`` ones forget to sign. ``asked`` lists (address, question).
    """

    def __init__(self) -> None:
        self.records: defaultdict[str, dict[tuple[dns.name.Name, str], list[str]]] = defaultdict(dict)
        self.zones: defaultdict[str, set[dns.name.Name]] = defaultdict(set)
        self.keys: dict[dns.name.Name, dns.tsig.Key] = {}
        self.silent: set[str] = set()
        self.unsigned: set[str] = set()
        self.codes: dict[str, dns.rcode.Rcode] = {}
        self.asked: list[tuple[str, str]] = []

    def zone(self, apex: str, *addresses: str) -> None:
        """Serve a zone at these addresses; the first server's is the name ``ns1`` in it, and so on."""
        for address in addresses:
            self.zones[address].add(absolute(apex))
            self.put(address, apex, "SOA", SOA)
            self.put(address, apex, "NS", *(f"ns{number}.{apex}." for number in range(1, len(addresses) + 1)))
            for number, other in enumerate(addresses, start=1):
                self.put(address, f"ns{number}.{apex}", "A", other)

    def put(self, address: str, name: str, kind: str, *values: str) -> None:
        """Set the records of a name and type at one server."""
        self.records[address][absolute(name), kind] = list(values)

    def texts(self, address: str, name: str) -> list[str]:
        """The TXT values at a name."""
        return [value.strip('"') for value in self.records[address].get((absolute(name), "TXT"), [])]

    async def __call__(
        self, query: dns.message.Message, server: Nameserver, *, use_tcp: bool = False
    ) -> dns.message.Message:
        del use_tcp
        if server.address in self.silent:
            raise NoAnswerError(f"{server} does not answer")
        received = dns.message.from_wire(query.to_wire(), keyring=self.keys or True)
        self.asked.append((str(server), received.question[0].to_text()))
        answer = self._answer(received, server.address)
        if server.address in self.unsigned:
            answer.tsig, answer.keyring = None, None
        try:
            return dns.message.from_wire(answer.to_wire(), keyring=query.keyring, request_mac=query.mac)
        except dns.exception.FormError as error:
            raise NoAnswerError(f"{server} cannot be asked ({error})") from error

    def _answer(self, query: dns.message.Message, address: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        if address in self.codes:
            answer.set_rcode(self.codes[address])
        elif isinstance(query, dns.update.UpdateMessage):
            answer.set_rcode(self._update(query, address))
        else:
            self._look_up(query, answer, address)
        return answer

    def _look_up(self, query: dns.message.Message, answer: dns.message.Message, address: str) -> None:
        question, here = query.question[0], self.records[address]
        name = question.name
        zone = max((apex for apex in self.zones[address] if name.is_subdomain(apex)), key=len, default=None)
        if zone is None:
            answer.set_rcode(dns.rcode.REFUSED)
            return
        for kind in ("CNAME", dns.rdatatype.to_text(question.rdtype)):
            values = here.get((name, kind))
            if values:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *values))
                return
        if not any(known == name for known, _ in here):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        answer.authority.append(dns.rrset.from_text(zone, 60, "IN", "SOA", SOA))

    def _update(self, update: dns.update.UpdateMessage, address: str) -> dns.rcode.Rcode:
        if update.zone[0].name not in self.zones[address]:
            return dns.rcode.NOTAUTH
        if self.keys and not update.had_tsig:
            return dns.rcode.REFUSED
        for change in update.update:
            values = self.records[address].setdefault((change.name, "TXT"), [])
            for rdata in change:
                text = rdata.to_text()
                if change.deleting is None and text not in values:
                    values.append(text)
                elif change.deleting is not None and text in values:
                    values.remove(text)
        return dns.rcode.NOERROR
