"""Keys that the CA makes, and keys that it kept: opened, verified, and matched with their certificates."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives import padding as blocks
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certwright.protocols.cmp import (
    CentralKeyFailed,
    CertificateRequest,
    CMPClient,
    Confirmed,
    MACProtection,
    Objection,
    Recovered,
    Rejection,
    SignatureProtection,
    Trust,
    asn1,
)
from certwright.protocols.cmp.central import KeyOpener
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeAuthority, FakeCMPServer, Pair, key_usage
from tests.protocols.cmp.asking import granted, make_csr
from tests.protocols.cmp.conftest import MakeClient

KEYS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "ECDSA": lambda: ec.generate_private_key(ec.SECP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(scope="session")
def template_keys() -> dict[str, Any]:
    return {kind: make() for kind, make in KEYS.items()}


@pytest.fixture
def wanted(template_keys: dict[str, Any]) -> CertificateRequest:
    return CertificateRequest.for_central_key(make_csr(template_keys["ECDSA"]))


@pytest.fixture
def rsa_holder(server: FakeCMPServer, template_keys: dict[str, Any]) -> Pair:
    usage = key_usage("digital_signature", "key_encipherment")
    return server.authority.pair("device-1", key=template_keys["RSA"], usage=usage)


@pytest.fixture
def holder_client(rsa_holder: Pair, make_client: MakeClient) -> CMPClient:
    return make_client(SignatureProtection(key=rsa_holder.key, certificate=rsa_holder.certificate))


@pytest.mark.parametrize("kind", KEYS)
async def test_a_key_of_the_wanted_kind_comes_for_the_mac_secret(
    kind: str, client: CMPClient, server: FakeCMPServer, template_keys: dict[str, Any]
) -> None:
    request = CertificateRequest.for_central_key(make_csr(template_keys[kind]))

    outcome = granted(await client.ir(request))

    assert outcome.private_key is not None
    assert type(outcome.private_key) is type(template_keys[kind])
    outcome.require_key(outcome.private_key.public_key())
    assert server.seen[0][1].header["pvno"].native == 3


async def test_a_key_comes_for_the_certificate_that_signed(
    holder_client: CMPClient, wanted: CertificateRequest
) -> None:
    outcome = granted(await holder_client.cr(wanted))

    assert outcome.private_key is not None
    outcome.require_key(outcome.private_key.public_key())


async def test_the_mac_speaks_for_the_maker_where_no_anchor_is_known(
    make_client: MakeClient, mac: MACProtection, wanted: CertificateRequest
) -> None:
    assert granted(await make_client(mac, trust=Trust()).ir(wanted)).private_key is not None


async def test_the_maker_has_to_be_trusted(
    server: FakeCMPServer, client: CMPClient, clock: FakeClock, wanted: CertificateRequest
) -> None:
    server.key_signer = FakeAuthority(clock=clock.now, name="Evil").signer

    with pytest.raises(CentralKeyFailed, match="not trusted"):
        await client.ir(wanted)


async def test_the_maker_has_to_be_one(server: FakeCMPServer, client: CMPClient, wanted: CertificateRequest) -> None:
    server.key_signer = server.authority.pair("Somebody")

    with pytest.raises(CentralKeyFailed, match="may make keys"):
        await client.ir(wanted)


async def test_the_key_has_to_fit_the_certificate(
    server: FakeCMPServer, client: CMPClient, wanted: CertificateRequest
) -> None:
    server.public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    server.grants_implicit_confirm = False

    with pytest.raises(CentralKeyFailed, match="does not fit") as failed:
        await client.ir(wanted)

    assert failed.value.transaction is not None
    assert isinstance(await client.refuse(failed.value.transaction, Objection(text="not its key")), Confirmed)


async def test_who_cannot_decrypt_is_told(
    make_client: MakeClient, server: FakeCMPServer, wanted: CertificateRequest
) -> None:
    device = server.authority.pair("device-1", key=ed25519.Ed25519PrivateKey.generate())
    server.encrypts_for = server.authority.pair("other", key=rsa.generate_private_key(65537, 2048)).certificate
    client = make_client(SignatureProtection(key=device.key, certificate=device.certificate))

    with pytest.raises(CentralKeyFailed, match="RSA or EC key"):
        await client.cr(wanted)


async def test_a_key_for_somebody_else_is_not_opened(
    holder_client: CMPClient, server: FakeCMPServer, wanted: CertificateRequest
) -> None:
    server.encrypts_for = server.authority.pair("other", key=rsa.generate_private_key(65537, 2048)).certificate

    with pytest.raises(CentralKeyFailed, match="cannot be used"):
        await holder_client.cr(wanted)


def encrypted_value(private_key: Any, holder: Pair) -> Any:
    """As a server of CMP's second version sends it."""
    key, vector = bytes(range(32)), bytes(16)
    pkcs8 = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    padder = blocks.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(padder.update(pkcs8) + padder.finalize()) + encryptor.finalize()
    fields = {
        "symmAlg": {"algorithm": "2.16.840.1.101.3.4.1.42", "parameters": core.OctetString(vector)},
        "encSymmKey": holder.key.public_key().encrypt(key, padding.PKCS1v15()),
        "encValue": encrypted,
    }
    return asn1.EncryptedKey.load(asn1.EncryptedKey("encryptedValue", fields).dump())


