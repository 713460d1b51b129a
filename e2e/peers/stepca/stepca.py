"""step-ca with two SCEP provisioners over one RSA authority."""

import base64
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any, ClassVar

import httpx

from e2e.peers.hierarchy import RECEIVES, SIGNS_CERTIFICATES, Hierarchy, fingerprint
from e2e.peers.peer import Peer
from e2e.processes import free_ports
from e2e.tools import Tool, catalogue

_SHORTEST_VALIDITY = timedelta(seconds=1)


class Provisioner(StrEnum):
    """``SAME``: the issuing CA receives requests and signs answers. ``SEPARATE``: a certificate of its own does."""

    SAME = "scep"
    SEPARATE = "scepra"


class ContentEncryption(IntEnum):
    """How answers are encrypted, in step-ca's numbers; without a number it is single DES."""

    DES_CBC = 0
    AES_128_CBC = 1
    AES_256_CBC = 2


class StepCA(Peer):
    """One step-ca: SCEP over http and https, both on loopback; it keeps no database.

    It wants the ``challenge`` for renewals too, and answers nothing but PKCSReq and RenewalReq. ``capabilities``
    replaces what GetCACaps says, for instance to leave ``Renewal`` out. ``force_cn``: a request without a common name
    gets one of its names. ``include_root``: GetCACert answers the root too. ``template``: step-ca's
    way to say what its certificates hold; empty for its own, which has the names and usages for servers and clients.
    """

    tool: ClassVar[Tool] = catalogue.STEP_CA

    def __init__(
        self,
        *,
        challenge: str = "",
        force_cn: bool = False,
        minimum_key_bits: int = 2048,
        include_root: bool = True,
        capabilities: Sequence[str] = (),
        encryption: ContentEncryption = ContentEncryption.AES_256_CBC,
        validity: timedelta = timedelta(hours=24),
        template: str = "",
    ) -> None:
        self._port, self._https_port = free_ports(2)
        usages = (*SIGNS_CERTIFICATES, *RECEIVES)
        self._hierarchy = Hierarchy.create("step-ca test CA", rsa_keys=True, issuing_usages=usages)
        self._decrypter = self._hierarchy.issue("SCEP recipient", usages=RECEIVES)
        self._settings = {
            "type": "SCEP",
            "challenge": challenge,
            "forceCN": force_cn,
            "minimumPublicKeyLength": minimum_key_bits,
            "includeRoot": include_root,
            "capabilities": list(capabilities),
            "encryptionAlgorithmIdentifier": encryption.value,
            "options": {"x509": {"template": template}},
        }
        self._claims = {
            "minTLSCertDuration": _go_duration(_SHORTEST_VALIDITY),
            "defaultTLSCertDuration": _go_duration(validity),
            "maxTLSCertDuration": _go_duration(validity),
        }

    @property
    def url(self) -> str:
        return self.scep_url()

    def scep_url(self, provisioner: Provisioner = Provisioner.SAME) -> str:
        return f"http://127.0.0.1:{self._port}/scep/{provisioner}"

    def scep_https_url(self, provisioner: Provisioner = Provisioner.SAME) -> str:
        return f"https://127.0.0.1:{self._https_port}/scep/{provisioner}"

    @property
    def trust_anchor(self) -> str:
        """For ``scep_https_url``; step-ca issues that certificate to itself."""
        return self.ca_certificate

    @property
    def ca_certificate(self) -> str:
        """The root (PEM)."""
        return self._hierarchy.root.pem

    @property
    def intermediate(self) -> str:
        """The CA (PEM) that issues; both provisioners answer GetCACert with it."""
        return self._hierarchy.issuing.pem

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.intermediate)

    def recipient(self, provisioner: Provisioner = Provisioner.SAME) -> str:
        """The certificate (PEM) that requests are encrypted to and answers are signed with."""
        match provisioner:
            case Provisioner.SAME:
                return self.intermediate
            case Provisioner.SEPARATE:
                return self._decrypter.certificate.removesuffix(self.intermediate)

    def issued_serials(self) -> list[str]:
        """The serial numbers (hexadecimal) of all certificates issued since the start, the oldest first.

        A certificate is in here when its answer has been sent.
        """
        return [f"{int(entry['serial']):x}" for entry in self._requests() if "serial" in entry]

    def request_count(self) -> int:
        """How many SCEP requests were answered since the start."""
        return sum(1 for _ in self._requests())

    def _requests(self) -> Iterator[Mapping[str, Any]]:
        """The log's entries, which are JSON among lines that are not; the last one may be half written."""
        for line in self.log.read_text().splitlines():
            if line.startswith("{") and line.endswith("}"):
                entry = json.loads(line)
                if str(entry.get("path", "")).startswith("/scep/"):
                    yield entry

    def _command(self, program: Path, directory: Path) -> list[str]:
        certificate, key, root = directory / "issuing.crt", directory / "issuing.key", directory / "root.crt"
        certificate.write_text(self.intermediate)
        root.write_text(self.ca_certificate)
        configuration = {
            "root": str(root),
            "crt": str(certificate),
            "key": str(key),
            "address": f"127.0.0.1:{self._https_port}",
            "insecureAddress": f"127.0.0.1:{self._port}",
            "dnsNames": ["127.0.0.1", "localhost"],
            "logger": {"format": "json"},
            "authority": {"provisioners": self._provisioners(), "claims": self._claims},
        }
        file = directory / "ca.json"
        for secret, content in ((key, self._hierarchy.issuing.key_pem), (file, json.dumps(configuration))):
            secret.touch(mode=0o600)
            secret.write_text(content)
        return [str(program), str(file)]

    def _provisioners(self) -> list[Mapping[str, Any]]:
        separate = {
            "decrypterCertificate": _base64(self.recipient(Provisioner.SEPARATE)),
            "decrypterKeyPEM": _base64(self._decrypter.private_key),
        }
        return [
            {"name": Provisioner.SAME, **self._settings},
            {"name": Provisioner.SEPARATE, **self._settings, **separate},
        ]

    def _environment(self) -> Mapping[str, str]:
        """Its own directory, where it looks for more configuration, is ours and not the user's."""
        return {"STEPPATH": str(self._processes.directory)}

    def _answers(self) -> bool:
        """Both listeners; asked where it does not count as SCEP."""
        context = ssl.create_default_context(cadata=self.trust_anchor)
        try:
            httpx.get(f"http://127.0.0.1:{self._port}/")
            return httpx.get(f"https://127.0.0.1:{self._https_port}/health", verify=context).is_success
        except httpx.TransportError:
            return False


def _go_duration(duration: timedelta) -> str:
    return f"{int(duration.total_seconds())}s"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
