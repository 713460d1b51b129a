"""OpenSSL's CMP server, which Debian's openssl brings; for messages, protection and polling, not for the operator.

It knows one certificate and gives it to everybody, remembers a transaction for as long as its connection is open,
speaks HTTP/1.0, and its ``-port`` listens on all addresses.
"""

import asyncio
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from e2e.peers.peer import PeerUnavailableError
from e2e.processes import ProcessGroup, free_ports, wait_until
from tests.fakes.cmp import FakeAuthority, Pair, key_usage

REFERENCE = "mockref"
SECRET = "sesame"


def find_openssl() -> str:
    """The program, if it has the command."""
    program = shutil.which("openssl")
    if program is None or subprocess.run([program, "cmp", "-help"], capture_output=True, check=False).returncode:
        raise PeerUnavailableError("no openssl with the command cmp on the PATH: install OpenSSL 3.0 or newer")
    return program


def pem(value: Any) -> bytes:
    if isinstance(value, x509.Certificate):
        return value.public_bytes(Encoding.PEM)
    raw: bytes = value.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return raw


@dataclass(frozen=True)
class Files:
    """Everything that the program takes, as PEM in a directory of its own."""

    directory: Path
    authority: FakeAuthority
    server: Pair
    new: Pair
    old: Pair

    def __getattr__(self, name: str) -> Path:
        return self.directory / name

    @classmethod
    def write(cls, directory: Path) -> Self:
        """Make an authority and three pairs of it, and write all that the program needs of them."""
        authority = FakeAuthority(clock=lambda: datetime.now(UTC))
        pairs = {name: authority.pair(name, usage=key_usage("digital_signature")) for name in ("server", "new", "old")}
        (directory / "root").write_bytes(pem(authority.root.certificate))
        (directory / "chain").write_bytes(pem(authority.issuing.certificate))
        for name, pair in pairs.items():
            (directory / f"{name}_cert").write_bytes(pem(pair.certificate))
            (directory / f"{name}_key").write_bytes(pem(pair.key))
        return cls(directory, authority, **pairs)


@dataclass(frozen=True)
class OpenSSLServer:
    """One instance, by MAC or by signature: it cannot do both."""

    openssl: str
    files: Files
    flags: tuple[str, ...]
    port: int = field(default_factory=lambda: free_ports(1)[0])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/pkix/"

    def start(self, stack: ExitStack) -> None:
        files = self.files
        command: list[Path | str] = [self.openssl, "cmp", "-config", "", "-port", str(self.port), "-max_msgs", "0"]
        command += ["-srv_trusted", files.root, "-srv_untrusted", files.chain, "-rsp_cert", files.new_cert]
        command += ["-rsp_extracerts", files.chain, "-rsp_capubs", files.root, *self.flags]
        group = stack.enter_context(ProcessGroup(Path(tempfile.mkdtemp(prefix="certwright-openssl-")), remove=True))
        group.start("openssl", [str(word) for word in command])
        wait_until(lambda: "ACCEPT" in group.log("openssl").read_text(), "openssl answers")


class KeptConnection(httpx.AsyncBaseTransport):
    """One connection for as long as the server keeps it, which is what it binds a transaction to."""

    def __init__(self) -> None:
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        head = f"POST {request.url.path} HTTP/1.1\r\nHost: {request.url.host}\r\nConnection: keep-alive\r\n"
        head += f"Content-Type: {request.headers['content-type']}\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            return await self._ask(request, head.encode() + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.aclose()
            return await self._ask(request, head.encode() + body)

    async def _ask(self, request: httpx.Request, raw: bytes) -> httpx.Response:
        if self._streams is None:
            self._streams = await asyncio.open_connection(request.url.host, request.url.port)
        reader, writer = self._streams
        writer.write(raw)
        await writer.drain()
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        content = await reader.readexactly(int(headers.get("Content-Length", "0")))
        return httpx.Response(int(status.split()[1]), headers=headers, content=content)

    async def aclose(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None
