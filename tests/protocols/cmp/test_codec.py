"""The declarations against an independent codec: pyasn1 with Russ Housley's modules for RFC 9810 and RFC 4211.

pyasn1 decodes by its own declarations and encodes again; the same bytes mean the same tags in both.
"""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyasn1.codec.der import decoder, encoder  # type: ignore[import-untyped]
from pyasn1_alt_modules import rfc4211, rfc9810  # type: ignore[import-untyped]

from certwright.protocols.cmp import (
    CertificateRequest,
    CertTemplate,
    CMPClient,
    CRLStatus,
    MACAlgorithm,
    MACProtection,
    Objection,
    Rejection,
    Settings,
    SignatureProtection,
    ask_ca_certs,
    ask_cert_req_template,
    ask_crls,
    ask_root_ca_update,
    asn1,
)
from certwright.protocols.cmp.der import element
from certwright.protocols.cmp.template import CertTemplate as Template
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeCMPServer, Pair, Refuse
from tests.protocols.cmp.asking import enrol, granted, make_csr, make_request, waiting
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey


def decoded(raw: bytes, specification: Any) -> Any:
    """By pyasn1, open types included, and encoded again to the same bytes."""
    value, rest = decoder.decode(raw, asn1Spec=specification, decodeOpenTypes=False)
    assert rest == b""
    assert encoder.encode(value) == raw
    return value


def messages(server: FakeCMPServer) -> list[tuple[str, Any]]:
    """Every message that went either way, by its body's name."""
    found = [decoded(raw, rfc9810.PKIMessage()) for exchange in server.exchanges for raw in exchange]
    return [(message["body"].getName(), message) for message in found]


@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr", "kur"])
@pytest.mark.parametrize("waits_with_error", [False, True])
async def test_an_enrolment_with_all_its_messages(
    operation: str, *, waits_with_error: bool, server: FakeCMPServer, signing: CMPClient, device: Pair, key: Key
) -> None:
    server.polls, server.grants_implicit_confirm, server.waits_with_error = 2, False, waits_with_error
    first = waiting(await enrol(signing, operation, key, old=device.certificate))
    second = waiting(await signing.poll(first.transaction))
    await signing.confirm(granted(await signing.poll(second.transaction)).transaction)

    response = {"ir": "ip", "kur": "kup"}.get(operation, "cp")
    expected = [operation, "error" if waits_with_error else response, "pollReq", "pollRep", "pollReq", response]
    assert [name for name, _ in messages(server)] == [*expected, "certConf", "pkiconf"]


@pytest.mark.parametrize("algorithm", MACAlgorithm)
async def test_a_request_under_a_mac(
    algorithm: MACAlgorithm, server: FakeCMPServer, make_client: MakeClient, key: Key
) -> None:
    protection = MACProtection(reference="device-1", secret=b"sesame", algorithm=algorithm, iterations=300)
    await make_client(protection).ir(make_request(key, profile="tls"))

    (_, request), _ = messages(server)
    header = request["header"]
    assert bytes(header["senderKID"]) == b"device-1"
    assert len(header["transactionID"]) == len(header["senderNonce"]) == 16
    if algorithm is MACAlgorithm.PBM:
        parameters = decoded(bytes(header["protectionAlg"]["parameters"]), rfc9810.PBMParameter())
        assert int(parameters["iterationCount"]) == 300
        assert len(parameters["salt"]) == 16


