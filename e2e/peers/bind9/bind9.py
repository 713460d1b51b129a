"""named from the system's package, unprivileged, in a temporary directory, on a free port."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.update

from e2e.peers.bind9 import configuration
from e2e.peers.bind9.tsig import TSIGKey
from e2e.peers.peer import Peer
from e2e.processes import free_ports
from e2e.tools import Tool, catalogue

_ADDRESS = "127.0.0.1"
_ANSWER_SECONDS = 2.0
_PROBE_SECONDS = 0.1
_RECORD_TTL = 1

Change = Callable[[dns.update.UpdateMessage, dns.name.Name], None]


class RefusedError(RuntimeError):
    """The server answered an update with another code than NOERROR; the message is that code."""


class Bind9(Peer):
    """Authoritative for ``zones``, in which every name has the address 127.0.0.1 until it is given records.

    So one server answers pebble's DNS-01 and HTTP-01 validations alike. A name loses that address while another record
    stands below it (RFC 4592 section 2.2.2): no HTTP-01 for a name that has a ``_acme-challenge`` just then. Names
    outside the zones do not exist. Only updates signed with ``key`` are taken, and only with it can a zone be
    transferred.
    """

    tool: ClassVar[Tool] = catalogue.NAMED

    def __init__(self, zones: Sequence[str] = ("example.test", "delegated.test")) -> None:
        self.zones = tuple(zones)
        self.key = TSIGKey.generate("certwright-e2e")
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """``host:port`` for queries and updates, over UDP and TCP."""
        return f"{_ADDRESS}:{self.port}"

    @property
    def trust_anchor(self) -> None:
        return None

    def query(self, name: str, rdtype: str = "TXT", *, seconds: float = _ANSWER_SECONDS) -> list[str]:
        """The values of one name in presentation form (TXT in quotes), sorted; none if it does not exist.

        A CNAME is followed as a resolver would; ask for ``CNAME`` to see it.
        """
        question = dns.message.make_query(name, rdtype)
        answer, _ = dns.query.udp_with_fallback(question, _ADDRESS, timeout=seconds, port=self.port)
        wanted = dns.rdatatype.from_text(rdtype)
        return sorted(record.to_text() for rrset in answer.answer if rrset.rdtype == wanted for record in rrset)

    def add(self, name: str, rdtype: str, value: str) -> None:
        """Add a record by a signed update, for instance the CNAME of a delegation."""
        self._update(name, lambda update, owner: update.add(owner, _RECORD_TTL, rdtype, value))

    def remove(self, name: str, rdtype: str) -> None:
        """Remove all records of one name and type."""
        self._update(name, lambda update, owner: update.delete(owner, rdtype))

    def _update(self, name: str, change: Change) -> None:
        owner = dns.name.from_text(name)
        update = dns.update.UpdateMessage(self._zone_of(owner), keyring=self.key.keyring)
        change(update, owner)
        answer = dns.query.tcp(update, _ADDRESS, timeout=_ANSWER_SECONDS, port=self.port)
        if answer.rcode() != dns.rcode.NOERROR:
            raise RefusedError(dns.rcode.to_text(answer.rcode()))

    def _zone_of(self, owner: dns.name.Name) -> dns.name.Name:
        zones = [dns.name.from_text(zone) for zone in self.zones]
        return max((zone for zone in zones if owner.is_subdomain(zone)), key=len)

    def _command(self, program: Path, directory: Path) -> list[str]:
        # A copy, because Ubuntu's AppArmor profile keeps the program at its own path out of temporary directories.
        own_program = Path(shutil.copy2(program, directory / self.tool.name))
        file = configuration.write(directory, zones=self.zones, key=self.key, port=self.port)
        return [str(own_program), "-g", "-4", "-n", "1", "-c", str(file)]

    def _answers(self) -> bool:
        try:
            return all(self.query(zone, "SOA", seconds=_PROBE_SECONDS) for zone in self.zones)
        except (dns.exception.DNSException, OSError):
            return False
