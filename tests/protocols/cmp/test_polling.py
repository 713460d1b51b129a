"""What takes time: pollReq and pollRep for one certificate and for whole messages, over days and restarts."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import (
    CMPClient,
    Confirmed,
    ErrorMessage,
    GeneralAnswer,
    MACProtection,
    Rejection,
    Revoked,
    State,
    Transaction,
    WrongCertReqId,
    WrongNonce,
    ask_ca_certs,
    asn1,
)
from tests.fakes.cmp import FakeCMPServer, Pair, Refuse
from tests.protocols.cmp.asking import enrol, granted, make_request, waiting
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey


@pytest.mark.parametrize("waits_with_error", [False, True], ids=["status waiting", "error waiting"])
@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr", "kur"])
async def test_a_certificate_comes_after_polling(
    operation: str, *, waits_with_error: bool, server: FakeCMPServer, signing: CMPClient, device: Pair, key: Key
) -> None:
    server.polls, server.waits_with_error = 3, waits_with_error

    first = waiting(await enrol(signing, operation, key, old=device.certificate))
    second = waiting(await signing.poll(first.transaction))
    third = waiting(await signing.poll(second.transaction))

    assert first.reason == "an officer has to look at it"
    assert (second.check_after, second.reason) == (timedelta(seconds=30), "not yet")
    granted(await signing.poll(third.transaction)).require_key(key.public_key())


async def test_another_process_polls_after_a_restart(
    server: FakeCMPServer, client: CMPClient, make_client: MakeClient, mac: MACProtection, key: Key
) -> None:
    server.polls, server.grants_implicit_confirm = 1, False
    stored = json.dumps(waiting(await client.ir(make_request(key))).transaction.to_json())

    later = make_client(mac)
    outcome = granted(await later.poll(Transaction.from_json(json.loads(stored))))

    assert isinstance(await later.confirm(outcome.transaction), Confirmed)


async def test_the_last_answer_may_name_the_nonce_of_the_request(
    server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    server.polls, server.late_nonce_of_request = 2, True
    first = waiting(await client.ir(make_request(key)))
    second = waiting(await client.poll(first.transaction))

    assert granted(await client.poll(second.transaction))


async def test_a_poll_rep_may_not(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.polls = 2
    first = waiting(await client.ir(make_request(key)))
    server.header["recipNonce"] = first.transaction.request_nonce

    with pytest.raises(WrongNonce):
        await client.poll(first.transaction)


async def test_a_confirmation_may_take_time(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.grants_implicit_confirm, server.confirm_polls = False, 2
    outcome = granted(await client.ir(make_request(key)))

    first = waiting(await client.confirm(outcome.transaction))
    second = waiting(await client.poll(first.transaction))

    assert first.transaction.state is State.CONFIRMING
    assert isinstance(await client.poll(second.transaction), Confirmed)


async def test_a_revocation_may_take_time(server: FakeCMPServer, signing: CMPClient, key: Key) -> None:
    certificate = granted(await signing.cr(make_request(key))).certificate
    server.polls = 2

    first = waiting(await signing.rr(certificate))
    second = waiting(await signing.poll(first.transaction))

    assert isinstance(await signing.poll(second.transaction), Revoked)


async def test_information_may_take_time(server: FakeCMPServer, client: CMPClient) -> None:
    server.polls = 1
    first = waiting(await client.genm([ask_ca_certs()]))

    assert first.transaction.poll_id == -1
    assert isinstance(await client.poll(first.transaction), GeneralAnswer)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-5, timedelta(0)), (0, timedelta(0)), (10**12, timedelta(days=366))]
)
async def test_the_wait_is_bounded(
    seconds: int, expected: timedelta, server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    server.polls, server.check_after = 2, seconds
    first = waiting(await client.ir(make_request(key)))

    assert waiting(await client.poll(first.transaction)).check_after == expected


async def test_a_poll_rep_for_another_certificate_is_refused(
    server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    server.polls = 1
    first = waiting(await client.ir(make_request(key)))
    server.body = asn1.PKIBody("pollRep", [{"certReqId": 7, "checkAfter": 1}])

    with pytest.raises(WrongCertReqId):
        await client.poll(first.transaction)


@pytest.mark.parametrize("is_error", [False, True], ids=["rejection", "error"])
async def test_what_was_waited_for_may_be_a_no(
    *, is_error: bool, server: FakeCMPServer, client: CMPClient, key: Key
) -> None:
    server.polls = 1
    first = waiting(await client.ir(make_request(key)))
    server.refusals.append(Refuse("never", is_error=is_error))

    with pytest.raises((Rejection, ErrorMessage), match="never") as refused:
        await client.poll(first.transaction)

    assert refused.value.authenticated


async def test_nothing_is_polled_for_that_need_not_wait(client: CMPClient, key: Key) -> None:
    outcome = granted(await client.ir(make_request(key)))

    with pytest.raises(ValueError, match="has to wait"):
        await client.poll(outcome.transaction)
