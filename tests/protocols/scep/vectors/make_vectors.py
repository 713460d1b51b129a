"""Record what real servers answer, and what a real client asks. Run by hand: ``python -m`` this module from the root.

It starts the servers of ``e2e.peers`` and writes one file each beside itself. Keys in the files were made for them.
"""

import asyncio
import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AttributeOID

from certwright.protocols.scep import Authority, SCEPClient, Signer, Transaction, requester_certificate, transaction_id
from certwright.protocols.scep.capabilities import Algorithms
from certwright.protocols.scep.certificates import spki
from certwright.protocols.scep.message import pki_message
from certwright.protocols.scep.vocabulary import MessageType
from e2e.peers.scep import InstalledSCEPServer, SCEPServer
from e2e.peers.stepca import ContentEncryption, Provisioner, StepCA
from tests.fakes.ca import common_name
from tests.fakes.scep import messages, openssl
from tests.fakes.scep.authority import SCEPAuthority
from tests.fakes.scep.server import FakeSCEPServer

FOLDER = Path(__file__).parent
NONCE = bytes(range(16))
CHALLENGE = "secret"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def text(raw: bytes) -> str:
    return b64encode(raw).decode()


def pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def csr_for(key: RSAPrivateKey | ec.EllipticCurvePrivateKey, challenge: str) -> x509.CertificateSigningRequest:
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(common_name("device.test"))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("device.test")]), critical=False)
        .add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
        .sign(key, hashes.SHA256())
    )


def save(name: str, vector: dict[str, Any]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(vector, indent=2) + "\n")


def transaction_with(authority: Authority, csr: x509.CertificateSigningRequest, key: RSAPrivateKey) -> Transaction:
    name = transaction_id(spki(csr))
    certificate = requester_certificate(key, subject=csr.subject, transaction_id=name, not_before=now())
    return Transaction(id=name, signer=Signer(certificate, key), authority=authority)


def recorded(
    *,
    made_by: str,
    ca_answer: bytes,
    transaction: Transaction,
    key: RSAPrivateKey,
    csr: x509.CertificateSigningRequest,
    answer: bytes,
    outcome: str,
    needs: list[str],
) -> dict[str, Any]:
    return {
        "made_by": made_by,
        "now": now().isoformat(),
        "outcome": outcome,
        "needs": needs,
        "nonce": NONCE.hex(),
        "signer_key": pem(key),
        "signer_certificate": text(transaction.signer.certificate.public_bytes(Encoding.DER)),
        "transaction_id": transaction.id,
        "csr": text(csr.public_bytes(Encoding.DER)),
        "ca_answer": text(ca_answer),
        "answer": text(answer),
    }


async def record(
    name: str, made_by: str, url: str, *, is_ec: bool = False, is_right: bool = True, needs: list[str]
) -> None:
    key = generate_private_key(65537, 2048)
    csr = csr_for(ec.generate_private_key(ec.SECP256R1()) if is_ec else key, CHALLENGE if is_right else "wrong")
    async with httpx.AsyncClient() as http:
        ca_answer = (await http.get(url, params={"operation": "GetCACert"})).content
        authority = await SCEPClient(url, http=http, clock=now).get_ca_cert()
        transaction = transaction_with(authority, csr, key)
        request = pki_message(
            MessageType.PKCS_REQ,
            csr.public_bytes(Encoding.DER),
            transaction=transaction,
            algorithms=Algorithms(),
            nonce=NONCE,
        )
        answer = await http.post(url, params={"operation": "PKIOperation"}, content=request)
    outcome = "success" if is_right else "badRequest"
    save(
        name,
        recorded(
            made_by=made_by,
            ca_answer=ca_answer,
            transaction=transaction,
            key=key,
            csr=csr,
            answer=answer.content,
            outcome=outcome,
            needs=needs if is_right else [need for need in needs if need.startswith(("SHA", "MD"))],
        ),
    )


