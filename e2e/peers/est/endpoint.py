"""What both EST servers have in common: where they listen, whose certificates they use, and what their log says."""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from e2e.authority import Authority
from e2e.peers.hierarchy import Hierarchy
from e2e.peers.peer import Peer
from e2e.processes import free_ports

_REQUEST = re.compile(
    r'"Method": "(\w+)", "URI": "https://[^/"]+(/\.well-known/est/[^"]*)"'
    r'.*"Remote Address": "([^"]+)", "Status": "(\d+)"',
)


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of what the server reads."""

    https_certificate: Path
    https_key: Path
    ca_certificates: Path
    ca_key: Path
    client_cas: Path


class ESTEndpoint(Peer):
    """TLS on loopback, with a certificate from the very authority that issues, unless ``https_authority`` is given.

    Clients may show certificates of the authority itself, which ``hierarchy.issue`` makes by hand, and of
    ``client_cas`` (PEM). Roots are all that the server knows: a client sends the issuing certificate with its own.
    """

    def __init__(self, *, client_cas: Sequence[str], https_authority: Authority | None) -> None:
        (self._port,) = free_ports(1)
        self._https_authority = https_authority
        self._client_cas = tuple(client_cas)
        self.hierarchy = Hierarchy.create("EST test CA")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The server; its operations are below ``/.well-known/est``."""
        return f"https://{self.address}"

    @property
    def trust_anchor(self) -> str:
        return self._https_authority.pem if self._https_authority else self.ca_certificate

    @property
    def ca_certificate(self) -> str:
        """The root (PEM) of what is issued."""
        return self.hierarchy.root.pem

    def requests(self) -> list[str]:
        """The EST requests since the start, as in ``POST /.well-known/est/simpleenroll 202``."""
        return [f"{method} {path} {status}" for method, path, _, status in self._logged()]

    def request_count(self) -> int:
        """How many EST requests were answered since the start, refused ones included."""
        return len(self._logged())

    def connection_count(self) -> int:
        """On how many connections they came."""
        return len({remote for _, _, remote, _ in self._logged()})

    def _logged(self) -> list[tuple[str, str, str, str]]:
        return _REQUEST.findall(self.log.read_text())

    def _write_files(self, directory: Path) -> Files:
        authority, names = self._https_authority or self.hierarchy, ["127.0.0.1", "localhost"]
        certificate, key = authority.issue("EST server", names=names).write(directory, "https")
        chain, ca_key = directory / "ca.crt", directory / "ca.key"
        chain.write_text(self.hierarchy.chain)
        ca_key.touch(mode=0o600)
        ca_key.write_text(self.hierarchy.issuing.key_pem)
        client_cas = directory / "client-cas.crt"
        client_cas.write_text("".join([self.ca_certificate, *self._client_cas]))
        return Files(certificate, key, chain, ca_key, client_cas)

    def _answers(self) -> bool:
        """Asked where it does not count as an EST request, with the credentials that the stock server wants there."""
        context = ssl.create_default_context(cadata=self.trust_anchor)
        try:
            with httpx.Client(verify=context, auth=("healthcheck", "")) as client:
                return client.get(f"{self.url}/healthcheck").is_success
        except httpx.TransportError:
            return False
