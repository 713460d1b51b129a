"""pebble: an ACME authority that is strict, random where the RFC allows it, and forgets everything when it ends."""

import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx

from e2e.authority import Authority
from e2e.peers.peer import Peer
from e2e.processes import free_ports
from e2e.tools import Tool, catalogue

_ISSUED = re.compile(r"Issued certificate serial ([0-9a-f]+) for order ")
_REQUEST = re.compile(r" (?:GET|HEAD|POST) /\S* -> calling handler\(\)")


@dataclass(frozen=True, slots=True)
class Profile:
    """A certificate profile of the directory. ``promotes_name``: the first name becomes the common name, too."""

    description: str
    validity: timedelta
    promotes_name: bool = False


DEFAULT_PROFILES: Mapping[str, Profile] = {
    "default": Profile("90 days", timedelta(days=90)),
    "shortlived": Profile("6 days", timedelta(days=6)),
}


class Pebble(Peer):
    """One pebble; ``dns`` (``host:port``) is the server that it asks when it validates.

    HTTP-01 is validated on ``http_port`` and TLS-ALPN-01 on ``tls_port`` of the address that ``dns`` gives: listen
    there. ``nonce_reject`` and ``authz_reuse`` are percentages; ``eab_keys`` maps key IDs to base64url MAC keys and
    makes external account binding required. An order without a profile gets a random one.
    """

    tool: ClassVar[Tool] = catalogue.PEBBLE

    def __init__(
        self,
        dns: str,
        *,
        nonce_reject: int = 0,
        authz_reuse: int = 50,
        retry_after: int = 1,
        alternate_roots: int = 0,
        chain_length: int = 1,
        profiles: Mapping[str, Profile] = DEFAULT_PROFILES,
        eab_keys: Mapping[str, str] | None = None,
        blocked_names: Sequence[str] = (),
        strict: bool = True,
        http_port: int | None = None,
    ) -> None:
        self._dns = dns
        self._strict = strict
        self._alternate_roots = alternate_roots
        self._port, self._management_port, free_http_port, self.tls_port = free_ports(4)
        self.http_port = http_port or free_http_port
        self._authority = Authority.create("pebble HTTPS CA")
        self._settings: dict[str, Any] = {
            "listenAddress": f"127.0.0.1:{self._port}",
            "managementListenAddress": f"127.0.0.1:{self._management_port}",
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "externalAccountBindingRequired": bool(eab_keys),
            "externalAccountMACKeys": dict(eab_keys or {}),
            "domainBlocklist": list(blocked_names),
            "retryAfter": {"authz": retry_after, "order": retry_after},
            "keyAlgorithm": "ecdsa",
            "profiles": {
                name: {
                    "description": profile.description,
                    "validityPeriod": int(profile.validity.total_seconds()),
                    "promoteCommonName": profile.promotes_name,
                }
                for name, profile in profiles.items()
            },
        }
        self._variables = {
            "PEBBLE_VA_NOSLEEP": "1",  # it would sleep up to 15 s before each validation
            "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
            "PEBBLE_AUTHZREUSE": str(authz_reuse),
            "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots),
            "PEBBLE_CHAIN_LENGTH": str(chain_length),
        }

    @property
    def url(self) -> str:
        """The ACME directory."""
        return f"https://127.0.0.1:{self._port}/dir"

    @property
    def trust_anchor(self) -> str:
        return self._authority.pem

    @property
    def management_url(self) -> str:
        return f"https://127.0.0.1:{self._management_port}"

    def roots(self) -> list[str]:
        """The root certificates (PEM) that issued chains end in: the default one first, then the alternates.

        Each start of pebble makes new ones.
        """
        return [self._manage(f"/roots/{number}") for number in range(1 + self._alternate_roots)]

    def issued_serials(self) -> list[str]:
        """The serial numbers (hexadecimal) of all certificates issued since the start, the oldest first.

        A certificate is in here before its order becomes valid.
        """
        return _ISSUED.findall(self.log.read_text())

    def request_count(self) -> int:
        """How many ACME requests came in since the start, bad nonces included."""
        return len(_REQUEST.findall(self.log.read_text()))

    def certificate_status(self, serial: str) -> dict[str, Any]:
        """What pebble remembers of an issued certificate; ``Status`` is ``Valid`` or ``Revoked``."""
        status: dict[str, Any] = json.loads(self._manage(f"/cert-status-by-serial/{serial}"))
        return status

    def _manage(self, path: str) -> str:
        with self._client() as client:
            return client.get(f"{self.management_url}{path}").raise_for_status().text

    def _client(self) -> httpx.Client:
        return httpx.Client(verify=ssl.create_default_context(cadata=self.trust_anchor))

    def _command(self, program: Path, directory: Path) -> list[str]:
        pair = self._authority.issue("pebble", names=["127.0.0.1", "localhost"])
        certificate, key = pair.write(directory, "https")
        settings = self._settings | {"certificate": str(certificate), "privateKey": str(key)}
        configuration = directory / "pebble.json"
        configuration.write_text(json.dumps({"pebble": settings}))
        strict = ["-strict"] if self._strict else []
        return [str(program), "-config", str(configuration), "-dnsserver", self._dns, *strict]

    def _environment(self) -> Mapping[str, str]:
        return self._variables

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                return client.get(self.url).is_success
        except httpx.TransportError:
            return False
