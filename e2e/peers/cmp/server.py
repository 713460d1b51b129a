"""One program with two CMP servers over one authority (``server/``): the reference RA component, and ours beside it."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from e2e.authority import KeyPair
from e2e.peers.cmp.certificates import CM_KGA, CMC_CA, CMC_RA, issue_for
from e2e.peers.cmp.script import Script
from e2e.peers.hierarchy import Hierarchy
from e2e.peers.peer import Peer, PeerUnavailableError
from e2e.processes import free_ports
from e2e.tools import Tool, catalogue

# The heap is for a few hundred certificates, and the second compiler would only get going when a test is over.
_JAVA_OPTIONS = (
    *("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx192m"),
    # Else a killed server would leave a file in /tmp.
    "-XX:-UsePerfData",
    # Without it an answer waits for the client's delayed acknowledgement, 40 ms.
    "-Dsun.net.httpserver.nodelay=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_MAIN = "certwright.cmp.Main"

_CERTIFICATE = re.compile(r"Z (issued|confirmed|rejected|revoked) certificate serial ([0-9a-f]+)")
_EXCHANGE = re.compile(r"Z answered (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what it was answered with.

    ``endpoint`` is ``ra`` or ``ours``; ``request`` and ``answer`` are body types; ``protection`` is ``PBM``,
    ``PBMAC1``, ``signature`` or ``none``; ``status`` and ``fail_info`` are what the answer has of both.
    """

    endpoint: str
    request: str
    protection: str
    is_nested: bool
    profile: str
    answer: str
    status: str
    fail_info: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(part for part in (self.request, self.answer, self.status, *self.fail_info) if part)


class CMPServer(Peer):
    """CMP over HTTP on loopback; the keyword options are those of ``Script``.

    For signed requests it believes certificates that it issued, those of ``hierarchy.issue``, and those below
    ``client_cas`` (PEM of roots). Subject and extensions of a request are copied, those that make a CA included.
    """

    tool: ClassVar[Tool] = catalogue.CMP_SERVER

    def __init__(self, *, rsa_keys: bool = False, client_cas: Sequence[str] = (), **options: Any) -> None:
        (self._port,) = free_ports(1)
        self._client_cas = tuple(client_cas)
        self._first_script = self._script = Script(**options)
        self.hierarchy = Hierarchy.create("CMP test CA", rsa_keys=rsa_keys)
        self.ra_certificate = issue_for(self.hierarchy, "CMP test RA", CMC_RA)
        self._signer = issue_for(self.hierarchy, "CMP test server", CMC_CA)
        self._key_generator = issue_for(self.hierarchy, "CMP test key generation", CM_KGA)

    @property
    def url(self) -> str:
        """The RA component, at any path but ``/ours``."""
        return f"http://127.0.0.1:{self._port}/.well-known/cmp"

    @property
    def ours_url(self) -> str:
        """The endpoint for what the component does not carry. It is ours: it proves nothing about other servers."""
        return f"http://127.0.0.1:{self._port}/ours"

    @property
    def trust_anchor(self) -> None:
        """It serves plain HTTP; messages are protected themselves."""

    @property
    def ca_certificate(self) -> str:
        """The root (PEM) of what is issued, and of the server's signatures."""
        return self.hierarchy.root.pem

    @property
    def signer(self) -> str:
        """The certificate (PEM) that signs its messages, with the issuing one behind it."""
        return self._signer.certificate

    @property
    def reference(self) -> str:
        return self._script.reference

    @property
    def secret(self) -> str:
        return self._script.secret

    def change(self, **options: Any) -> None:
        """Give it other options while it runs; they hold from the next request."""
        self._script = replace(self._script, **options)
        self._write_script(self._processes.directory)

    def reset(self) -> None:
        """Go back to the options that it had from the start."""
        self.change(**{option.name: getattr(self._first_script, option.name) for option in fields(Script)})

    def exchanges(self) -> list[Exchange]:
        """The requests since the start, the oldest first, with their answers."""
        return [_exchange(*parts) for parts in _EXCHANGE.findall(self.log.read_text())]

    def requests(self) -> list[str]:
        """The same in short, as in ``ir ip accepted`` or ``certConf pkiConf``."""
        return [str(exchange) for exchange in self.exchanges()]

    def request_count(self) -> int:
        """How many requests were answered since the start, refused ones included."""
        return len(self.exchanges())

    def issued_serials(self) -> list[str]:
        """The serial numbers (hexadecimal) of all certificates issued since the start, the oldest first.

        A certificate is in here before its answer is sent.
        """
        return self._serials("issued")

    def confirmed_serials(self) -> list[str]:
        """Those that a certConf accepted; with implicit confirmation there is none."""
        return self._serials("confirmed")

    def rejected_serials(self) -> list[str]:
        """Those that a certConf rejected."""
        return self._serials("rejected")

    def revoked_serials(self) -> list[str]:
        return self._serials("revoked")

    def _serials(self, event: str) -> list[str]:
        return [serial for what, serial in _CERTIFICATE.findall(self.log.read_text()) if what == event]

    def _command(self, program: Path, directory: Path) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise PeerUnavailableError("there is no java on the PATH to run the CMP server")
        self._write_files(directory)
        self._write_script(directory)
        return [java, *_JAVA_OPTIONS, "-classpath", f"{program}/*", _MAIN, str(self._port), str(directory)]

    def _write_files(self, directory: Path) -> None:
        issuing = KeyPair(self.hierarchy.chain, self.hierarchy.issuing.key_pem)
        for name, pair in (("issuing", issuing), ("signer", self._signer), ("kga", self._key_generator)):
            pair.write(directory, name)
        (directory / "root.crt").write_text(self.ca_certificate)
        (directory / "clients.crt").write_text("".join(self._client_cas))

    def _write_script(self, directory: Path) -> None:
        """Put in its place by one rename, because the server reads it at any time."""
        partial = directory / "script.json.partial"
        partial.touch(mode=0o600)
        partial.write_text(self._script.as_json())
        partial.replace(directory / "script.json")

    def _answers(self) -> bool:
        return "Z listening" in self.log.read_text()


def _exchange(
    endpoint: str, request: str, protection: str, nested: str, profile: str, answer: str, status: str, fail_info: str
) -> Exchange:
    return Exchange(
        endpoint=endpoint,
        request=request,
        protection=protection,
        is_nested=nested == "nested",
        profile=profile.removeprefix("-"),
        answer=answer,
        status=status.removeprefix("-"),
        fail_info=tuple(name for name in fail_info.split(",") if name != "-"),
    )
