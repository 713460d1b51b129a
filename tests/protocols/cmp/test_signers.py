"""Whose signature counts: of every kind of key, under an anchor, by who says that he sends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from certwright.protocols.cmp import (
    BadSignature,
    CMPClient,
    Interop,
    MACProtection,
    Settings,
    SignatureProtection,
    Trust,
    UntrustedSigner,
    WrongProtection,
    WrongSender,
    asn1,
)
from tests.fakes.ca import common_name
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeAuthority, FakeCMPServer, Kind, Pair, key_usage
from tests.protocols.cmp.asking import granted, make_request
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey

SIGNING_KEYS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-PSS": lambda: rsa.generate_private_key(65537, 2048),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate,
}


class TestSigner:
    @pytest.mark.parametrize("kind", SIGNING_KEYS)
    async def test_every_kind_of_key_is_understood(
        self, kind: str, server: FakeCMPServer, signing: CMPClient, key: Key
    ) -> None:
        signer = server.authority.pair("CMP Server", key=SIGNING_KEYS[kind]())
        server.signer = replace(signer, key=(signer.key, "PSS")) if kind == "RSA-PSS" else signer

        assert granted(await signing.cr(make_request(key)))

    async def test_a_broken_hash_is_not_accepted(self, server: FakeCMPServer, signing: CMPClient, key: Key) -> None:
        server.header["protectionAlg"] = {"algorithm": "1.2.840.10045.4.1"}  # ECDSA with SHA-1

        with pytest.raises(WrongProtection):
            await signing.cr(make_request(key))

    async def test_a_signed_answer_to_a_mac_counts_under_an_anchor(
        self, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.answer_with = Kind.SIGNATURE

        assert granted(await client.ir(make_request(key)))

    async def test_nothing_signed_counts_without_an_anchor(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.answer_with = Kind.SIGNATURE

        with pytest.raises(UntrustedSigner, match="no trust anchor"):
            await make_client(mac, trust=Trust()).cr(make_request(key))

    async def test_another_hierarchy_is_not_trusted(
        self, server: FakeCMPServer, signing: CMPClient, clock: FakeClock, key: Key
    ) -> None:
        server.signer = FakeAuthority(clock=clock.now, name="Evil").signer

        with pytest.raises(UntrustedSigner, match="leads to no configured trust anchor"):
            await signing.cr(make_request(key))

    async def test_a_look_alike_is_not_trusted(
        self, server: FakeCMPServer, signing: CMPClient, clock: FakeClock, key: Key
    ) -> None:
        server.signer = FakeAuthority(clock=clock.now).signer

        with pytest.raises(UntrustedSigner):
            await signing.cr(make_request(key))

    async def test_the_issuing_ca_may_be_the_anchor(
        self, server: FakeCMPServer, make_client: MakeClient, signature: SignatureProtection, key: Key
    ) -> None:
        trust = Trust((server.authority.issuing.certificate,))

        assert granted(await make_client(signature, trust=trust).cr(make_request(key)))

    async def test_the_signer_may_be_the_anchor(
        self, server: FakeCMPServer, make_client: MakeClient, signature: SignatureProtection, key: Key
    ) -> None:
        trust = Trust((server.signer.certificate,))

        assert granted(await make_client(signature, trust=trust).cr(make_request(key)))

    async def test_it_is_found_though_the_server_names_our_key(
        self, server: FakeCMPServer, signing: CMPClient, key: Key
    ) -> None:
        server.echoes_key_identifier = True

        assert granted(await signing.cr(make_request(key)))

    async def test_an_expired_one_is_not_trusted(
        self, server: FakeCMPServer, signing: CMPClient, clock: FakeClock, key: Key
    ) -> None:
        server.signer = server.authority.pair("CMP Server", not_after=clock.now() - timedelta(seconds=1))

        with pytest.raises(UntrustedSigner, match="expired"):
            await signing.cr(make_request(key))

    async def test_a_leaf_cannot_vouch_for_a_signer(
        self, server: FakeCMPServer, signing: CMPClient, device: Pair, key: Key
    ) -> None:
        authority_of_leaf = FakeAuthority(clock=server.clock)
        authority_of_leaf.issuing = Pair(device.certificate, device.key, device.chain)
        forged = authority_of_leaf.pair("CMP Server")
        server.signer = Pair(forged.certificate, forged.key, (device.certificate, *device.chain))

        with pytest.raises(UntrustedSigner):
            await signing.cr(make_request(key))

    @pytest.mark.parametrize("ignored", [False, True])
    async def test_digital_signature_is_needed_unless_waived(
        self,
        *,
        ignored: bool,
        server: FakeCMPServer,
        make_client: MakeClient,
        signature: SignatureProtection,
        key: Key,
    ) -> None:
        server.signer = server.authority.pair("CMP Server", usage=key_usage("key_cert_sign"))
        client = make_client(signature, settings=Settings(interop=Interop(ignore_key_usage=ignored)))

        if ignored:
            assert granted(await client.cr(make_request(key)))
            return
        with pytest.raises(UntrustedSigner, match="digitalSignature"):
            await client.cr(make_request(key))

    async def test_the_sender_is_the_subject_of_the_signer(
        self, server: FakeCMPServer, signing: CMPClient, key: Key
    ) -> None:
        server.header["sender"] = _directory_name("Somebody Else")

        with pytest.raises(WrongSender):
            await signing.cr(make_request(key))

    async def test_the_expected_sender_is_required(
        self, server: FakeCMPServer, make_client: MakeClient, signature: SignatureProtection, key: Key
    ) -> None:
        trust = Trust((server.root,), sender=common_name("Another Server"))

        with pytest.raises(WrongSender):
            await make_client(signature, trust=trust).cr(make_request(key))

    async def test_the_key_has_to_be_the_signers(self, server: FakeCMPServer, signing: CMPClient, key: Key) -> None:
        server.signer = replace(server.signer, key=ec.generate_private_key(ec.SECP256R1()))

        with pytest.raises(BadSignature):
            await signing.cr(make_request(key))


def _directory_name(name: str) -> Any:
    raw = common_name(name).public_bytes()
    return asn1.GeneralName("directoryName", asn1.Name.load(raw))


async def test_a_name_in_another_string_type_is_the_same_sender(
    server: FakeCMPServer, signing: CMPClient, key: Key
) -> None:
    attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, "CMP Server", x509.name._ASN1Type.PrintableString)
    raw = x509.Name([attribute]).public_bytes()
    server.header["sender"] = asn1.GeneralName("directoryName", asn1.Name.load(raw))

    assert granted(await signing.cr(make_request(key)))
