"""A Certificate's own MAC secret: used for its first enrolment, before the issuer's, and once."""

import httpx
import pytest

from certwright.model.enrolment import Pending, StartAfresh
from certwright.model.errors import RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import Stage, own, step

LOST = httpx.ReadTimeout("")


@pytest.mark.parametrize("has_issuer_secret", [True, False], ids=["beside the issuer's", "alone"])
async def test_it_goes_first_and_is_used_up(stage: Stage, has_issuer_secret: bool) -> None:  # noqa: FBT001 - a row of the table
    if not has_issuer_secret:
        stage.without_credential()
    issued = await stage.issue(stage.driver(), stage.request(credential=own()))
    assert issued.is_credential_used
    assert [request.reference for body, request in stage.server.seen if body == "ir"] == ["device-2"]


async def test_it_is_never_used_for_questions(stage: Stage) -> None:
    stage.without_credential()
    await stage.issue(stage.driver(), stage.request(credential=own()))
    assert [body for body, _ in stage.server.seen] == ["ir"]


async def test_it_confirms_what_it_asked_for_after_a_restart(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    issued, _ = await stage.play(staged, driver, restart=stage.driver)
    assert issued.is_credential_used
    assert {request.reference for body, request in stage.server.seen if body != "genm"} == {"device-2"}


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        pytest.param((2,), Reason.REJECTED, id="request refused"),
        pytest.param((1,), Reason.INVALID_CREDENTIALS, id="secret refused"),
        pytest.param((20,), Reason.INVALID_CREDENTIALS, id="not trusted"),
    ],
)
async def test_an_authenticated_refusal_uses_it_up(stage: Stage, bits: tuple[int, ...], reason: Reason) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    stage.server.refusals.append(Refuse("no", bits))
    with pytest.raises(RejectedError) as caught:
        await step(driver, staged)
    assert (caught.value.reason, caught.value.is_credential_used) == (reason, True)


async def test_a_wrong_secret_that_the_ca_refuses_under_its_signature(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own(b"wrong")))
    stage.server.errors_with = Kind.SIGNATURE
    with pytest.raises(RejectedError, match=r"spec\.cmp\.mac") as caught:
        await step(driver, staged)
    assert caught.value.is_credential_used


@pytest.mark.parametrize("allowed", [False, True], ids=["not shown", "shown"])
async def test_an_unprotected_refusal_does_not(stage: Stage, allowed: bool) -> None:  # noqa: FBT001 - a row of the table
    driver = stage.driver(interop={"allowUnprotectedErrors": allowed})
    staged = await stage.stage(driver, stage.request(credential=own()))
    stage.server.refusals.append(Refuse("no", is_error=True))
    stage.server.errors_with = Kind.NONE
    with pytest.raises(TransientError):
        await step(driver, staged)
    stage.server.errors_with = None
    stage.clock.jump(60)
    issued, _ = await stage.play(staged, driver)
    assert issued.is_credential_used


async def test_a_lost_answer_does_not(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    stage.late = [LOST]
    with pytest.raises(TransientError):
        await step(driver, staged)
    stage.clock.jump(60)
    assert (await stage.play(staged, driver))[0].is_credential_used


async def test_its_obstacle_is_told_before_anything_is_staged(stage: Stage) -> None:
    spent = own(obstacle=TransientError("spent", reason=Reason.CREDENTIAL_USED))
    with pytest.raises(TransientError) as caught:
        await stage.driver().prepare(stage.request(credential=spent))
    assert caught.value.reason is Reason.CREDENTIAL_USED


async def test_an_empty_one_is_told(stage: Stage) -> None:
    with pytest.raises(TransientError, match=r"spec\.cmp\.mac") as caught:
        await stage.driver().prepare(stage.request(credential=own(b"\n")))
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_the_line_end_of_an_editor_is_no_part_of_it(stage: Stage) -> None:
    assert await stage.issue(stage.driver(), stage.request(credential=own(b"own secret\n")))


async def test_an_answer_under_another_secret_is_none(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    stage.server.answer_secret = b"another"
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_one_that_is_named_no_longer_ends_its_enrolment(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request(credential=own()))
    stage.clock.jump(60)
    assert isinstance(await step(stage.driver(), staged.for_request(credential=None)), StartAfresh)


async def test_its_transaction_is_polled_with_it(stage: Stage) -> None:
    stage.server.polls = 1
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own()))
    answer = await step(driver, staged)
    assert isinstance(answer, Pending)
    issued, _ = await stage.play(staged.going_on(answer.resume), stage.driver())
    assert issued.is_credential_used