async def test_the_request_says_what_was_asked_for(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    await client.ir(make_request(key, "a.test", "b.test"))

    (_, request), (_, answer) = messages(server)
    (asked,) = request["body"]["ir"]
    template = asked["certReq"]["certTemplate"]
    assert int(asked["certReq"]["certReqId"]) == 0
    assert encoder.encode(template["subject"][0]) == make_csr(key).subject.public_bytes()
    assert asked["popo"].getName() == "signature"
    assert not asked["popo"]["signature"]["poposkInput"].isValue
    assert len(template["extensions"]) == 1
    certified = answer["body"]["ip"]["response"][0]["certifiedKeyPair"]["certOrEncCert"]
    assert certified.getName() == "certificate"


@pytest.mark.parametrize(
    ("key", "digest", "expected"),
    [
        pytest.param(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256(), "1.2.840.10045.4.3.2", id="ECDSA"),
        pytest.param(ec.generate_private_key(ec.SECP256R1()), hashes.SHA512(), "1.2.840.10045.4.3.4", id="longer"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256(), "1.2.840.10045.4.3.2", id="shorter"),
        pytest.param(rsa.generate_private_key(65537, 2048), hashes.SHA384(), "1.2.840.113549.1.1.12", id="RSA"),
    ],
)
async def test_possession_is_proved_with_the_hash_of_the_csr(
    server: FakeCMPServer, client: CMPClient, key: Key, digest: hashes.SHA256, expected: str
) -> None:
    csr = x509.CertificateSigningRequestBuilder(make_csr(key).subject).sign(key, digest)
    granted(await client.ir(CertificateRequest.from_csr(csr, key=key)))

    (_, request), _ = messages(server)
    proof = request["body"]["ir"][0]["popo"]["signature"]
    assert str(proof["algorithmIdentifier"]["algorithm"]) == expected


async def test_a_renewal_names_the_old_certificate(
    server: FakeCMPServer, signing: CMPClient, device: Pair, key: Key
) -> None:
    await signing.kur(make_request(key), old=device.certificate)

    (_, request), _ = messages(server)
    (control,) = request["body"]["kur"][0]["certReq"]["controls"]
    named = decoded(bytes(control["value"]), rfc4211.OldCertId())
    assert control["type"] == rfc4211.id_regCtrl_oldCertID
    assert int(named["serialNumber"]) == device.certificate.serial_number
    assert encoder.encode(named["issuer"]["directoryName"][0]) == device.certificate.issuer.public_bytes()


async def test_a_refused_certificate_and_a_named_hash(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.grants_implicit_confirm = False
    server.authority.issuing = Pair(server.authority.issuing.certificate, mldsa.MLDSA44PrivateKey.generate())
    outcome = granted(await client.ir(make_request(key)))

    await client.refuse(outcome.transaction, Objection(text="not mine"))

    *_, (_, confirmation), _ = messages(server)
    (status,) = confirmation["body"]["certConf"]
    assert int(confirmation["header"]["pvno"]) == 3
    assert status["hashAlg"]["algorithm"].prettyPrint() == "2.16.840.1.101.3.4.2.3"
    assert int(status["statusInfo"]["status"]) == 2
    assert status["statusInfo"]["failInfo"].prettyPrint()


async def test_a_revocation(server: FakeCMPServer, signing: CMPClient, key: Key) -> None:
    certificate = granted(await signing.cr(make_request(key))).certificate
    await signing.rr(certificate)

    *_, (_, request), (_, answer) = messages(server)
    (details,) = request["body"]["rr"]
    assert int(details["certDetails"]["serialNumber"]) == certificate.serial_number
    assert [bytes(one["extnValue"]) for one in details["crlEntryDetails"]] == [b"\x0a\x01\x00"]
    assert int(answer["body"]["rp"]["status"][0]["status"]) == 0


async def test_a_central_key(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    await client.ir(CertificateRequest.for_central_key(make_csr(key)))

    (_, request), (_, answer) = messages(server)
    template = request["body"]["ir"][0]["certReq"]["certTemplate"]
    assert len(template["publicKey"]["subjectPublicKey"]) == 0
    assert not request["body"]["ir"][0]["popo"].isValue
    pair = answer["body"]["ip"]["response"][0]["certifiedKeyPair"]
    assert pair["privateKey"].getName() == "envelopedData"


async def test_a_recovered_key(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    made = granted(await client.ir(CertificateRequest.for_central_key(make_csr(key))))
    await client.krr(made.certificate)

    _, (request, answer) = server.exchanges
    assert decoded(request, rfc9810.PKIMessage())["body"].getName() == "krr"
    # pyasn1's krp is still that of RFC 4210, whose pairs have no EnvelopedData; so only the pair is compared.
    (pair,) = asn1.PKIMessage.load(answer)["body"].chosen["keyPairHist"]
    assert decoded(pair.dump(), rfc9810.CertifiedKeyPair())["privateKey"].getName() == "envelopedData"


async def test_a_recovery_names_the_key_to_encrypt_for(server: FakeCMPServer, signing: CMPClient, device: Pair) -> None:
    with pytest.raises(Rejection):
        await signing.krr(device.certificate)

    (_, request), _ = messages(server)
    (control,) = request["body"]["krr"][0]["certReq"]["controls"]
    named = decoded(bytes(control["value"]), rfc4211.ProtocolEncrKey())
    assert control["type"] == rfc4211.id_regCtrl_protocolEncrKey
    public_key = device.certificate.public_key()
    assert encoder.encode(named) == public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def test_general_messages(server: FakeCMPServer, client: CMPClient, clock: FakeClock) -> None:
    root = server.root
    newest = CRLStatus(issuer=root.subject, this_update=clock.now())
    await client.genm([ask_ca_certs(), ask_root_ca_update(root), ask_cert_req_template(), ask_crls([newest])])

    (_, request), _ = messages(server)
    kinds = [one["infoType"] for one in request["body"]["genm"]]
    values = [one["infoValue"] for one in request["body"]["genm"]]
    assert kinds == [
        rfc9810.id_it_caCerts,
        rfc9810.id_it_rootCaCert,
        rfc9810.id_it_certReqTemplate,
        rfc9810.id_it_crlStatusList,
    ]
    decoded(bytes(values[1]), rfc9810.RootCaCertValue())
    (status,) = decoded(bytes(values[3]), rfc9810.CRLStatusListValue())
    assert status["source"].getName() == "issuer"


async def test_an_envelope_of_a_registration_authority(
    server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
) -> None:
    pair = server.authority.pair("RA")
    authority = SignatureProtection(key=pair.key, certificate=pair.certificate)
    await make_client(mac, settings=Settings(registration_authority=authority)).ir(make_request(key))

    (_, outer), _ = messages(server)
    (whole,) = outer["body"]["nested"]
    inner = decoded(bytes(whole), rfc9810.PKIMessage())
    assert inner["body"].getName() == "ir"
    assert inner["header"]["transactionID"] == outer["header"]["transactionID"]


async def test_an_error(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.grants_implicit_confirm = False
    outcome = granted(await client.ir(make_request(key)))
    server.refusals.append(Refuse(is_error=True))
    await client.error(outcome.transaction, Objection(text="cannot go on"))

    *_, (name, request), _ = messages(server)
    assert name == "error"
    assert int(request["body"]["error"]["pKIStatusInfo"]["status"]) == 2


async def test_a_template_with_everything(clock: FakeClock, server: FakeCMPServer, key: Key) -> None:
    root = server.root
    template = Template.recovering(root)
    full = CertTemplate(
        subject=template.subject,
        public_key=template.public_key,
        extensions=CertTemplate.from_csr(make_csr(key)).extensions,
        issuer=template.issuer,
        serial_number=template.serial_number,
        not_before=clock.now(),
        not_after=clock.now().replace(year=2051),
    )

    value = decoded(full.asn1().dump(), rfc4211.CertTemplate())

    assert value["validity"]["notBefore"].getName() == "utcTime"
    assert value["validity"]["notAfter"].getName() == "generalTime"
    assert encoder.encode(value["issuer"][0]) == root.issuer.public_bytes()


STRUCTURES: dict[str, tuple[Any, Any]] = {
    "encryptedValue": (
        asn1.EncryptedKey(
            "encryptedValue",
            {
                "intendedAlg": {"algorithm": "1.2.3"},
                "symmAlg": {"algorithm": "1.2.4"},
                "encSymmKey": b"key",
                "keyAlg": {"algorithm": "1.2.5"},
                "valueHint": b"hint",
                "encValue": b"value",
            },
        ),
        rfc4211.EncryptedKey(),
    ),
    "raVerified": (asn1.ProofOfPossession("raVerified"), rfc4211.ProofOfPossession()),
    "keyEncipherment": (
        asn1.ProofOfPossession("keyEncipherment", ("subsequentMessage", 0)),
        rfc4211.ProofOfPossession(),
    ),
    "keyAgreement": (
        asn1.ProofOfPossession("keyAgreement", ("agreeMAC", {"algId": {"algorithm": "1.2.3"}, "value": (1, 0)})),
        rfc4211.ProofOfPossession(),
    ),
    "freeText": (asn1.PKIFreeText(["one", "two"]), rfc9810.PKIFreeText()),
    "statusInfo": (
        asn1.PKIStatusInfo({"status": 2, "statusString": ["no"], "failInfo": (0, 0, 1)}),
        rfc9810.PKIStatusInfo(),
    ),
    "errorMsg": (
        asn1.ErrorMsgContent({"pKIStatusInfo": {"status": 2}, "errorCode": -1, "errorDetails": ["x"]}),
        rfc9810.ErrorMsgContent(),
    ),
    "pollRep": (
        asn1.PollRepContent([{"certReqId": -1, "checkAfter": 9, "reason": ["x"]}]),
        rfc9810.PollRepContent(),
    ),
    "encryptedCert": (
        asn1.CertOrEncCert("encryptedCert", ("encryptedValue", {"encValue": b"x"})),
        rfc9810.CertOrEncCert(),
    ),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_structure_that_only_others_send(name: str) -> None:
    ours, theirs = STRUCTURES[name]

    decoded(ours.dump(), theirs)


OPAQUE = [
    asn1.CMPCertificate,
    asn1.CertificateList,
    asn1.CertificationRequest,
    asn1.EnvelopedData,
    asn1.Extensions,
    asn1.SubjectPublicKeyInfo,
]


@pytest.mark.parametrize("declaration", OPAQUE, ids=lambda declaration: declaration.__name__)
@pytest.mark.parametrize("length", [0x7F, 0x80, 0xFF, 0x100, 0x180, 0x280, 0x8080], ids=hex)
def test_what_is_only_carried_keeps_its_bytes(declaration: Any, length: int) -> None:
    raw = element(0x30, b"\x05\x00" * (length // 2) + b"\x00" * (length % 2))
    value = declaration.load(raw)

    assert value.dump() == value.dump(force=True) == raw
    assert asn1.Certificates([asn1.CMPCertificate.load(raw)]).dump().endswith(raw)
