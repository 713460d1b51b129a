"""Whose answer counts: every way in which one can be wrong is refused by an error of its own."""

from typing import Any

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import (
    CMPClient,
    CMPError,
    MACProtection,
    MalformedAnswer,
    UnexpectedBody,
    WrongCertReqId,
    WrongMAC,
    WrongNonce,
    WrongProtection,
    WrongTransaction,
    WrongVersion,
    asn1,
)
from tests.fakes.cmp import FakeCMPServer, Kind, Protector
from tests.protocols.cmp.asking import granted, make_csr, make_request
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey

HEADERS: dict[str, tuple[dict[str, Any], type[CMPError]]] = {
    "another transaction": ({"transactionID": bytes(16)}, WrongTransaction),
    "another nonce": ({"recipNonce": bytes(16)}, WrongNonce),
    "no nonce of ours": ({"recipNonce": None}, WrongNonce),
    "no nonce of its own": ({"senderNonce": None}, WrongNonce),
    "version 1": ({"pvno": 1}, WrongVersion),
    "version 4": ({"pvno": 4}, WrongVersion),
}


@pytest.mark.parametrize("kind", HEADERS)
async def test_a_wrong_header_is_refused(kind: str, server: FakeCMPServer, signing: CMPClient, key: Key) -> None:
    server.header, error = HEADERS[kind]

    with pytest.raises(error):
        await signing.cr(make_request(key))


BODIES: dict[str, Any] = {
    "another operation's": asn1.PKIBody("cp", {"response": []}),
    "a confirmation": asn1.PKIBody("pkiconf", core.Null()),
    "a poll": asn1.PKIBody("pollRep", [{"certReqId": 0, "checkAfter": 1}]),
    "a request": asn1.PKIBody("ir", []),
    "nested": asn1.PKIBody("nested", []),
    "an announced certificate": asn1.PKIBody("cann", asn1.CMPCertificate(contents=b"")),
    "an announced root": asn1.PKIBody("ckuann", ("cAKeyUpdAnnV3", {"newWithNew": asn1.CMPCertificate(contents=b"")})),
    "an announced root of old": asn1.PKIBody("ckuann", ("cAKeyUpdAnnV2", asn1.CMPCertificate(contents=b""))),
    "an announced CRL": asn1.PKIBody("crlann", []),
    "an announced revocation": asn1.PKIBody("rann", asn1.CMPCertificate(contents=b"")),
    "a challenge": asn1.PKIBody("popdecc", asn1.CMPCertificate(contents=b"")),
    "a general answer": asn1.PKIBody("genp", []),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_that_nobody_asked_for_is_refused(
    kind: str, server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    server.body = BODIES[kind]

    with pytest.raises(UnexpectedBody) as refused:
        await client.ir(make_request(key))

    assert refused.value.body == BODIES[kind].name


@pytest.mark.parametrize(("operation", "found"), [("ir", 1), ("ir", -1), ("p10cr", 1), ("p10cr", -2)])
async def test_an_answer_to_another_request_is_refused(
    operation: str, found: int, server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    body = {"response": [{"certReqId": found, "status": {"status": 0}}]}
    server.body = asn1.PKIBody("ip" if operation == "ir" else "cp", body)

    with pytest.raises(WrongCertReqId, match=str(found)):
        await (client.ir(make_request(key)) if operation == "ir" else client.p10cr(make_csr(key)))


@pytest.mark.parametrize("count", [0, 2])
async def test_one_request_has_one_response(count: int, server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    response = {"certReqId": 0, "status": {"status": 0}}
    server.body = asn1.PKIBody("ip", {"response": [response] * count})

    with pytest.raises(MalformedAnswer):
        await client.ir(make_request(key))


async def test_a_grant_without_a_certificate_is_refused(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.body = asn1.PKIBody("ip", {"response": [{"certReqId": 0, "status": {"status": 0}}]})

    with pytest.raises(MalformedAnswer, match="sent none"):
        await client.ir(make_request(key))


class TestMAC:
    async def test_another_secret_is_refused(self, server: FakeCMPServer, client: CMPClient, key: Key) -> None:
        server.answer_secret = b"another"

        with pytest.raises(WrongMAC, match="check reference and secret"):
            await client.ir(make_request(key))

    async def test_no_answer_to_a_signed_request(self, server: FakeCMPServer, signing: CMPClient, key: Key) -> None:
        server.answer_with = Kind.MAC

        with pytest.raises(WrongProtection, match="MAC"):
            await signing.cr(make_request(key))

    @pytest.mark.parametrize(
        "protector",
        [
            pytest.param(Protector(Kind.MAC, iterations=100_001), id="too many iterations of PBM"),
            pytest.param(Protector(Kind.MAC, iterations=99), id="too few iterations"),
            pytest.param(Protector(Kind.MAC, is_pbmac1=True, iterations=1_000_001), id="too many of PBMAC1"),
            pytest.param(Protector(Kind.MAC, is_pbmac1=True, key_length=1), id="a key that can be guessed"),
            pytest.param(Protector(Kind.MAC, is_pbmac1=True, key_length=129), id="a key without end"),
        ],
    )
    async def test_parameters_are_bounded(
        self, protector: Protector, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.protector = protector

        with pytest.raises(WrongProtection):
            await client.ir(make_request(key))

    async def test_as_many_iterations_as_configured_are_accepted(
        self, server: FakeCMPServer, make_client: MakeClient, key: Key
    ) -> None:
        server.protector = Protector(Kind.MAC, iterations=120_000)
        protection = MACProtection(reference="device-1", secret=b"sesame", iterations=120_000)

        assert granted(await make_client(protection).ir(make_request(key)))


@pytest.mark.parametrize("position", ["header", "body", "protection"])
async def test_a_changed_bit_is_noticed(position: str, server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    def changed(raw: bytes) -> bytes:
        whole = bytearray(raw)
        message = asn1.PKIMessage.load(raw)
        header, body = len(message["header"].dump()), len(message["body"].dump())
        whole[{"header": header - 40, "body": header + 500, "protection": header + body + 20}[position]] ^= 1
        return bytes(whole)

    server.tamper = changed
    with pytest.raises(CMPError):
        await client.ir(make_request(key))
