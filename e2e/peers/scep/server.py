"""scepserver: a self-signed CA that answers everybody who knows the challenge, with single DES and SHA-1.

It remembers nothing of a request, so it never lets wait: PENDING and CertPoll are no part of it.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import httpx
from cryptography.hazmat.primitives import serialization

from e2e.peers.hierarchy import SIGNS_CERTIFICATES, Hierarchy, fingerprint
from e2e.peers.peer import Peer
from e2e.processes import free_ports
from e2e.tools import Tool, catalogue

# The old one takes no key without a password.
_KEY_PASSWORD = "certwright"
_ISSUED = re.compile(r"\.(\d+)\.pem$")
_REQUEST = re.compile(r"\bcomponent=scep_service\b")

# Requests are DER, in which a name stands as it is; an empty list of patterns finds nothing.
_VERIFIER = """\
#!/bin/sh
! grep -aqF -f "$0.refused" -
"""


class SCEPServer(Peer):
    """One scepserver on loopback.

    ``challenge``: empty accepts everyone. ``allow_renewal_days``: a subject that has a certificate gets another one
    only so many days before that one ends; 0 is always. ``server_usages``: certificates are for servers too, not for
    clients alone. ``refused``: names for which the answer is FAILURE with badRequest.
    """

    tool: ClassVar[Tool] = catalogue.SCEPSERVER
    _ca_usages: ClassVar[Sequence[str]] = ("digital_signature", *SIGNS_CERTIFICATES)

    def __init__(
        self,
        *,
        challenge: str = "",
        allow_renewal_days: int = 0,
        validity_days: int = 365,
        server_usages: bool = True,
        refused: Sequence[str] = (),
    ) -> None:
        (self._port,) = free_ports(1)
        self._ca = Hierarchy.create("SCEP test CA", rsa_keys=True, root_usages=self._ca_usages).root
        self._refused = tuple(refused)
        self._flags = {
            "challenge": challenge,
            "allowrenew": str(allow_renewal_days),
            "crtvalid": str(validity_days),
            "capass": _KEY_PASSWORD,
        }
        self._server_usages = server_usages

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/scep"

    @property
    def trust_anchor(self) -> None:
        return None

    @property
    def ca_certificate(self) -> str:
        """The CA (PEM), which issues, signs the answers and receives the requests."""
        return self._ca.pem

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.ca_certificate)

    def refuse(self, *names: str) -> None:
        """Refuse requests that hold one of these names, from now on; without names none."""
        self._refused = names
        self._write_refused(self._processes.directory)

    def issued_serials(self) -> list[str]:
        """The serial numbers (hexadecimal) of all certificates issued since the start, the oldest first.

        A certificate is in here before its answer is sent.
        """
        found = (_ISSUED.search(file.name) for file in self._depot(self._processes.directory).glob("*.pem"))
        return [f"{serial:x}" for serial in sorted(int(match[1]) for match in found if match)]

    def request_count(self) -> int:
        """How many SCEP requests were answered since the start."""
        return len(_REQUEST.findall(self.log.read_text()))

    @staticmethod
    def _depot(directory: Path) -> Path:
        return directory / "depot"

    def _command(self, program: Path, directory: Path) -> list[str]:
        self._write_depot(self._depot(directory))
        verifier = self._write_verifier(directory)
        self._write_refused(directory)
        flags = self._flags | {"depot": str(self._depot(directory)), "csrverifierexec": str(verifier)}
        return [str(program), *self._listening(), *(f"-{name}={value}" for name, value in flags.items())]

    def _listening(self) -> list[str]:
        return [f"-http-addr=127.0.0.1:{self._port}", f"-sign-server-attrs={str(self._server_usages).lower()}"]

    def _write_depot(self, depot: Path) -> None:
        depot.mkdir()
        (depot / "ca.pem").write_text(self.ca_certificate)
        key = depot / "ca.key"
        key.touch(mode=0o600)
        key.write_bytes(
            self._ca.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.BestAvailableEncryption(_KEY_PASSWORD.encode()),
            ),
        )

    @staticmethod
    def _write_verifier(directory: Path) -> Path:
        verifier = directory / "verifier"
        verifier.write_text(_VERIFIER)
        verifier.chmod(0o700)
        return verifier

    def _write_refused(self, directory: Path) -> None:
        """Put in its place by one rename, because the verifier reads it at any time."""
        partial = directory / "verifier.refused.partial"
        partial.write_text("".join(f"{name}\n" for name in self._refused))
        partial.replace(directory / "verifier.refused")

    def _answers(self) -> bool:
        """Asked outside its one path, so that it does not count."""
        try:
            return bool(httpx.get(f"http://127.0.0.1:{self._port}/").status_code)
        except httpx.TransportError:
            return False


class InstalledSCEPServer(SCEPServer):
    """The scepserver on the PATH; Debian's is of 2021.

    Its certificates are for clients only, its CA may sign certificates and nothing else (and signs its answers all the
    same), and it listens on all addresses: its ``-port`` takes no other.
    """

    tool: ClassVar[Tool] = catalogue.INSTALLED_SCEPSERVER
    _ca_usages: ClassVar[Sequence[str]] = SIGNS_CERTIFICATES

    def __init__(
        self,
        *,
        challenge: str = "",
        allow_renewal_days: int = 0,
        validity_days: int = 365,
        refused: Sequence[str] = (),
    ) -> None:
        super().__init__(
            challenge=challenge,
            allow_renewal_days=allow_renewal_days,
            validity_days=validity_days,
            server_usages=False,
            refused=refused,
        )

    def _listening(self) -> list[str]:
        return [f"-port={self._port}"]