async def record_servers() -> None:
    weak = ["DES", "SHA-1"]
    with SCEPServer(challenge=CHALLENGE) as server:
        await record("micromdm-success", "micromdm scepserver v2.3.0", server.url, needs=weak)
        await record("micromdm-ec-key", "micromdm scepserver v2.3.0", server.url, is_ec=True, needs=weak)
        await record("micromdm-failure", "micromdm scepserver v2.3.0", server.url, is_right=False, needs=weak)
    with InstalledSCEPServer(challenge=CHALLENGE) as server:
        await record("debian-success", "scepserver of Debian's scep 2.1.0", server.url, needs=weak)
    with StepCA(challenge=CHALLENGE) as server:
        for provisioner in Provisioner:
            url, name = server.scep_url(provisioner), f"step-ca-{provisioner}"
            await record(f"{name}-success", "step-ca v0.30.2", url, needs=["SHA-1"])
            await record(f"{name}-failure", "step-ca v0.30.2", url, is_right=False, needs=["SHA-1"])
    with StepCA(challenge=CHALLENGE, encryption=ContentEncryption.DES_CBC) as server:
        await record("step-ca-des", "step-ca v0.30.2", server.url, needs=weak)


def record_openssl() -> None:
    authority = SCEPAuthority(clock=now)
    ca = authority.ca
    version = openssl.run("version", content=b"").decode().strip()
    for cipher, is_streamed, needs in (
        ("aes-128-cbc", False, []),
        ("aes-256-cbc", True, []),
        ("des3", False, ["DES3"]),
        ("des-cbc", True, ["DES"]),
    ):
        key = generate_private_key(65537, 2048)
        csr = csr_for(key, CHALLENGE)
        transaction = transaction_with(Authority.of([ca.certificate], now=now()), csr, key)
        data = openssl.certs_only(authority.issue(csr), ca.certificate)
        envelope = openssl.seal_for(data, transaction.signer.certificate, cipher=cipher, streamed=is_streamed)
        values: dict[str, str | bytes] = {
            messages.MESSAGE_TYPE: "3",
            messages.PKI_STATUS: "0",
            messages.TRANSACTION_ID: transaction.id,
            messages.RECIPIENT_NONCE: NONCE,
        }
        answer = messages.signed_message(
            envelope, messages.cert_rep_attributes(values), key=ca.key, certificate=ca.certificate
        )
        save(
            f"openssl-{cipher}",
            recorded(
                made_by=f"{version}: envelope and certificates; asn1crypto: signature",
                ca_answer=ca.certificate.public_bytes(Encoding.DER),
                transaction=transaction,
                key=key,
                csr=csr,
                answer=answer,
                outcome="success",
                needs=needs,
            ),
        )


@contextmanager
def listening(handle: Callable[[httpx.Request], httpx.Response]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        def answer(self, body: bytes) -> None:
            url = f"http://{self.headers['Host']}{self.path}"
            answer = handle(httpx.Request(self.command, url, content=body))
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            self.end_headers()
            self.wfile.write(answer.content)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/scep"
    server.shutdown()


def record_client() -> None:
    """scepclient enrols at the fake server: a proof of the server, and a request of somebody else's making."""
    server = FakeSCEPServer(clock=now)
    server.challenges, server.cipher = {CHALLENGE}, "des"
    with TemporaryDirectory() as folder, listening(server.handle) as url:
        command = ["scepclient", "-private-key", f"{folder}/key", "-certificate", f"{folder}/pem"]
        command += ["-server-url", url, "-challenge", CHALLENGE, "-cn", "device.test"]
        subprocess.run(command, check=True, timeout=60)  # noqa: S603 - found on the PATH by whoever runs this
        issued = x509.load_pem_x509_certificate(Path(folder, "pem").read_bytes())
    assert issued.serial_number in server.issued
    ca = server.authority.ca
    assert isinstance(ca.key, RSAPrivateKey)
    save(
        "scepclient-request",
        {
            "made_by": "scepclient of Debian's scep 2.1.0",
            "request": text(server.requests[-1].content),
            "challenge": CHALLENGE,
            "ca_key": pem(ca.key),
            "ca_certificate": text(ca.certificate.public_bytes(Encoding.DER)),
        },
    )


if __name__ == "__main__":
    record_openssl()
    record_client()
    asyncio.run(record_servers())
