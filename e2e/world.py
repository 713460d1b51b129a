"""A namespace with the ACME peers beside it, on which most end-to-end tests stand."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from e2e import issuers
from e2e.peers import Bind9, Pebble
from e2e.tenant import Object, Tenant


@dataclass(frozen=True, kw_only=True)
class World(Tenant):
    """One namespace of the control plane, with the peers."""

    usual_issuer: ClassVar[str] = "pebble"

    bind9: Bind9
    pebble: Pebble

    def issuer(self, name: str = usual_issuer, *, pebble: Pebble | None = None, **acme: Any) -> Object:
        """An Issuer for pebble with DNS-01 over bind9; ``acme`` adds and replaces fields."""
        (issuer,) = issuers.acme_issuer(name, pebble or self.pebble, **{"solvers": [self.dns01()], **acme})
        return issuer

    def dns01(self) -> Object:
        """A solver that updates bind9."""
        return issuers.dns01(self.bind9)

    def tsig_secret(self) -> Object:
        """The key for it."""
        return issuers.tsig_secret(self.bind9)

    def published(self) -> list[Object]:
        """The HTTP-01 answers of the operator for names that have the namespace's name in them."""
        listed = self.control_plane.kubectl("get", "configmaps", "--namespace=certwright", "--output=json")
        boards = [each for each in json.loads(listed)["items"] if each["metadata"]["name"] == "certwright-http01"]
        entries = [json.loads(value) for board in boards for value in board.get("data", {}).values()]
        return [entry for entry in entries if self.namespace in entry["host"]]

    def issued(self) -> int:
        """How many certificates the CA has issued since it was started."""
        return len(self.pebble.issued_serials())
