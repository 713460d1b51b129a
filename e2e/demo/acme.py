"""The demo over ACME: pebble, with names proved over DNS where there is a BIND, else over HTTP."""

import base64
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from enum import StrEnum

from cryptography import x509

from e2e.demo.authority import Authority, Files
from e2e.demo.examples import Manifest
from e2e.peers import Bind9, ChallengeTestServer, Pebble, PeerUnavailableError
from e2e.peers.pebble import Profile
from e2e.tools import catalogue

ZONE = "example.com"
_REFUSED_NONCES = 5
_PEBBLE = (
    "certificate authority: pebble, Let's Encrypt's own test server for ACME; "
    f"it refuses {_REFUSED_NONCES} % of all requests at random, to test its clients"
)
_OVER_DNS = f"DNS server: BIND, for a make-believe {ZONE}; names are proved by TXT records in it (DNS-01)"
_OVER_HTTP = (
    "DNS server: pebble-challtestsrv, which says 127.0.0.1 for every name; "
    "without BIND, names are proved by answers over HTTP (HTTP-01)"
)
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


class ACME(Authority):
    """pebble and a DNS server, which answers the operator's and the authority's questions alike."""

    protocol = "acme"
    described = "an ACME"
    purpose = "how to prove that a name is ours"
    issuer, late_issuer = "acme", "acme-shortlived"
    tools = (catalogue.PEBBLE,)

    def __init__(self, proof: Proof = Proof.AUTO) -> None:
        self._proof = proof
        self._bind9: Bind9 | None = None

    @property
    def files(self) -> Files:
        return Files(
            issuer="issuer-dns01.yaml" if self._bind9 else "issuer-http01.yaml",
            certificate="certificate.yaml",
            waiting="certificate-waiting.yaml",
            late_issuer="issuer-shortlived.yaml",
        )

    @property
    def root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._pebble.roots()[0].encode())

    def issued_serials(self) -> Sequence[str]:
        return self._pebble.issued_serials()

    def fetch(self) -> None:
        super().fetch()
        if self._proof is Proof.HTTP01 or not any(place.look(catalogue.NAMED) for place in catalogue.NAMED.installed):
            self._fetch(catalogue.PEBBLE_CHALLTESTSRV)

    def start(self, stack: ExitStack) -> Sequence[str]:
        self._bind9 = self._start_bind9(stack)
        dns = self._bind9.url if self._bind9 else stack.enter_context(ChallengeTestServer()).dns
        self._pebble = Pebble(dns, nonce_reject=_REFUSED_NONCES, authz_reuse=0, profiles=_PROFILES)
        stack.enter_context(self._pebble)
        self.operator_options = {
            "nameserver": dns,
            "http01_port": self._pebble.http_port,
            "self_check_port": self._pebble.http_port,
            "flags": ("--http01-namespaced-issuers=any",),
        }
        return [_OVER_DNS if self._bind9 else _OVER_HTTP, _PEBBLE]

    def _start_bind9(self, stack: ExitStack) -> Bind9 | None:
        if self._proof is Proof.HTTP01:
            return None
        try:
            return stack.enter_context(Bind9([ZONE]))
        except PeerUnavailableError:
            if self._proof is Proof.DNS01:
                raise
            return None

    def fill(self, document: Manifest) -> None:
        if document["kind"] == "Issuer":
            self._fill_issuer(document["spec"])
        elif self._bind9:
            document["stringData"] = {"tsig-secret": self._bind9.key.secret}

    def _fill_issuer(self, spec: Manifest) -> None:
        spec["acme"]["server"] = self._pebble.url
        spec["tls"]["caBundle"] = base64.b64encode(self._pebble.trust_anchor.encode()).decode()
        if self._bind9 is None:
            spec["acme"]["solvers"] = [{"http01": {"direct": {}}}]
            return
        for solver in spec["acme"]["solvers"]:
            solver["dns01"]["rfc2136"] |= {"nameserver": self._bind9.url, "tsigKeyName": self._bind9.key.name}
