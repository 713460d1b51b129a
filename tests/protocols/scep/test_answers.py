"""Reading CertRep: strict about everything cryptographic, lenient about form, exact about what has to be accepted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from certwright.protocols.scep import (
    AnotherKey,
    FailInfo,
    Failure,
    LegacyAlgorithm,
    LegacyAlgorithms,
    MalformedAnswer,
    SCEPClient,
    SCEPError,
    Success,
    Unauthenticated,
    Undecryptable,
    WeakAnswer,
)
from certwright.protocols.transport import ConnectionFailed, TransportError, UnexpectedStatus
from tests.fakes.ca import common_name
from tests.fakes.clock import FakeClock
from tests.fakes.scep import messages
from tests.fakes.scep.answers import Lie
from tests.fakes.scep.authority import SCEPAuthority, certify, rsa_key
from tests.fakes.scep.server import FakeSCEPServer
from tests.protocols.scep.conftest import Device

Connect = Callable[..., SCEPClient]
LIES: dict[Lie, type[SCEPError] | tuple[type[SCEPError], ...]] = {
    Lie.NONCE: Unauthenticated,
    Lie.TRANSACTION: Unauthenticated,
    Lie.SIGNER: Unauthenticated,
    Lie.LEAF_SIGNER: Unauthenticated,
    Lie.DIGEST: Unauthenticated,
    # One wrong key in 256 leaves a padding that looks right, and garbage before it.
    Lie.RECIPIENT: (Undecryptable, MalformedAnswer),
    Lie.STATUS: MalformedAnswer,
    Lie.MESSAGE_TYPE: MalformedAnswer,
    Lie.KEY: AnotherKey,
}
EXPECTED_WEAKNESS = [
    pytest.param("des", "sha256", {LegacyAlgorithm.DES}, id="single-des"),
    pytest.param("tripledes_3key", "sha256", {LegacyAlgorithm.DES3}, id="triple-des"),
    pytest.param("aes256_cbc", "sha1", {LegacyAlgorithm.SHA1}, id="sha-1"),
    pytest.param("aes128_cbc", "md5", {LegacyAlgorithm.MD5}, id="md5"),
    pytest.param("des", "sha1", {LegacyAlgorithm.DES, LegacyAlgorithm.SHA1}, id="single-des-and-sha-1"),
    pytest.param("des", "md5", {LegacyAlgorithm.DES, LegacyAlgorithm.MD5}, id="single-des-and-md5"),
]


@pytest.mark.parametrize("lie", Lie)
async def test_an_answer_that_is_not_the_cas_answer_to_this_request_is_refused(
    device: Device, server: FakeSCEPServer, lie: Lie
) -> None:
    server.lies = {lie}
    with pytest.raises(LIES[lie]):
        await device.enrolled()


@pytest.mark.parametrize("lie", [Lie.NONCE, Lie.TRANSACTION, Lie.SIGNER, Lie.LEAF_SIGNER, Lie.DIGEST])
async def test_a_refusal_that_does_not_verify_is_no_refusal(device: Device, server: FakeSCEPServer, lie: Lie) -> None:
    server.rejected = ("2", "no")
    server.lies = {lie}
    with pytest.raises(Unauthenticated):
        await device.enrolled()


@pytest.mark.parametrize(("cipher", "digest", "needed"), EXPECTED_WEAKNESS)
async def test_legacy_algorithms_are_named_all_at_once(
    device: Device, server: FakeSCEPServer, cipher: str, digest: str, needed: set[LegacyAlgorithm]
) -> None:
    server.cipher, server.digest = cipher, digest
    with pytest.raises(WeakAnswer) as caught:
        await device.enrolled()
    assert needed == set(caught.value.names)
    assert all(name in str(caught.value) for name in needed)


@pytest.mark.parametrize(("cipher", "digest", "needed"), EXPECTED_WEAKNESS)
async def test_legacy_algorithms_that_are_accepted_are_read(
    connect: Connect,
    server: FakeSCEPServer,
    clock: FakeClock,
    *,
    cipher: str,
    digest: str,
    needed: set[LegacyAlgorithm],
) -> None:
    server.cipher, server.digest = cipher, digest
    await Device(connect(legacy=LegacyAlgorithms(accept=frozenset(needed))), clock).enrolled()


async def test_only_what_is_missing_is_named(connect: Connect, server: FakeSCEPServer, clock: FakeClock) -> None:
    server.cipher, server.digest = "des", "sha1"
    client = connect(legacy=LegacyAlgorithms(accept=frozenset({LegacyAlgorithm.SHA1})))
    with pytest.raises(WeakAnswer) as caught:
        await Device(client, clock).enrolled()
    assert caught.value.names == (LegacyAlgorithm.DES,)


@pytest.mark.parametrize("state", ["refused", "pending"])
async def test_a_weakly_signed_decision_counts_only_where_that_is_accepted(
    device: Device, server: FakeSCEPServer, state: str
) -> None:
    server.digest = "sha1"
    server.rejected = ("2", "no") if state == "refused" else None
    server.pending = 1
    with pytest.raises(WeakAnswer) as caught:
        await device.enrolled()
    assert caught.value.names == (LegacyAlgorithm.SHA1,)


@pytest.mark.parametrize(("value", "expected"), [*((info.value, info) for info in FailInfo), ("9", None), ("", None)])
async def test_a_refusal_says_why(
    device: Device, server: FakeSCEPServer, value: str, expected: FailInfo | None
) -> None:
    server.rejected = (value, "not\x1b[2Jyou\n" + "x" * 2000)
    with pytest.raises(Failure) as caught:
        await device.enrolled()
    assert expected is caught.value.fail_info
    assert caught.value.text.startswith("not [2Jyou x")
    assert len(caught.value.text) == 1024
    assert ("unknown failInfo" if expected is None else expected.word) in str(caught.value)


async def test_a_refusal_may_contain_rubbish(device: Device, server: FakeSCEPServer) -> None:
    server.rejected, server.failure_content = ("1", ""), b"\0"
    with pytest.raises(Failure) as caught:
        await device.enrolled()
    assert str(caught.value) == "The CA refused: badMessageCheck"


async def test_a_missing_content_type_attribute_is_put_up_with(device: Device, server: FakeSCEPServer) -> None:
    server.content_type = False
    await device.enrolled()


@pytest.mark.parametrize("status", [201, 400, 403, 500])
async def test_a_message_counts_whatever_the_http_status(device: Device, server: FakeSCEPServer, status: int) -> None:
    server.status = status
    await device.enrolled()
    server.rejected = ("2", "no")
    with pytest.raises(Failure):
        await device.enrolled()


def page(status: int, **more: Any) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, **more)


def broken() -> httpx.Response:
    raise httpx.ReadError("closed")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(page(500, text="Internal error"), UnexpectedStatus, id="error-page"),
        pytest.param(page(200, html="<html>Welcome</html>"), MalformedAnswer, id="welcome-page"),
        pytest.param(page(200), MalformedAnswer, id="nothing"),
        pytest.param(page(200, content=messages.certs_only()), Unauthenticated, id="unsigned"),
        pytest.param(page(302, headers={"Location": "/"}), TransportError, id="redirect"),
        pytest.param(broken, ConnectionFailed, id="closed"),
    ],
)
async def test_what_is_no_message_is_no_decision(
    device: Device, server: FakeSCEPServer, answer: Callable[[], httpx.Response], expected: type[Exception]
) -> None:
    csr = device.csr()
    transaction = await device.transaction(csr)
    server.answers = [answer]
    with pytest.raises(expected):
        await device.client.pkcs_req(csr, transaction)


async def test_a_renewed_ca_certificate_of_the_known_key_signs_as_well(
    device: Device, server: FakeSCEPServer, clock: FakeClock
) -> None:
    csr = device.csr()
    transaction = await device.transaction(csr)
    server.authority.signer = SCEPAuthority(clock=clock.now).ca
    assert server.authority.signer.certificate not in transaction.authority.certificates
    assert isinstance(await device.client.pkcs_req(csr, transaction), Success)


async def test_the_old_certificate_of_a_kept_key_is_not_taken_for_the_new_one(
    device: Device, server: FakeSCEPServer, clock: FakeClock
) -> None:
    old = certify(common_name("device.test"), device.key, now=clock.now(), issuer=server.authority.ca).certificate
    await clock.advance(60)
    server.extra = [old]
    reply = await device.enrolled()
    assert old != reply.certificate
    assert old not in reply.chain


async def test_questions_about_certificates_get_no_promises(device: Device, server: FakeSCEPServer) -> None:
    certificate = (await device.enrolled()).certificate
    transaction = await device.transaction(device.csr())
    server.unfinished = 2
    with pytest.raises(MalformedAnswer):
        await device.client.get_cert(certificate.serial_number, transaction)
    with pytest.raises(MalformedAnswer):
        await device.client.get_crl(certificate, transaction)


async def test_of_two_cas_of_the_same_name_and_number_either_may_sign(device: Device, clock: FakeClock) -> None:
    csr = device.csr()
    transaction = await device.transaction(csr)
    present = transaction.authority.ca
    twin = certify(present.subject, rsa_key("twin"), now=clock.now(), is_ca=True, serial=present.serial_number)
    both = replace(transaction.authority, signers=(twin.certificate, present))
    assert isinstance(await device.client.pkcs_req(csr, replace(transaction, authority=both)), Success)
