"""What `certwright run` was told: one value per flag, checked before anything is started."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network


class NamespacedIssuers(StrEnum):
    """Which hosts a namespaced Issuer may prove over HTTP-01."""

    CLAIMED = "claimed"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The flags of `certwright run`; pairs are host and port, or name and port."""

    kubeconfig: str | None
    context: str | None
    namespaces: tuple[str, ...]
    operator_namespace: str
    workers: int
    api_qps: float
    leader_election: bool
    lease_name: str
    identity: str
    secret_watch: bool
    http01_listen: tuple[str, int] | None
    http01_service: tuple[str, int]
    http01_self_check_port: int
    http01_namespaced_issuers: NamespacedIssuers
    recursive_nameservers: tuple[str, ...]
    deny_cidrs: tuple[IPv4Network | IPv6Network, ...]
    allow_cidrs: tuple[IPv4Network | IPv6Network, ...]
    metrics_listen: tuple[str, int] | None
    grace: timedelta

    @property
    def is_clusterwide(self) -> bool:
        """Whether all namespaces are watched; ClusterIssuers are served only then."""
        return not self.namespaces
