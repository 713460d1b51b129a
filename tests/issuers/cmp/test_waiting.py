"""While the CA takes its time: polled for days, by whichever process is there, and not for ever."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from certwright.model.enrolment import Checkpoint, Issued, Pending
from certwright.model.errors import RejectedError, TransientError
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import Stage, Staged, own, step

LOST = httpx.ReadTimeout("")


async def waiting(stage: Stage, polls: int = 3, **spec: Any) -> Staged:
    """A request that the CA has put aside."""
    stage.server.polls = polls
    driver = stage.driver(**spec)
    staged = await stage.stage(driver, stage.request())
    answer = await step(driver, staged)
    assert isinstance(answer, Pending)
    return staged.going_on(answer.resume)


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "restarts"])
@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr"])
@pytest.mark.parametrize("said_in", ["its status", "an error message"])
async def test_it_is_polled_until_it_is_there(stage: Stage, restarts: bool, operation: str, said_in: str) -> None:  # noqa: FBT001 - a row of the table
    stage.server.polls = 2
    stage.server.waits_with_error = said_in == "an error message"
    driver = stage.driver(initialOperation=operation)
    staged = await stage.stage(driver, stage.request())
    restart = (lambda: stage.driver(initialOperation=operation)) if restarts else None
    issued, last = await stage.play(staged, driver, restart=restart)
    assert stage.bodies == [operation, "pollReq", "pollReq"]
    assert list(stage.server.authority.issued.values()) == [issued.chain[0]]
    # Staged, and once more for each answer whose nonce the next question has to quote.
    assert last.writes == 3


async def test_after_waiting_it_is_confirmed(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    staged = await waiting(stage, polls=1)
    answer = await step(stage.driver(), staged)
    assert isinstance(answer, Checkpoint)
    assert isinstance(await step(stage.driver(), staged.going_on(answer.resume)), Issued)
    assert stage.bodies == ["ir", "pollReq", "certConf"]


@pytest.mark.parametrize(
    ("check_after", "spec", "expected"),
    [
        pytest.param(30, {}, timedelta(seconds=30), id="as the CA asks"),
        pytest.param(0, {}, timedelta(seconds=10), id="not sooner than 10 s"),
        pytest.param(-5, {}, timedelta(seconds=10), id="not in the past"),
        pytest.param(10**9, {}, timedelta(hours=1), id="not later than an hour"),
        pytest.param(5, {"polling": {"minInterval": "1m"}}, timedelta(minutes=1), id="own minimum"),
        pytest.param(900, {"polling": {"maxInterval": "5m"}}, timedelta(minutes=5), id="own maximum"),
        pytest.param(900, {"polling": {"maxDuration": "2m"}}, timedelta(minutes=1, seconds=50), id="own end"),
    ],
)
async def test_when_it_is_asked_again(
    stage: Stage, check_after: int, spec: dict[str, Any], expected: timedelta
) -> None:
    stage.server.check_after = check_after
    staged = await waiting(stage, **spec)
    stage.clock.jump(10)
    answer = await step(stage.driver(**spec), staged)
    assert isinstance(answer, Pending)
    assert answer.retry_after == expected
    assert "not yet" in answer.message


@pytest.mark.parametrize("credential", [None, own()], ids=["issuer's", "own secret"])
async def test_it_is_given_up_after_a_week(stage: Stage, credential: Any) -> None:
    stage.server.polls = 1000
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=credential))
    answer = await step(driver, staged)
    assert isinstance(answer, Pending)
    staged = staged.going_on(answer.resume)
    stage.clock.jump(168 * 3600)
    with pytest.raises(RejectedError, match=r"cmp\.polling\.maxDuration") as caught:
        await step(stage.driver(), staged)
    assert caught.value.is_credential_used is (credential is not None)


async def test_a_certificate_that_comes_in_the_last_moment_is_taken(stage: Stage) -> None:
    staged = await waiting(stage, polls=1)
    stage.clock.jump(168 * 3600)
    assert isinstance(await step(stage.driver(), staged), Issued)


async def test_a_poll_without_an_answer_is_repeated(stage: Stage) -> None:
    staged = await waiting(stage, polls=1)
    driver = stage.driver()
    stage.early = [LOST]
    with pytest.raises(TransientError):
        await step(driver, staged)
    assert isinstance(await step(driver, staged), Issued)
    assert len(stage.server.authority.issued) == 1


async def test_after_a_lost_poll_the_same_key_is_asked_for_anew(stage: Stage) -> None:
    staged = await waiting(stage, polls=5)
    driver = stage.driver()
    stage.late = [LOST]
    with pytest.raises(TransientError):
        await step(driver, staged)
    # A strict server has another nonce by now, and ends the transaction.
    with pytest.raises(TransientError):
        await step(driver, staged)
    stage.server.polls = 0
    issued, _ = await stage.play(staged, driver)
    assert stage.bodies == ["ir", "pollReq", "pollReq", "ir"]
    assert issued.chain[0].public_key() == staged.request.key.public_key()  # type: ignore[union-attr]


async def test_a_refusal_ends_the_wait(stage: Stage) -> None:
    staged = await waiting(stage)
    stage.server.refusals.append(Refuse("the officer said no", (2,), is_error=True))
    with pytest.raises(RejectedError, match="the officer said no"):
        await step(stage.driver(), staged)


async def test_an_unprotected_refusal_does_not(stage: Stage) -> None:
    staged = await waiting(stage, polls=1)
    stage.server.refusals.append(Refuse("the officer said no", (2,), is_error=True))
    stage.server.errors_with = Kind.NONE
    driver = stage.driver()
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert "officer" not in caught.value.message


async def test_a_ca_that_forgot_it_and_proves_nothing_is_not_asked_for_ever(stage: Stage) -> None:
    staged = await waiting(stage)
    stage.clock.jump(168 * 3600)
    stage.server.next_answers.append(lambda: httpx.Response(404))
    with pytest.raises(RejectedError):
        await step(stage.driver(), staged)


async def test_what_is_stored_is_small_and_says_nothing_new_on_its_own(stage: Stage) -> None:
    staged = await waiting(stage)
    assert len(json.dumps(dict(staged.resume))) < 2048