class TestEncryptedValue:
    @pytest.fixture
    def opener(self, rsa_holder: Pair, clock: FakeClock) -> KeyOpener:
        protection = SignatureProtection(key=rsa_holder.key, certificate=rsa_holder.certificate)
        return KeyOpener(protection=protection, trust=Trust(), pool=(), now=clock.now(), is_mac_protected=False)

    def test_it_is_opened_by_an_rsa_key(self, opener: KeyOpener, rsa_holder: Pair, device: Pair) -> None:
        opened = opener.open(encrypted_value(device.key, rsa_holder), device.certificate)

        assert opened.public_key() == device.certificate.public_key()

    def test_nothing_is_told_of_what_went_wrong(self, opener: KeyOpener, rsa_holder: Pair, device: Pair) -> None:
        value = encrypted_value(device.key, rsa_holder)
        value.chosen["encValue"] = bytes(32)

        with pytest.raises(CentralKeyFailed, match=r"cannot be opened$"):
            opener.open(value, device.certificate)

    def test_no_other_key_opens_it(self, opener: KeyOpener, rsa_holder: Pair, device: Pair, mac: MACProtection) -> None:
        with pytest.raises(CentralKeyFailed, match="only a holder of an RSA key"):
            replace(opener, protection=mac).open(encrypted_value(device.key, rsa_holder), device.certificate)


class TestRecovery:
    async def test_an_archived_pair_comes_back(
        self, server: FakeCMPServer, holder_client: CMPClient, wanted: CertificateRequest
    ) -> None:
        made = granted(await holder_client.cr(wanted))

        outcome = await holder_client.krr(made.certificate)

        assert isinstance(outcome, Recovered)
        (pair,) = outcome.pairs
        assert pair.certificate == made.certificate
        assert pair.private_key.public_key() == made.certificate.public_key()
        assert outcome.ca_certs == (server.authority.issuing.certificate,)

    async def test_it_comes_under_a_mac_too(self, client: CMPClient, wanted: CertificateRequest) -> None:
        made = granted(await client.ir(wanted))

        outcome = await client.krr(made.certificate)

        assert isinstance(outcome, Recovered)
        assert len(outcome.pairs) == 1

    async def test_what_was_never_archived_is_rejected(self, client: CMPClient, device: Pair) -> None:
        with pytest.raises(Rejection, match=r"nothing archived \(badCertId\)"):
            await client.krr(device.certificate)
