"""OpenSSL's command line reads what we write. What it writes is read in the other tests, from ``vectors``."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from certwright.protocols import cms
from certwright.protocols.cms import der
from tests.protocols.cms.material import CONTENT, PASSWORD, VECTORS, certificate, ec_key, rsa_key

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(
    OPENSSL is None and os.environ.get("CI") != "true", reason="openssl is not installed, which CI does not excuse"
)
ATTRIBUTES = [
    ("2.16.840.1.113733.1.9.7", der.element(0x13, b"transaction")),
    ("2.16.840.1.113733.1.9.2", der.element(0x13, b"19")),
    ("2.16.840.1.113733.1.9.5", der.octet_string(bytes(16))),
]
CIPHERS = [
    cms.ContentCipher.AES128_CBC,
    cms.ContentCipher.AES192_CBC,
    cms.ContentCipher.AES256_CBC,
    cms.ContentCipher.DES3_CBC,
]


def openssl(command: str, *options: str, message: bytes, folder: Path) -> bytes:
    file = folder / "message.der"
    file.write_bytes(message)
    argv = [OPENSSL or "openssl", "cms", command, "-binary", "-inform", "DER", "-in", str(file), *options]
    done = subprocess.run(argv, cwd=VECTORS, capture_output=True, check=False, timeout=60)  # noqa: S603 - a test's own
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("digest", ["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
@pytest.mark.parametrize("name", ["rsa", "ec", "ec521"])
def test_it_verifies_what_we_sign(name: str, digest: str, tmp_path: Path) -> None:
    key = rsa_key() if name == "rsa" else ec_key(name)
    message = cms.sign(
        CONTENT,
        key=key,
        certificate=certificate(name),
        attributes=ATTRIBUTES,
        digest=cms.DigestAlgorithm(digest),
        certificates=[certificate("ca")],
    )
    trust = ("-CAfile", "ca.crt", "-purpose", "any")
    assert openssl("-verify", *trust, message=message, folder=tmp_path) == CONTENT


def test_it_verifies_another_content_type(tmp_path: Path) -> None:
    message = cms.sign(
        CONTENT, key=rsa_key(), certificate=certificate("rsa"), content_type=cms.ID_ASYMMETRIC_KEY_PACKAGE
    )
    trust = ("-CAfile", "ca.crt", "-purpose", "any")
    assert openssl("-verify", *trust, message=message, folder=tmp_path) == CONTENT


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("content", [b"", CONTENT, bytes(5000)], ids=["empty", "short", "long"])
def test_it_opens_what_we_envelop_to_a_certificate(cipher: cms.ContentCipher, content: bytes, tmp_path: Path) -> None:
    message = cms.envelop(content, [certificate("other"), certificate("rsa")], cipher=cipher)
    own = ("-recip", "rsa.crt", "-inkey", "rsa.key")
    assert openssl("-decrypt", *own, message=message, folder=tmp_path) == content


@pytest.mark.parametrize("cipher", CIPHERS)
def test_it_opens_what_we_envelop_by_password(cipher: cms.ContentCipher, tmp_path: Path) -> None:
    message = cms.envelop(CONTENT, [PASSWORD], cipher=cipher)
    assert openssl("-decrypt", "-pwri_password", "sesame", message=message, folder=tmp_path) == CONTENT


def test_it_reads_our_structures_without_complaint(tmp_path: Path) -> None:
    signed = cms.sign(CONTENT, key=rsa_key(), certificate=certificate("rsa"), attributes=ATTRIBUTES)
    printed = openssl("-cmsout", "-print", "-noout", message=signed, folder=tmp_path).decode()
    assert "d.signedData" in printed
    signed_attributes = printed.split("signedAttrs:")[1].split("signatureAlgorithm:")[0]
    assert signed_attributes.count("object:") == len(ATTRIBUTES) + 2
