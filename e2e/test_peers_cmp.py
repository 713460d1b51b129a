"""The CMP server comes up and answers OpenSSL's client, which nobody here wrote."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from e2e.authority import KeyPair
from e2e.peers.cmp import CMPServer
from e2e.peers.cmp.clients import make_key, serial
from e2e.peers.openssl_cmp import find_openssl
from tests.protocols.cmp.asking import make_csr


@pytest.fixture(scope="module")
def running() -> Iterator[CMPServer]:
    with CMPServer() as server:
        yield server


@pytest.fixture
def server(running: CMPServer) -> CMPServer:
    """One for all tests, with nothing left of what the last one told it."""
    running.reset()
    return running


def test_a_server_comes_up_and_leaves_nothing() -> None:
    with CMPServer() as server:
        assert (server.requests(), server.issued_serials()) == ([], [])
        pid, directory = server.pid, server.log.parent

    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_keeps_its_address_and_its_authority_when_it_comes_back() -> None:
    server = CMPServer()
    with server:
        before = (server.url, server.ours_url, server.ca_certificate, server.signer)

    with server:
        assert (server.url, server.ours_url, server.ca_certificate, server.signer) == before


# OpenSSL's client against the RA component.

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(server: CMPServer, tmp_path: Path) -> Run:
    openssl = find_openssl()
    root, key, csr = tmp_path / "root", tmp_path / "new_key", tmp_path / "csr"
    root.write_text(server.ca_certificate)
    new = make_key()
    no_password = serialization.NoEncryption()
    key.write_bytes(new.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    csr.write_bytes(make_csr(new).public_bytes(serialization.Encoding.PEM))

    def run(command: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
        address = server.url.removeprefix("http://").partition("/")[0]
        words: list[str | Path] = [openssl, "cmp", "-config", "", "-server", address, "-path", "pkix/"]
        words += ["-cmd", command, "-trusted", root]
        if command in {"ir", "cr", "kur"}:
            words += ["-newkey", key]
        if command == "p10cr":
            words += ["-csr", csr]
        if command not in {"rr", "genm"}:
            words += ["-certout", tmp_path / "new_cert"]
        return subprocess.run([*words, *options], capture_output=True, text=True, check=False)

    return run


def secret_options(server: CMPServer) -> list[str]:
    return ["-ref", server.reference, "-secret", f"pass:{server.secret}", "-subject", "/CN=device-1"]


def pair_options(pair: KeyPair, directory: Path, name: str = "client") -> list[str | Path]:
    certificate, key = pair.write(directory, name)
    return ["-cert", certificate, "-key", key, "-extracerts", certificate]


@pytest.mark.parametrize("protection", ["secret", "signature"])
@pytest.mark.parametrize("command", ["ir", "cr", "p10cr"])
@pytest.mark.parametrize("is_implicit", [True, False], ids=["implicitly confirmed", "confirmed"])
def test_openssl_enrols(
    command: str, protection: str, *, is_implicit: bool, server: CMPServer, run: Run, tmp_path: Path
) -> None:
    server.change(implicit_confirm=is_implicit)
    issued, confirmed, requests = (
        len(server.issued_serials()),
        len(server.confirmed_serials()),
        server.request_count(),
    )
    by_signature = pair_options(server.hierarchy.issue("client"), tmp_path)
    options = secret_options(server) if protection == "secret" else by_signature

    result = run(command, *options, "-implicit_confirm")

    assert result.returncode == 0, result.stdout + result.stderr
    certificate = x509.load_pem_x509_certificate((tmp_path / "new_cert").read_bytes())
    assert server.issued_serials()[issued:] == [serial(certificate)]
    assert server.confirmed_serials()[confirmed:] == ([] if is_implicit else [serial(certificate)])
    answer = "ip" if command == "ir" else "cp"
    assert server.requests()[requests:] == [
        f"{command} {answer} accepted",
        *([] if is_implicit else ["certConf pkiConf"]),
    ]


def test_openssl_updates_its_key_and_revokes(server: CMPServer, run: Run, tmp_path: Path) -> None:
    assert run("ir", *secret_options(server)).returncode == 0
    first = (tmp_path / "new_cert").read_text()
    old = KeyPair(first + server.hierarchy.issuing.pem, (tmp_path / "new_key").read_text())
    options = pair_options(old, tmp_path, "old")

    updated = run("kur", *options)
    revoked = run("rr", *options, "-oldcert", tmp_path / "old.crt", "-revreason", "4")

    assert (updated.returncode, revoked.returncode) == (0, 0), updated.stderr + revoked.stderr
    assert server.requests()[-3:] == ["kur kup accepted", "certConf pkiConf", "rr rp accepted"]
    assert server.revoked_serials()[-1] == serial(x509.load_pem_x509_certificate(first.encode()))


def test_openssl_polls_ours(server: CMPServer, run: Run) -> None:
    """The component answers with the nonce of the request instead of the last pollReq's: OpenSSL 3.0 refuses that."""
    server.change(polls=2, check_after=1)
    issued = len(server.issued_serials())

    result = run("ir", *secret_options(server), "-implicit_confirm", "-path", "ours")

    assert result.returncode == 0, result.stdout + result.stderr
    assert server.requests()[-4:] == ["ir ip waiting", "pollReq pollRep", "pollReq pollRep", "pollReq ip accepted"]
    assert len(server.issued_serials()) == issued + 1


def test_openssl_asks(server: CMPServer, run: Run) -> None:
    result = run("genm", *secret_options(server), "-infotype", "caCerts")

    assert result.returncode == 0, result.stdout + result.stderr
    assert server.requests()[-1] == "genm genp"


def test_openssl_is_refused_with_a_wrong_secret(server: CMPServer, run: Run) -> None:
    issued = len(server.issued_serials())

    result = run("ir", "-ref", server.reference, "-secret", "pass:wrong", "-subject", "/CN=device-1")

    assert result.returncode != 0
    assert server.requests()[-1] == "ir error rejection badMessageCheck"
    assert len(server.issued_serials()) == issued
