"""Between the grant and the delivery: checked, stored, confirmed; or refused."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from certwright.issuers.cmp import CMPDriver
from certwright.model.enrolment import Checkpoint, Issued, Pending
from certwright.model.errors import RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import Stage, ec_key, own, step

LOST = httpx.ReadTimeout("")
Restart = Callable[[Stage], Callable[[], CMPDriver] | None]
RESTARTS = [
    pytest.param(lambda _stage: None, id="same process"),
    pytest.param(lambda stage: stage.driver, id="restart"),
]


@pytest.mark.parametrize("restart", RESTARTS)
@pytest.mark.parametrize("knob", ["the CA refuses", "the issuer does not ask"])
async def test_a_certificate_is_stored_before_it_is_confirmed(stage: Stage, restart: Restart, knob: str) -> None:
    stage.server.grants_implicit_confirm = knob != "the CA refuses"
    spec = {} if knob == "the CA refuses" else {"implicitConfirm": False}
    driver = stage.driver(**spec)
    staged = await stage.stage(driver, stage.request())
    answer = await step(driver, staged)
    assert isinstance(answer, Checkpoint)
    assert stage.bodies == ["ir"]
    issued, last = await stage.play(staged.going_on(answer.resume), driver, restart=restart(stage))
    assert stage.bodies == ["ir", "certConf"]
    assert last.writes == 2
    assert issued.chain[0] in stage.server.authority.issued.values()
    assert issued.anchors == (stage.server.root,)
    assert stage.transaction.is_confirmed


async def refused(stage: Stage, **request: Any) -> RejectedError:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(**request))
    with pytest.raises(RejectedError) as caught:
        await step(driver, staged)
    assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE
    return caught.value


async def test_a_certificate_for_another_key_is_refused_at_the_ca(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    stage.server.public_key = ec_key().public_key()
    error = await refused(stage)
    assert not error.is_credential_used
    assert stage.bodies == ["ir", "certConf"]
    assert stage.transaction.is_refused


async def test_a_refused_certificate_spends_the_own_secret(stage: Stage) -> None:
    stage.server.public_key = ec_key().public_key()
    assert (await refused(stage, credential=own())).is_credential_used


async def test_what_was_confirmed_implicitly_cannot_be_refused_any_more(stage: Stage) -> None:
    stage.server.public_key = ec_key().public_key()
    await refused(stage)
    assert stage.bodies == ["ir"]


async def test_a_certificate_is_rejected_even_if_the_ca_cannot_be_told(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    stage.server.public_key = ec_key().public_key()
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.unreachable_after = 1
    with pytest.raises(RejectedError) as caught:
        await step(driver, staged)
    assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE


@pytest.mark.parametrize("restart", RESTARTS)
async def test_a_lost_confirmation_is_sent_again_and_counts_if_it_was_taken(stage: Stage, restart: Restart) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    staged = staged.going_on((await step(driver, staged)).resume)  # type: ignore[union-attr]
    stage.late = [LOST]
    with pytest.raises(TransientError):
        await step(driver, staged)
    make = restart(stage)
    issued, last = await stage.play(staged, make() if make else driver)
    assert stage.bodies == ["ir", "certConf", "certConf"]
    assert last.writes == 2
    assert list(stage.server.authority.issued.values()) == [issued.chain[0]]


@pytest.mark.parametrize(
    ("refuse", "expected"),
    [
        pytest.param(Refuse("twice", (11,), is_error=True), Issued, id="confirmed already"),
        pytest.param(Refuse("no", (4,), is_error=True), RejectedError, id="refused"),
        pytest.param(Refuse("no", (2,), is_error=True), RejectedError, id="the first one is not taken"),
    ],
)
async def test_what_the_ca_says_to_a_confirmation(stage: Stage, refuse: Refuse, expected: type[object]) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    answer = await step(driver, staged)
    assert isinstance(answer, Checkpoint)
    staged = staged.going_on(answer.resume)
    stage.server.refusals.append(refuse)
    if expected is Issued:
        assert isinstance(await step(driver, staged), Issued)
        return
    with pytest.raises(RejectedError):
        await step(driver, staged)


async def test_an_unprotected_no_to_a_confirmation_keeps_the_certificate(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver(interop={"allowUnprotectedErrors": True})
    staged = await stage.stage(driver, stage.request())
    answer = await step(driver, staged)
    assert isinstance(answer, Checkpoint)
    staged = staged.going_on(answer.resume)
    stage.server.refusals.append(Refuse("no", is_error=True))
    stage.server.errors_with = Kind.NONE
    with pytest.raises(TransientError, match=r"\[unauthenticated\]"):
        await step(driver, staged)
    # The server has moved on by now, and says so in a way that counts.
    stage.server.errors_with = None
    issued, _ = await stage.play(staged, driver)
    assert issued.chain[0] in stage.server.authority.issued.values()


@pytest.mark.parametrize("restart", RESTARTS)
async def test_the_ca_may_take_its_time_over_a_confirmation(stage: Stage, restart: Restart) -> None:
    stage.server.grants_implicit_confirm = False
    stage.server.confirm_polls = 2
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    issued, _ = await stage.play(staged, driver, restart=restart(stage))
    assert stage.bodies == ["ir", "certConf", "pollReq", "pollReq"]
    assert issued.chain[0] in stage.server.authority.issued.values()


async def test_a_confirmation_that_nobody_answers_comes_to_an_end(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    answer = await step(driver, staged)
    assert isinstance(answer, Checkpoint)
    staged = staged.going_on(answer.resume)
    stage.clock.jump(168 * 3600)
    stage.early = [LOST]
    with pytest.raises(RejectedError, match="within 7 days"):
        await step(driver, staged)


async def test_what_is_stored_is_read_back_as_it_was(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    stage.server.confirm_polls = 1
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    answer = await step(driver, staged)
    assert isinstance(answer, Checkpoint)
    assert len(json.dumps(answer.resume)) < 16_384
    staged = staged.going_on(answer.resume)
    assert isinstance(await step(stage.driver(), staged), Pending)


async def test_modifications_are_told(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    stage.server.status = 1
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    issued, _ = await stage.play(staged, driver, restart=stage.driver)
    assert issued.notes == ("cmp.test granted the request with modifications.",)


async def test_a_certificate_that_could_not_be_stored_is_not_asked_for_again_at_once(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    assert isinstance(await step(driver, staged), Checkpoint)
    # The record is the one before.
    assert isinstance(await step(driver, staged), Pending)
    assert stage.bodies == ["ir"]
