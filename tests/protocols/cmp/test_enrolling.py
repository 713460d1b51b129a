"""ir, cr, kur and p10cr, their confirmation, and what of them can be stored in between."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from certwright.protocols.cmp import (
    CertificateRequest,
    CertTemplate,
    CMPClient,
    Confirmed,
    ErrorMessage,
    FailInfo,
    MACAlgorithm,
    MACHash,
    MACProtection,
    Objection,
    Operation,
    PKIStatus,
    Settings,
    SignatureProtection,
    State,
    Transaction,
    WrongKey,
    asn1,
)
from certwright.protocols.cmp.infotypes import InfoType
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeCMPServer, Pair, Protector
from tests.fakes.cmp.messages import Kind
from tests.protocols.cmp.asking import dns_names, enrol, granted, make_csr, make_request
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey
OPERATIONS = ["ir", "cr", "p10cr", "kur"]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_signed_request_is_granted(operation: str, signing: CMPClient, device: Pair, key: Key) -> None:
    outcome = granted(await enrol(signing, operation, key, old=device.certificate))

    outcome.require_key(key.public_key())
    assert dns_names(outcome.certificate) == ["a.test"]
    assert outcome.status.status is PKIStatus.ACCEPTED
    assert not outcome.needs_confirmation


@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr"])
async def test_a_request_under_a_mac_is_granted(operation: str, client: CMPClient, key: Key) -> None:
    granted(await enrol(client, operation, key)).require_key(key.public_key())


@pytest.mark.parametrize("algorithm", MACAlgorithm)
@pytest.mark.parametrize("hash_", MACHash)
async def test_every_mac_is_understood(
    algorithm: MACAlgorithm, hash_: MACHash, make_client: MakeClient, key: Key
) -> None:
    protection = MACProtection(reference="device-1", secret=b"sesame", algorithm=algorithm, hash=hash_, iterations=200)

    assert granted(await make_client(protection).ir(make_request(key)))


@pytest.mark.parametrize(
    "protector",
    [
        pytest.param(Protector(Kind.MAC, mac_hash="sha1", iterations=1024), id="old server with SHA-1"),
        pytest.param(Protector(Kind.MAC, mac_hash="sha512"), id="PBM with SHA-512"),
        pytest.param(Protector(Kind.MAC, is_pbmac1=True), id="PBMAC1"),
        pytest.param(Protector(Kind.MAC, is_pbmac1=True, mac_hash="sha1"), id="PBMAC1 with SHA-1"),
    ],
)
async def test_a_server_chooses_its_own_mac(
    protector: Protector, server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    server.protector = protector

    assert granted(await client.ir(make_request(key)))


SIGNING_KEYS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate,
}


@pytest.mark.parametrize("kind", SIGNING_KEYS)
async def test_every_kind_of_key_protects_and_is_certified(
    kind: str, server: FakeCMPServer, make_client: MakeClient
) -> None:
    key = SIGNING_KEYS[kind]()
    device = server.authority.pair("device-1", key=key)
    protection = SignatureProtection(key=key, certificate=device.certificate)

    outcome = granted(await make_client(protection).kur(make_request(key), old=device.certificate))

    outcome.require_key(key.public_key())


async def test_an_rsa_key_protects_with_pss(server: FakeCMPServer, make_client: MakeClient, key: Key) -> None:
    device = server.authority.pair("device-1", key=rsa.generate_private_key(65537, 2048))
    protection = SignatureProtection(key=device.key, certificate=device.certificate, use_pss=True)

    assert granted(await make_client(protection).cr(make_request(key)))


async def test_a_certificate_without_a_subject_is_asked_for_by_its_names(client: CMPClient, key: Key) -> None:
    request = CertificateRequest.from_csr(make_csr(key, "a.test", "b.test", common_name=None), key=key)

    outcome = granted(await client.ir(request))

    assert dns_names(outcome.certificate) == ["a.test", "b.test"]
    assert not list(outcome.certificate.subject)


async def test_the_chain_and_the_ca_pubs_come_along(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    outcome = granted(await client.ir(make_request(key)))

    assert outcome.chain == (server.authority.issuing.certificate, server.root)
    assert outcome.ca_pubs == (server.root,)
    assert outcome.are_ca_pubs_authenticated


async def test_ca_pubs_of_a_signed_answer_are_not_authenticated(signing: CMPClient, key: Key) -> None:
    assert not granted(await signing.ir(make_request(key))).are_ca_pubs_authenticated


class TestConfirming:
    @pytest.mark.parametrize("operation", OPERATIONS)
    async def test_a_certificate_is_taken(
        self, operation: str, server: FakeCMPServer, signing: CMPClient, device: Pair, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        outcome = granted(await enrol(signing, operation, key, old=device.certificate))

        assert outcome.needs_confirmation
        done = await signing.confirm(outcome.transaction)

        assert isinstance(done, Confirmed)
        assert done.transaction.state is State.DONE
        assert [one.is_confirmed for one in server.transactions.values()] == [True]

    @pytest.mark.parametrize("response_id", [-1, 0])
    async def test_a_csr_is_confirmed_under_the_servers_id(
        self, response_id: int, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        server.response_id = response_id
        outcome = granted(await client.p10cr(make_csr(key)))

        assert outcome.transaction.cert_req_id == response_id
        assert isinstance(await client.confirm(outcome.transaction), Confirmed)

    async def test_a_certificate_for_another_key_is_refused(
        self, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        server.public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
        outcome = granted(await client.ir(make_request(key)))

        with pytest.raises(WrongKey):
            outcome.require_key(key.public_key())
        done = await client.refuse(outcome.transaction, Objection(text="another key"))

        assert isinstance(done, Confirmed)
        assert [one.is_refused for one in server.transactions.values()] == [True]

    @pytest.mark.parametrize("kind", ["Ed25519", "ML-DSA-65"])
    async def test_the_hash_is_named_where_the_signature_has_none(
        self, kind: str, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        issuing = SIGNING_KEYS[kind]()
        server.authority.issuing = Pair(server.authority.issuing.certificate, issuing)
        outcome = granted(await client.ir(make_request(key)))

        done = await client.confirm(outcome.transaction)

        assert done.transaction.pvno == (2 if kind == "Ed25519" else 3)

    async def test_confirmation_is_due_though_the_server_would_do_without(
        self, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        client = make_client(mac, settings=Settings(implicit_confirm=False))

        assert granted(await client.ir(make_request(key))).needs_confirmation

    async def test_the_server_says_until_when(
        self, server: FakeCMPServer, client: CMPClient, clock: FakeClock, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        server.confirm_wait = clock.now()

        assert granted(await client.ir(make_request(key))).confirm_by == clock.now()

    async def test_another_process_confirms_after_a_restart(
        self, server: FakeCMPServer, client: CMPClient, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        stored = json.dumps(granted(await client.ir(make_request(key))).transaction.to_json())

        resumed = Transaction.from_json(json.loads(stored))

        assert isinstance(await make_client(mac).confirm(resumed), Confirmed)

    async def test_nothing_is_confirmed_twice(self, client: CMPClient, key: Key) -> None:
        outcome = granted(await client.ir(make_request(key)))

        with pytest.raises(ValueError, match="certConf"):
            await client.confirm(outcome.transaction)

    async def test_nothing_is_confirmed_that_was_not_granted(self, client: CMPClient) -> None:
        with pytest.raises(ValueError, match="certConf"):
            await client.confirm(Transaction.begin(Operation.IR))


async def test_a_profile_goes_along(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    await client.ir(make_request(key, profile="tls-server"))

    (_, request), *_ = server.seen
    assert request.infos[InfoType.CERT_PROFILE].parse(asn1.UTF8Strings).native == ["tls-server"]


async def test_a_transaction_is_used_once(client: CMPClient, key: Key) -> None:
    transaction = Transaction.begin(Operation.IR)
    await client.ir(make_request(key), transaction=transaction)

    with pytest.raises(ErrorMessage) as refused:
        await client.ir(make_request(key), transaction=transaction)

    assert refused.value.status.fail_info == (FailInfo.TRANSACTION_ID_IN_USE,)


async def test_the_server_is_told_of_a_failure(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.grants_implicit_confirm = False
    outcome = granted(await client.ir(make_request(key)))

    assert isinstance(await client.error(outcome.transaction, Objection(text="cannot go on")), Confirmed)


async def test_what_computes_is_handed_over(make_client: MakeClient, mac: MACProtection, key: Key) -> None:
    handed: list[str] = []

    async def run_cpu(work: Callable[[], Any]) -> Any:
        handed.append("work")
        return work()

    assert granted(await make_client(mac, run_cpu=run_cpu).ir(make_request(key)))
    assert len(handed) == 3  # the proof of possession, the protection, the answer


async def test_enrolments_do_not_disturb_each_other(server: FakeCMPServer, client: CMPClient) -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(10)]

    outcomes = await asyncio.gather(*(client.ir(make_request(key)) for key in keys))

    for key, outcome in zip(keys, outcomes, strict=True):
        granted(outcome).require_key(key.public_key())
    assert len(server.transactions) == 10


async def test_a_registration_authority_may_vouch_for_possession(
    server: FakeCMPServer, signing: CMPClient, key: Key
) -> None:
    request = CertificateRequest(template=CertTemplate.from_csr(make_csr(key)), is_ra_verified=True)

    assert granted(await signing.cr(request))
    assert server.seen[0][1].body.chosen[0]["popo"].name == "raVerified"
