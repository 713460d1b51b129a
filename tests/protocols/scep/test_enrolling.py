"""The messages of RFC 8894 against a server that refuses what a strict one refuses."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.scep import (
    ChallengeNeeded,
    FailInfo,
    Failure,
    PendingReply,
    SCEPClient,
    Signer,
    Success,
    Unfinished,
    UntrustedAuthority,
)
from certwright.protocols.transport import UnexpectedStatus
from tests.fakes.ca import LEAF_LIFE
from tests.fakes.clock import FakeClock
from tests.fakes.scep.authority import SCEPAuthority
from tests.fakes.scep.server import FakeSCEPServer
from tests.protocols.scep.conftest import Device


@pytest.mark.parametrize("agents", [0, 1, 2], ids=["ca-alone", "one-ra", "ra-pair"])
@pytest.mark.parametrize("order", ["leaf-first", "leaf-last"])
async def test_the_certificate_is_the_one_with_the_key_and_the_rest_its_chain(
    device: Device, server: FakeSCEPServer, clock: FakeClock, agents: int, order: str
) -> None:
    server.authority = SCEPAuthority(clock=clock.now, agents=agents)
    server.leaf_last = order == "leaf-last"
    reply = await device.enrolled()
    assert device.key.public_key() == reply.certificate.public_key()
    assert (server.authority.ca.certificate,) == reply.chain


async def test_an_ec_key_enrols_with_a_throw_away_rsa_signer(device: Device) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    reply = await device.enrolled(key=own)
    assert own.public_key() == reply.certificate.public_key()


async def test_the_challenge_travels_in_the_csr_and_is_spent_once(device: Device, server: FakeSCEPServer) -> None:
    server.challenges, server.one_time = {"swordfish"}, True
    csr = device.csr(challenge="swordfish")
    transaction = await device.transaction(csr)
    assert isinstance(await device.client.pkcs_req(csr, transaction), Success)
    again = await device.client.pkcs_req(csr, transaction)
    assert isinstance(again, Success), "the identical request is a repetition"
    other = device.csr(challenge="swordfish", subject=x509.Name([]))
    with pytest.raises(Failure) as caught:
        await device.client.pkcs_req(other, await device.transaction(other))
    assert caught.value.fail_info is FailInfo.BAD_REQUEST
    assert len(server.issued) == 1


async def test_a_pending_request_is_polled_until_it_is_granted(device: Device, server: FakeSCEPServer) -> None:
    server.pending, server.retry_after = 2, "3600"
    csr = device.csr()
    transaction = await device.transaction(csr)
    waiting = [await device.client.pkcs_req(csr, transaction), await device.client.cert_poll(csr, transaction)]
    assert [PendingReply(timedelta(hours=1))] * 2 == waiting
    assert isinstance(await device.client.cert_poll(csr, transaction), Success)
    assert server.message_types == ["19", "20", "20"]
    assert {transaction.id} == {request.transaction_id for request in server.seen}
    assert len({request.nonce for request in server.seen}) == 3


async def test_a_server_without_polling_gets_the_same_request_again(device: Device, server: FakeSCEPServer) -> None:
    server.pending, server.polling = 1, False
    csr = device.csr()
    transaction = await device.transaction(csr)
    assert isinstance(await device.client.pkcs_req(csr, transaction), PendingReply)
    with pytest.raises(UnexpectedStatus):
        await device.client.cert_poll(csr, transaction)
    assert isinstance(await device.client.pkcs_req(csr, transaction), Success)


async def test_a_poll_for_a_request_that_nobody_knows_is_refused(device: Device) -> None:
    csr = device.csr()
    with pytest.raises(Failure) as caught:
        await device.client.cert_poll(csr, await device.transaction(csr))
    assert caught.value.fail_info is FailInfo.BAD_CERT_ID


@pytest.mark.parametrize("content", [None, b"", b"\0"], ids=["no-content", "empty-content", "one-octet"])
async def test_success_without_an_envelope_is_asked_for_again(
    device: Device, server: FakeSCEPServer, content: bytes | None
) -> None:
    server.unfinished, server.unfinished_content = 1, content
    csr = device.csr()
    transaction = await device.transaction(csr)
    assert await device.client.pkcs_req(csr, transaction) == Unfinished()
    assert isinstance(await device.client.cert_poll(csr, transaction), Success)


async def test_a_renewal_is_signed_by_the_current_certificate_and_needs_no_challenge(
    device: Device, server: FakeSCEPServer, clock: FakeClock
) -> None:
    server.challenges = {"swordfish"}
    current = (await device.enrolled(challenge="swordfish")).certificate
    await clock.advance(timedelta(days=30))
    csr = device.csr()
    renewed = await device.client.renewal_req(csr, await device.transaction(csr, current=Signer(current, device.key)))
    assert isinstance(renewed, Success)
    assert current.serial_number != renewed.certificate.serial_number
    assert current == server.seen[-1].signer
    assert server.message_types == ["19", "17"]


async def test_a_request_may_be_signed_by_the_current_certificate_without_being_a_renewal(
    device: Device, server: FakeSCEPServer
) -> None:
    current = (await device.enrolled()).certificate
    csr = device.csr()
    transaction = await device.transaction(csr, current=Signer(current, device.key))
    assert isinstance(await device.client.pkcs_req(csr, transaction), Success)
    assert server.message_types == ["19", "19"]


async def test_an_expired_certificate_renews_nothing(device: Device, clock: FakeClock) -> None:
    current = (await device.enrolled()).certificate
    await clock.advance(LEAF_LIFE + timedelta(seconds=1))
    csr = device.csr()
    transaction = await device.transaction(csr, current=Signer(current, device.key))
    with pytest.raises(Failure) as caught:
        await device.client.renewal_req(csr, transaction)
    assert caught.value.fail_info is FailInfo.BAD_MESSAGE_CHECK


async def test_a_ca_that_cannot_decrypt_is_written_to_with_the_challenge(
    device: Device, server: FakeSCEPServer, clock: FakeClock
) -> None:
    server.authority = SCEPAuthority(clock=clock.now, ca_key=ec.generate_private_key(ec.SECP384R1()), name="EC CA")
    server.challenges = {"swordfish"}
    csr = device.csr(challenge="swordfish")
    with pytest.raises(ChallengeNeeded):
        await device.client.pkcs_req(csr, await device.transaction(csr))
    assert server.seen == []
    transaction = await device.transaction(csr, challenge="swordfish")
    assert isinstance(await device.client.pkcs_req(csr, transaction), Success)
    assert server.ciphers == ["password"]


async def test_a_requester_that_cannot_decrypt_is_answered_with_the_challenge(
    device: Device, server: FakeSCEPServer
) -> None:
    server.challenges = {"swordfish"}
    own = ec.generate_private_key(ec.SECP256R1())
    current = (await device.enrolled(key=own, challenge="swordfish")).certificate
    csr = device.csr(key=own)
    transaction = await device.transaction(csr, challenge="swordfish", current=Signer(current, own))
    renewed = await device.client.renewal_req(csr, transaction)
    assert isinstance(renewed, Success)
    assert current != renewed.certificate


async def test_an_issued_certificate_can_be_fetched_again(device: Device) -> None:
    certificate = (await device.enrolled()).certificate
    transaction = await device.transaction(device.csr())
    assert certificate == await device.client.get_cert(certificate.serial_number, transaction)
    with pytest.raises(Failure) as caught:
        await device.client.get_cert(4711, transaction)
    assert caught.value.fail_info is FailInfo.BAD_CERT_ID


@pytest.mark.parametrize("agents", [0, 2], ids=["ca-alone", "ra-pair"])
async def test_the_crl_is_that_of_the_issuer_also_behind_an_ra(
    device: Device, server: FakeSCEPServer, clock: FakeClock, agents: int
) -> None:
    server.authority = SCEPAuthority(clock=clock.now, agents=agents)
    certificate = (await device.enrolled()).certificate
    server.revoked.add(certificate.serial_number)
    transaction = await device.transaction(device.csr())
    crl = await device.client.get_crl(certificate, transaction)
    assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


async def test_the_next_ca_is_vouched_for_by_the_present_one(
    client: SCEPClient, server: FakeSCEPServer, clock: FakeClock
) -> None:
    server.next_authority = SCEPAuthority(clock=clock.now, name="Next SCEP CA")
    following = await client.get_next_ca_cert(await client.get_ca_cert())
    assert server.next_authority.ca.certificate == following.ca


async def test_a_next_ca_of_somebody_else_is_not_trusted(
    client: SCEPClient, server: FakeSCEPServer, clock: FakeClock
) -> None:
    present = await client.get_ca_cert()
    server.authority = server.next_authority = SCEPAuthority(clock=clock.now, name="Mallory")
    with pytest.raises(UntrustedAuthority):
        await client.get_next_ca_cert(present)


async def test_a_server_that_announces_the_next_ca_and_has_none_says_so(client: SCEPClient) -> None:
    with pytest.raises(UnexpectedStatus):
        await client.get_next_ca_cert(await client.get_ca_cert())
