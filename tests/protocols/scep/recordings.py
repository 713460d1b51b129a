"""The files under ``vectors``: exchanges with real servers, read back so that they can be judged offline."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certwright.protocols.cms import certificates
from certwright.protocols.scep import Authority, LegacyAlgorithm, Signer, Transaction

FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class Recording:
    name: str
    transaction: Transaction = field(repr=False)
    csr: x509.CertificateSigningRequest = field(repr=False)
    nonce: bytes = field(repr=False)
    ca_answer: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    outcome: str
    needs: frozenset[LegacyAlgorithm]


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def private_key(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def recordings() -> Iterator[Recording]:
    """Every recorded answer."""
    for path in sorted(FOLDER.glob("*.json")):
        vector = read(path.stem)
        if "answer" in vector:
            yield _recording(path.stem, vector)


def _recording(name: str, vector: dict[str, Any]) -> Recording:
    ca_answer = b64decode(vector["ca_answer"])
    signer = x509.load_der_x509_certificate(b64decode(vector["signer_certificate"]))
    now = datetime.fromisoformat(vector["now"])
    transaction = Transaction(
        id=vector["transaction_id"],
        signer=Signer(signer, private_key(vector["signer_key"])),
        authority=Authority.of(certificates(ca_answer), now=now),
    )
    return Recording(
        name=name,
        transaction=transaction,
        csr=x509.load_der_x509_csr(b64decode(vector["csr"])),
        nonce=bytes.fromhex(vector["nonce"]),
        ca_answer=ca_answer,
        answer=b64decode(vector["answer"]),
        outcome=vector["outcome"],
        needs=frozenset(map(LegacyAlgorithm, vector["needs"])),
    )
