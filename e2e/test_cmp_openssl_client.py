"""OpenSSL's CMP client against the server that the unit tests use, which proves that one, too."""

import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from e2e.peers.openssl_cmp import REFERENCE, SECRET, Files, find_openssl, pem
from tests.fakes.cmp import FakeCMPServer
from tests.protocols.cmp.asking import make_csr


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def openssl() -> str:
    return find_openssl()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files.write(tmp_path_factory.mktemp("openssl"))


@pytest.fixture
def fake(files: Files) -> Iterator[tuple[FakeCMPServer, str]]:
    server = FakeCMPServer(clock=now, secrets={REFERENCE: SECRET.encode()})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is http.server's
            answer = server.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/pkixcmp")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        (files.directory / "fake_root").write_bytes(pem(server.root))
        device = server.authority.pair("device")
        (files.directory / "device_cert").write_bytes(pem(device.certificate))
        (files.directory / "device_key").write_bytes(pem(device.key))
        (files.directory / "request").write_bytes(make_csr(files.new.key).public_bytes(Encoding.PEM))
        yield server, f"127.0.0.1:{listener.server_port}"
        listener.shutdown()
        thread.join()


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after polling"])
@pytest.mark.parametrize(
    ("command", "kind"),
    [*((command, kind) for command in ("ir", "cr", "p10cr") for kind in ("mac", "signature")), ("kur", "signature")],
)
def test_openssl_enrols_at_the_fake_server(
    command: str, kind: str, *, waits: bool, openssl: str, files: Files, fake: tuple[FakeCMPServer, str]
) -> None:
    server, address = fake
    # OpenSSL 3.0 answers and expects 0 for a CSR (its own PR 20298).
    server.grants_implicit_confirm, server.response_id = False, 0
    server.polls, server.check_after = (2, 1) if waits else (0, 0)
    words = [openssl, "cmp", "-config", "", "-server", address, "-path", "pkix/", "-cmd", command]
    by_mac: list[Path | str] = ["-ref", REFERENCE, "-secret", f"pass:{SECRET}", "-subject", "/CN=device"]
    by_signature: list[Path | str] = ["-cert", files.device_cert, "-key", files.device_key, "-trusted", files.fake_root]
    asked: list[Path | str] = ["-csr", files.request] if command == "p10cr" else ["-newkey", files.new_key]
    asked += ["-certout", files.out, "-out_trusted", files.fake_root]

    run = subprocess.run(
        [*words, *(by_mac if kind == "mac" else by_signature), *asked], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert [one.is_confirmed for one in server.transactions.values()] == [True]
    issued = x509.load_pem_x509_certificate(files.out.read_bytes())
    assert issued.public_key() == files.new.key.public_key()
