"""The SCEP servers answer as certwright's tests need them to, asked by micromdm's scepclient."""

import os
import ssl
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7

from e2e.peers import PeerUnavailableError
from e2e.peers.hierarchy import fingerprint
from e2e.peers.scep import InstalledSCEPServer, SCEPServer
from e2e.peers.stepca import Provisioner, StepCA
from e2e.tools import UnavailableError, catalogue, find

# The servers do not sort the certificates of a set, as DER would have it.
pytestmark = pytest.mark.filterwarnings("ignore:PKCS#7 certificates could not be parsed as DER:UserWarning")

NAME = "www.example.test"
CHALLENGE = "secret"


class Server(Protocol):
    """What the peers have in common."""

    @property
    def pid(self) -> int: ...
    @property
    def log(self) -> Path: ...
    @property
    def ca_certificate(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    def issued_serials(self) -> list[str]: ...
    def request_count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Client:
    """scepclient with a directory of its own for every request."""

    program: Path
    directory: Path

    def enrol(self, url: str, *, recipient: str, name: str = NAME, challenge: str = CHALLENGE) -> x509.Certificate:
        """Enrol with a new key, or raise ``CalledProcessError``; ``recipient`` is a certificate (PEM) to encrypt to."""
        directory = self.directory / str(len(list(self.directory.iterdir())))
        directory.mkdir()
        arguments = {
            "private-key": directory / "key.pem",
            "certificate": directory / "certificate.pem",
            "server-url": url,
            "ca-fingerprint": fingerprint(recipient),
            "challenge": challenge,
            "cn": name,
        }
        flags = [f"-{flag}={value}" for flag, value in arguments.items()]
        subprocess.run([self.program, *flags], cwd=directory, check=True, capture_output=True, timeout=30)
        return x509.load_pem_x509_certificate((directory / "certificate.pem").read_bytes())


@pytest.fixture
def client(tmp_path: Path) -> Client:
    try:
        return Client(find(catalogue.SCEPCLIENT), tmp_path)
    except UnavailableError as reason:
        raise PeerUnavailableError(str(reason)) from reason


def _ca_certificates(url: str) -> list[x509.Certificate]:
    answer = httpx.get(url, params={"operation": "GetCACert"}).raise_for_status()
    if answer.headers["Content-Type"] == "application/x-x509-ca-cert":
        return [x509.load_der_x509_certificate(answer.content)]
    return pkcs7.load_der_pkcs7_certificates(answer.content)


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of server: how it is made, and where and for whom a request is."""

    make: Callable[[], AbstractContextManager[Server]]
    url: Callable[[Server], str]
    recipient: Callable[[Server], str]


def _step_ca(provisioner: Provisioner) -> Kind:
    def url(server: Server) -> str:
        assert isinstance(server, StepCA)
        return server.scep_url(provisioner)

    def recipient(server: Server) -> str:
        assert isinstance(server, StepCA)
        return server.recipient(provisioner)

    return Kind(lambda: StepCA(challenge=CHALLENGE), url, recipient)


def _micromdm(make: type[SCEPServer]) -> Kind:
    def url(server: Server) -> str:
        assert isinstance(server, SCEPServer)
        return server.url

    return Kind(lambda: make(challenge=CHALLENGE), url, lambda server: server.ca_certificate)


every_kind = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(_micromdm(SCEPServer), id="micromdm"),
        pytest.param(_micromdm(InstalledSCEPServer), id="the installed micromdm"),
        pytest.param(_step_ca(Provisioner.SAME), id="step-ca"),
        pytest.param(_step_ca(Provisioner.SEPARATE), id="step-ca with a recipient of its own"),
    ],
)


@every_kind
def test_it_tells_its_certificates_and_leaves_nothing(kind: Kind) -> None:
    with kind.make() as server:
        assert server.request_count() == 0
        capabilities = httpx.get(kind.url(server), params={"operation": "GetCACaps"}).text.split()
        told = {one.fingerprint(hashes.SHA256()).hex() for one in _ca_certificates(kind.url(server))}

        assert {"Renewal", "AES", "SHA-256", "POSTPKIOperation"} <= set(capabilities)
        assert {server.fingerprint, fingerprint(kind.recipient(server)), fingerprint(server.ca_certificate)} == told
        assert (server.request_count(), server.issued_serials()) == (2, [])
        pid, directory = server.pid, server.log.parent

    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@every_kind
def test_it_issues_for_who_knows_the_challenge(kind: Kind, client: Client) -> None:
    with kind.make() as server:
        url, recipient = kind.url(server), kind.recipient(server)
        issued = [client.enrol(url, recipient=recipient) for _ in range(2)]
        with pytest.raises(subprocess.CalledProcessError):
            client.enrol(url, recipient=recipient, challenge="guess")

        assert [int(serial, 16) for serial in server.issued_serials()] == [one.serial_number for one in issued]


def test_a_name_is_refused_from_now_on(client: Client) -> None:
    with SCEPServer(challenge=CHALLENGE) as server:
        client.enrol(server.url, recipient=server.ca_certificate)
        server.refuse("else.example.test", NAME)
        with pytest.raises(subprocess.CalledProcessError):
            client.enrol(server.url, recipient=server.ca_certificate)
        client.enrol(server.url, recipient=server.ca_certificate, name="other.example.test")

        assert len(server.issued_serials()) == 2


def test_a_second_certificate_may_be_too_early(client: Client) -> None:
    with SCEPServer(challenge=CHALLENGE, validity_days=30, allow_renewal_days=14) as server:
        client.enrol(server.url, recipient=server.ca_certificate)
        with pytest.raises(subprocess.CalledProcessError):
            client.enrol(server.url, recipient=server.ca_certificate)

        assert len(server.issued_serials()) == 1


@pytest.mark.parametrize(("server_usages", "usages"), [(True, 2), (False, 1)], ids=["servers too", "clients alone"])
def test_micromdm_issues_for(client: Client, usages: int, *, server_usages: bool) -> None:
    with SCEPServer(challenge=CHALLENGE, server_usages=server_usages) as server:
        issued = client.enrol(server.url, recipient=server.ca_certificate)

    assert len(issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == usages


def test_step_ca_says_and_does_what_it_is_told(client: Client) -> None:
    step_ca = StepCA(capabilities=["AES", "POSTPKIOperation"], include_root=False, validity=timedelta(minutes=10))
    with step_ca:
        capabilities = httpx.get(step_ca.url, params={"operation": "GetCACaps"}).text.split()
        certificates = _ca_certificates(step_ca.url)
        issued = client.enrol(step_ca.url, recipient=step_ca.intermediate, challenge="")

    assert capabilities == ["AES", "POSTPKIOperation"]
    assert len(certificates) == 1
    assert issued.not_valid_after_utc - issued.not_valid_before_utc == timedelta(minutes=11)


def test_step_ca_keeps_its_address_and_its_authority_when_it_comes_back() -> None:
    step_ca = StepCA()
    with step_ca:
        before = (step_ca.url, step_ca.fingerprint)

    with step_ca:
        trust = ssl.create_default_context(cadata=step_ca.trust_anchor)
        assert (step_ca.url, step_ca.fingerprint) == before
        assert httpx.get(step_ca.scep_https_url(), params={"operation": "GetCACaps"}, verify=trust).is_success
