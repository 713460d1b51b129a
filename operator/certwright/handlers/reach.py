"""Where connections may go: decided by who wrote the issuer, the same for its CA, its name servers and its proofs.

``workshop`` takes an issuer's own connections from here, ``assembly`` the operator's own look at HTTP-01 proofs.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from certwright.handlers.settings import Settings
from certwright.model.metadata import Kind
from certwright.protocols.transport import LOCAL_NETWORKS, AddressPolicy


@dataclass(frozen=True, slots=True)
class Reach:
    """The address policies of this process."""

    settings: Settings
    api_server_addresses: tuple[IPv4Network | IPv6Network, ...]

    def of(self, kind: str) -> AddressPolicy:
        """For issuers of one kind: a tenant's never to this machine, its links or the API server."""
        denied = self.settings.deny_cidrs
        if kind != Kind.CLUSTER_ISSUER:
            denied = (*denied, *LOCAL_NETWORKS, *self.api_server_addresses)
        return AddressPolicy(denied=denied, excepted=self.settings.allow_cidrs)
