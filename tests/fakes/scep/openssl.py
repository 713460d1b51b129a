"""``openssl cms`` as the codec of somebody else: it opens what the client made, and makes what the client opens."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DER = ("-inform", "DER", "-outform", "DER", "-binary")
PROVIDERS = ("-provider", "legacy", "-provider", "default")


def cms(*arguments: str, content: bytes) -> bytes:
    return run("cms", *arguments, content=content)


def run(*arguments: str, content: bytes) -> bytes:
    command = ["openssl", *arguments]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=60)  # noqa: S603 - a test's own words
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def open_with_password(envelope: bytes, password: str) -> bytes:
    return cms("-decrypt", *DER, "-pwri_password", password, content=envelope)


def seal_with_password(content: bytes, password: str) -> bytes:
    return cms("-encrypt", *DER, "-aes128", "-pwri_password", password, content=content)


def open_with_key(envelope: bytes, key: RSAPrivateKey, certificate: x509.Certificate) -> bytes:
    with _files(certificate, key) as (recipient, private):
        return cms("-decrypt", *DER, *PROVIDERS, "-recip", recipient, "-inkey", private, content=envelope)


def seal_for(content: bytes, certificate: x509.Certificate, *, cipher: str, streamed: bool = False) -> bytes:
    """``streamed``: in BER with indefinite lengths, as whoever does not know the length in advance writes."""
    more = ("-stream",) if streamed else ()
    with _files(certificate) as (recipient, _):
        return cms("-encrypt", *DER, *PROVIDERS, *more, f"-{cipher}", recipient, content=content)


def verify(message: bytes) -> bytes:
    """The content of a SignedData whose signature holds with the certificate in it."""
    return cms("-verify", *DER, "-noverify", content=message)


def certs_only(*certificates: x509.Certificate) -> bytes:
    pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
    with TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.pem"
        bundle.write_bytes(pem)
        return run("crl2pkcs7", "-nocrl", "-certfile", str(bundle), "-outform", "DER", content=b"")


@contextmanager
def _files(certificate: x509.Certificate, key: RSAPrivateKey | None = None) -> Iterator[tuple[str, str]]:
    with TemporaryDirectory() as folder:
        recipient, private = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        recipient.write_bytes(certificate.public_bytes(Encoding.PEM))
        if key is not None:
            private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        yield str(recipient), str(private)
