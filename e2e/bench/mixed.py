"""All four protocols at once: one operator, four authorities, and Certificates that take turns among them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from e2e.bench.authorities import CMP, EST, SCEP, ACMEOverDNS01, Aims, Authority, Sole
from e2e.peers import Peer
from e2e.tenant import Object


class Mixed(Authority):
    """Each of ``parts`` has an issuer called like its protocol; a Certificate's number (``site-1``) decides for one."""

    name = "all four protocols"
    aims = Aims(writes=4.25)

    def __init__(self) -> None:
        super().__init__()
        kinds: Mapping[str, type[Sole]] = {"acme": ACMEOverDNS01, "est": EST, "scep": SCEP, "cmp": CMP}
        self.parts = MappingProxyType({protocol: kind(protocol) for protocol, kind in kinds.items()})

    @property
    def servers(self) -> Mapping[str, Peer]:
        return {name: server for part in self.parts.values() for name, server in part.servers.items()}

    @property
    def operator_options(self) -> Mapping[str, Any]:
        return {name: value for part in self.parts.values() for name, value in part.operator_options.items()}

    def issuer(self) -> list[Object]:
        return [made for part in self.parts.values() for made in part.issuer()]

    def issuer_for(self, name: str) -> Object:
        return self.parts[self.protocol_of(name)].issuer_for(name)

    def protocol_of(self, name: str) -> str:
        """They take turns, so that none has its Certificates together."""
        number = int(name.rpartition("-")[2])
        return list(self.parts)[number % len(self.parts)]

    def issued_serials(self) -> list[str]:
        return [serial for part in self.parts.values() for serial in part.issued_serials()]

    def request_count(self) -> int:
        return sum(part.request_count() for part in self.parts.values())
