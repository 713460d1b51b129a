"""The servers that certwright talks to in the demo: a DNS server and an ACME authority, on loopback."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from cryptography import x509

from e2e.demo.examples import Addresses
from e2e.demo.screen import Screen
from e2e.peers import Bind9, ChallengeTestServer, Pebble, PeerUnavailableError
from e2e.peers.pebble import Profile
from e2e.tools import cache, catalogue

ZONE = "example.com"
_REFUSED_NONCES = 5
# The names that Let's Encrypt gives them.
_PROFILES: Mapping[str, Profile] = {
    "classic": Profile("90 days", timedelta(days=90)),
    "shortlived": Profile("6 days", timedelta(days=6)),
}


class Proof(StrEnum):
    """How names are proved to the authority."""

    AUTO = "auto"
    DNS01 = "dns01"
    HTTP01 = "http01"


@dataclass(frozen=True, slots=True)
class Servers:
    """Both running; ``dns`` answers the operator's and the authority's questions alike."""

    dns: str
    authority: Pebble
    addresses: Addresses

    @property
    def root(self) -> x509.Certificate:
        """Where the chains end."""
        return x509.load_pem_x509_certificate(self.authority.roots()[0].encode())


def are_cached() -> bool:
    """Whether nothing has to be downloaded or built any more."""
    needed = (catalogue.KUBE_APISERVER, catalogue.ETCD, catalogue.KUBECTL, catalogue.PEBBLE)
    return all(
        any(place.look(tool) for place in tool.installed) or cache.location(tool.name, tool.version).exists()
        for tool in needed
    )


def start(stack: ExitStack, screen: Screen, proof: Proof) -> Servers:
    """Start both and say so; ``PeerUnavailableError`` if the authority cannot run here."""
    name_server = _bind9(stack, screen, proof)
    dns = name_server.url if name_server else _answering_loopback(stack, screen)
    authority = Pebble(dns, nonce_reject=_REFUSED_NONCES, authz_reuse=0, profiles=_PROFILES)
    with screen.doing("starting the certificate authority"):
        stack.enter_context(authority)
    screen.happened(
        "certificate authority: pebble, Let's Encrypt's own test server for ACME; "
        f"it refuses {_REFUSED_NONCES} % of all requests at random, to test its clients"
    )
    addresses = Addresses(
        server=authority.url,
        trust_anchor=authority.trust_anchor,
        nameserver=name_server.url if name_server else None,
        key=name_server.key if name_server else None,
    )
    return Servers(dns, authority, addresses)


def _bind9(stack: ExitStack, screen: Screen, proof: Proof) -> Bind9 | None:
    if proof is Proof.HTTP01:
        return None
    try:
        with screen.doing("starting the DNS server"):
            name_server = stack.enter_context(Bind9([ZONE]))
    except PeerUnavailableError:
        if proof is Proof.DNS01:
            raise
        return None
    screen.happened(f"DNS server: BIND, for a make-believe {ZONE}; names are proved by TXT records in it (DNS-01)")
    return name_server


def _answering_loopback(stack: ExitStack, screen: Screen) -> str:
    with screen.doing("starting the DNS server"):
        server = stack.enter_context(ChallengeTestServer())
    screen.happened(
        "DNS server: pebble-challtestsrv, which says 127.0.0.1 for every name; "
        "without BIND, names are proved by answers over HTTP (HTTP-01)"
    )
    return server.dns
