"""Requests whose answers were lost: the same key again, a minute later, in a new transaction."""

from datetime import timedelta

import httpx
import pytest

from certwright.model.enrolment import Issued, Pending, StartAfresh
from certwright.model.errors import TransientError
from tests.fakes.cmp import Refuse
from tests.issuers.cmp.conftest import Stage, step

LOST, REFUSED = httpx.ReadTimeout(""), httpx.ConnectError("")
MINUTE = timedelta(minutes=1)


async def test_a_lost_answer_is_followed_by_a_new_transaction_with_the_same_key(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.late = [LOST]
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= MINUTE
    stage.clock.jump(60)
    assert isinstance(await step(driver, staged), Issued)
    first, second = (request.transaction_id for body, request in stage.server.seen if body == "ir")
    assert first != second
    once, again = (one.public_key() for one in stage.server.authority.issued.values())
    assert once == again


async def test_after_a_restart_nobody_knows_whether_it_was_sent(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request())
    stage.clock.jump(20)
    answer = await step(stage.driver(), staged)
    assert isinstance(answer, Pending)
    assert answer.retry_after == timedelta(seconds=40)
    assert staged.going_on(answer.resume).writes == 1
    assert stage.bodies == []
    issued, last = await stage.play(staged, stage.driver())
    assert stage.bodies == ["ir"]
    assert last.writes == 1
    assert issued.chain[0] in stage.server.authority.issued.values()


async def test_a_request_that_never_left_keeps_its_transaction(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.early = [REFUSED, REFUSED]
    for _ in range(2):
        with pytest.raises(TransientError) as caught:
            await step(driver, staged)
        assert caught.value.retry_after is None
    assert isinstance(await step(driver, staged), Issued)
    assert stage.server.seen[-1][1].transaction_id.hex() == staged.resume["transaction"]["transactionID"]


async def test_a_transaction_in_use_is_followed_by_another(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.refusals.append(Refuse("in use", (21,), is_error=True))
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert caught.value.code == "transactionIdInUse"
    stage.clock.jump(60)
    assert isinstance(await step(driver, staged), Issued)
    first, second = (request.transaction_id for body, request in stage.server.seen if body == "ir")
    assert first != second


async def test_a_busy_ca_is_asked_again_with_the_same_key(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.refusals.append(Refuse("come back", (24,)))
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert caught.value.retry_after == MINUTE
    stage.clock.jump(60)
    assert isinstance(await step(driver, staged), Issued)


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "restart"])
async def test_a_lost_renewal_is_asked_for_by_the_staged_certificate(stage: Stage, restarts: bool) -> None:  # noqa: FBT001 - a row of the table
    current = await stage.enrolled()
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    stage.late = [LOST]
    with pytest.raises(TransientError):
        await step(driver, staged)
    stage.clock.jump(60)
    assert isinstance(await step(stage.driver() if restarts else driver, staged), Issued)
    assert stage.bodies == ["kur", "kur"]


async def test_what_another_version_staged_is_begun_anew(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request())
    answer = await step(stage.driver(), staged.going_on({"version": 0}))
    assert isinstance(answer, StartAfresh)
