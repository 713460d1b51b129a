"""The EST server of ours (``scripted/``): globalsign's router with an authority that a test directs."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal

from e2e.authority import Authority
from e2e.peers.est.endpoint import ESTEndpoint
from e2e.tools import Tool, catalogue

_ISSUED = re.compile(r"issued certificate serial ([0-9a-f]+) for request [0-9a-f]+")
_DEFERRED = re.compile(r"deferred request ([0-9a-f]+)")


class ClientCertificates(StrEnum):
    """What the TLS handshake does with a client's certificate."""

    VERIFIED = "Verified"
    IGNORED = "Ignored"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer without a certificate; no Retry-After with ``retry_after`` 0 (seconds)."""

    status: int = 403
    text: str = "refused"
    retry_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the server does; ``ScriptedESTServer.change`` takes the same names while it runs.

    ``username``: empty lets everyone in, else a request needs the password or a verified client certificate.
    ``deferrals``: how often one and the same request (its bytes) gets 202 before it gets its certificate.
    ``csr_attributes``: DER of CsrAttrs; the library repeats its OIDs first, then its attributes.
    ``channel_binding``: a request must hold the connection's tls-unique value; with ``max_tls="1.2"`` only.
    ``failures``: by common name or DNS name of the request.
    ``extra_ca_certificates``: PEM, added to what cacerts answers.
    ``answer_delay``: how long an answer is held back after its certificate was issued.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    deferrals: int = 0
    retry_after: int = 1
    csr_attributes: bytes = b""
    channel_binding: bool = False
    validity: timedelta = timedelta(days=90)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    refuse_renewals: bool = False
    client_certificates: ClientCertificates = ClientCertificates.VERIFIED
    extra_ca_certificates: Sequence[str] = ()
    answer_delay: timedelta = timedelta(0)

    def as_json(self) -> str:
        return json.dumps(
            {
                "username": self.username,
                "password": self.password,
                "deferrals": self.deferrals,
                "retry_after_seconds": self.retry_after,
                "csr_attributes": base64.b64encode(self.csr_attributes).decode(),
                "channel_binding": self.channel_binding,
                "validity_seconds": self.validity.total_seconds(),
                "failures": {
                    name: {"status": failure.status, "text": failure.text, "retry_after_seconds": failure.retry_after}
                    for name, failure in self.failures.items()
                },
                "refuse_renewals": self.refuse_renewals,
                "client_certificates": self.client_certificates,
                "extra_ca_certificates": "".join(self.extra_ca_certificates),
                "answer_delay_seconds": self.answer_delay.total_seconds(),
            },
        )


class ScriptedESTServer(ESTEndpoint):
    """One scripted server; the keyword options are those of ``Script``. Labels make no difference to it.

    Subject and extensions of a request are copied, those that make a CA included. Generated keys are of the request's
    kind and size, and plain.
    """

    tool: ClassVar[Tool] = catalogue.SCRIPTED_EST_SERVER

    def __init__(
        self,
        *,
        client_cas: Sequence[str] = (),
        https_authority: Authority | None = None,
        max_tls: Literal["1.2", "1.3"] = "1.3",
        **options: Any,
    ) -> None:
        super().__init__(client_cas=client_cas, https_authority=https_authority)
        self._max_tls = max_tls
        self._script = Script(**options)

    def change(self, **options: Any) -> None:
        """Give it other options while it runs; they hold from the next request or handshake."""
        self._script = replace(self._script, **options)
        self._write_script(self._processes.directory)

    def issued_serials(self) -> list[str]:
        """The serial numbers (hexadecimal) of all certificates issued since the start, the oldest first.

        A certificate is in here before its answer is sent.
        """
        return _ISSUED.findall(self.log.read_text())

    def deferred(self) -> list[str]:
        """The SHA-256 of the request (CSR) of each 202, the oldest first."""
        return _DEFERRED.findall(self.log.read_text())

    def _command(self, program: Path, directory: Path) -> list[str]:
        files, script = self._write_files(directory), self._write_script(directory)
        arguments = {
            "listen": self.address,
            "certificate": files.https_certificate,
            "key": files.https_key,
            "ca-certificates": files.ca_certificates,
            "ca-key": files.ca_key,
            "client-cas": files.client_cas,
            "script": script,
            "max-tls": self._max_tls,
        }
        return [str(program), *(f"-{name}={value}" for name, value in arguments.items())]

    def _write_script(self, directory: Path) -> Path:
        """Put in its place by one rename, because the server reads it at any time."""
        script, partial = directory / "script.json", directory / "script.json.partial"
        partial.touch(mode=0o600)
        partial.write_text(self._script.as_json())
        return partial.replace(script)
