"""Both directions against ``openssl cms``: somebody else's idea of signatures and envelopes."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from certwright.protocols.scep import LegacyAlgorithm, Success, Transaction
from certwright.protocols.scep.capabilities import Algorithms, Capabilities, LegacyAlgorithms
from certwright.protocols.scep.certrep import CertRep, read_cert_rep
from certwright.protocols.scep.message import pki_message
from certwright.protocols.scep.reply import enrolment_reply
from certwright.protocols.scep.vocabulary import MessageType
from tests.fakes.clock import FakeClock
from tests.fakes.scep import messages, openssl
from tests.fakes.scep.answers import Status
from tests.fakes.scep.authority import SCEPAuthority
from tests.fakes.scep.server import FakeSCEPServer
from tests.protocols.scep.conftest import Device

NONCE = bytes(range(16))
EVERYTHING = frozenset(LegacyAlgorithm)


@pytest.mark.parametrize(
    ("keywords", "send"),
    [
        pytest.param("AES", (), id="aes-128-sha-256"),
        pytest.param("AES256\nSHA-512", (), id="aes-256-sha-512"),
        pytest.param("", (LegacyAlgorithm.DES3, LegacyAlgorithm.SHA1), id="triple-des-sha-1"),
    ],
)
async def test_openssl_verifies_and_opens_our_requests(
    device: Device, server: FakeSCEPServer, keywords: str, send: tuple[LegacyAlgorithm, ...]
) -> None:
    transaction = await device.transaction(device.csr())
    algorithms = Algorithms.chosen(Capabilities.parse(keywords.encode()), LegacyAlgorithms(send=frozenset(send)))
    request = pki_message(
        MessageType.PKCS_REQ, b"the request", transaction=transaction, algorithms=algorithms, nonce=NONCE
    )
    ca = server.authority.ca
    assert isinstance(ca.key, RSAPrivateKey)
    assert openssl.open_with_key(openssl.verify(request), ca.key, ca.certificate) == b"the request"


async def test_openssl_opens_our_requests_with_the_challenge(
    device: Device, server: FakeSCEPServer, clock: FakeClock
) -> None:
    server.authority = SCEPAuthority(clock=clock.now, ca_key=ec.generate_private_key(ec.SECP256R1()), name="EC CA")
    transaction = await device.transaction(device.csr(), challenge="sword fish")
    request = pki_message(
        MessageType.PKCS_REQ, b"the request", transaction=transaction, algorithms=Algorithms(), nonce=NONCE
    )
    assert openssl.open_with_password(openssl.verify(request), "sword fish") == b"the request"


@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3", "des-cbc"])
async def test_we_open_what_openssl_closed(device: Device, server: FakeSCEPServer, cipher: str) -> None:
    csr = device.csr()
    transaction = await device.transaction(csr)
    leaf, ca = server.authority.issue(csr), server.authority.ca
    data = openssl.certs_only(leaf, ca.certificate)
    answer = _answer(server, transaction, openssl.seal_for(data, transaction.signer.certificate, cipher=cipher))
    read = read_cert_rep(answer, transaction=transaction, nonce=NONCE, accept=EVERYTHING)
    reply = enrolment_reply(read, csr, authority=transaction.authority, retry_after=None)
    assert reply == Success(leaf, (ca.certificate,))


async def test_we_open_what_openssl_closed_in_ber(device: Device, server: FakeSCEPServer) -> None:
    transaction = await device.transaction(device.csr())
    envelope = openssl.seal_for(b"data", transaction.signer.certificate, cipher="aes-128-cbc", streamed=True)
    assert envelope[1] == 0x80, "indefinite length"
    read = read_cert_rep(_answer(server, transaction, envelope), transaction=transaction, nonce=NONCE)
    assert read == CertRep(read.status, b"data")


def _answer(server: FakeSCEPServer, transaction: Transaction, envelope: bytes) -> bytes:
    ca = server.authority.ca
    values: dict[str, str | bytes] = {
        messages.MESSAGE_TYPE: "3",
        messages.PKI_STATUS: Status.SUCCESS,
        messages.TRANSACTION_ID: transaction.id,
        messages.RECIPIENT_NONCE: NONCE,
    }
    attributes = messages.cert_rep_attributes(values)
    return messages.signed_message(envelope, attributes, key=ca.key, certificate=ca.certificate)
