"""pebble's own DNS and challenge server, for answers that a correct server never gives.

``bind9`` serves the usual case; this one can be told to fail.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx

from e2e.peers.peer import Peer
from e2e.processes import free_ports
from e2e.tools import Tool, catalogue


class ChallengeTestServer(Peer):
    """Answers every A query with 127.0.0.1 and what it is told for the rest; it serves no challenge over HTTP."""

    tool: ClassVar[Tool] = catalogue.PEBBLE_CHALLTESTSRV

    def __init__(self) -> None:
        self._dns_port, self._management_port = free_ports(2)

    @property
    def url(self) -> str:
        """The management interface."""
        return f"http://127.0.0.1:{self._management_port}"

    @property
    def trust_anchor(self) -> None:
        return None

    @property
    def dns(self) -> str:
        """``host:port``, as pebble takes it."""
        return f"127.0.0.1:{self._dns_port}"

    def manage(self, verb: str, **arguments: Any) -> None:
        """Call a management verb, as in ``manage("set-servfail", host="www.example.test")``."""
        self._post(verb, arguments).raise_for_status()

    def _post(self, verb: str, arguments: Mapping[str, Any]) -> httpx.Response:
        return httpx.post(f"{self.url}/{verb}", json=arguments)

    def _command(self, program: Path, directory: Path) -> list[str]:
        del directory
        # The HTTP listeners are off: their ports are where the client under test answers.
        off = [argument for flag in ("-http01", "-https01", "-tlsalpn01", "-doh") for argument in (flag, "")]
        management = f"127.0.0.1:{self._management_port}"
        return [str(program), "-dnsserver", self.dns, "-management", management, "-defaultIPv6", "", *off]

    def _answers(self) -> bool:
        try:
            return self._post("clear-servfail", {"host": "start.test"}).is_success
        except httpx.TransportError:
            return False
