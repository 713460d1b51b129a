"""globalsign's estserver as it is shipped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from e2e.authority import Authority
from e2e.peers.est.endpoint import ESTEndpoint
from e2e.tools import Tool, catalogue


class ESTServer(ESTEndpoint):
    """Asks for no password, never tells what it issued, issues for 90 days.

    Labels change what it does: ``csrattrs`` has RFC 7030's example attributes, ``pkcs7`` encrypts generated keys with
    a fixed password, ``triggererrors`` fails for the common names ``Trigger Error Forbidden`` (403), ``… Deferred``
    (202, 600 s) and ``… Unknown`` (500).
    """

    tool: ClassVar[Tool] = catalogue.ESTSERVER

    def __init__(self, *, client_cas: Sequence[str] = (), https_authority: Authority | None = None) -> None:
        super().__init__(client_cas=client_cas, https_authority=https_authority)

    def _command(self, program: Path, directory: Path) -> list[str]:
        files = self._write_files(directory)
        settings = {
            "mock_ca": {"certificates": str(files.ca_certificates), "private_key": str(files.ca_key)},
            "tls": {
                "listen_address": self.address,
                "certificates": str(files.https_certificate),
                "private_key": str(files.https_key),
                "client_cas": [str(files.client_cas)],
            },
            "allowed_hosts": ["127.0.0.1", "localhost"],
        }
        configuration = directory / "estserver.json"
        configuration.write_text(json.dumps(settings))
        return [str(program), "-config", str(configuration)]
