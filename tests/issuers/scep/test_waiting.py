"""PENDING: polled for days and over restarts, given up in the end; also at servers that do not know CertPoll."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from certwright.issuers.polling import poll_interval
from certwright.issuers.scep.driver import SCEPDriver
from certwright.model.enrolment import Issued, Pending
from certwright.model.errors import RejectedError, TransientError
from certwright.model.resources import Polling
from tests.fakes.scep.server import RefusalError
from tests.issuers.scep.conftest import Stage, Staged, own, step


async def pending(stage: Stage, driver: SCEPDriver, **request: Any) -> tuple[Staged, Pending]:
    """An enrolment that waits for somebody's approval."""
    staged = await stage.stage(driver, stage.request(**request))
    answer = await step(driver, staged)
    assert isinstance(answer, Pending)
    return staged.going_on(answer.resume), answer


@pytest.mark.parametrize("restarts", [pytest.param(False, id="same process"), pytest.param(True, id="restarts")])
async def test_it_is_polled_until_the_certificate_is_there(stage: Stage, restarts: bool) -> None:  # noqa: FBT001 - a row of the table
    stage.server.pending = 5
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    assert await stage.play(staged, driver, restart=stage.driver if restarts else None)
    assert stage.server.message_types == ["19", *["20"] * 5]
    assert len({request.transaction_id for request in stage.server.seen}) == 1


async def test_an_ec_key_waits_with_the_signer_that_was_staged(stage: Stage) -> None:
    stage.server.pending = 3
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(privateKey={"algorithm": "ECDSA"}))
    assert await stage.play(staged, driver, restart=stage.driver)
    assert len({request.signer for request in stage.server.seen}) == 1


async def test_waiting_is_stored_once(stage: Stage) -> None:
    stage.server.pending = 4
    driver = stage.driver()
    staged, _ = await pending(stage, driver)
    for _ in range(3):
        stage.clock.jump(60)
        answer = await step(driver, staged)
        assert isinstance(answer, Pending)
        assert answer.resume == staged.resume
        assert answer.message == (
            f"scep.test has the request, transaction {stage.server.seen[0].transaction_id}, and has not decided yet."
        )


async def test_polls_become_rarer_and_go_on_for_days(stage: Stage) -> None:
    stage.server.pending = 30
    driver = stage.driver()
    staged, answer = await pending(stage, driver)
    waits = [answer.retry_after]
    while isinstance(answer, Pending) and len(waits) < 20:
        stage.clock.jump(waits[-1].total_seconds())
        answer = await step(stage.driver(), staged)  # type: ignore[assignment]
        waits.append(answer.retry_after)
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (10, 10, 20, 40)]
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert waits[-1] == timedelta(hours=1)


@pytest.mark.parametrize(
    ("settings", "waited", "asked", "expected"),
    [
        pytest.param({}, 0, None, 10, id="at once"),
        pytest.param({}, 300, None, 300, id="as long as was waited"),
        pytest.param({}, 100_000, None, 3600, id="an hour at most"),
        pytest.param({"minInterval": "60s"}, 0, None, 60, id="own minimum"),
        pytest.param({"maxInterval": "5m"}, 100_000, None, 300, id="own maximum"),
        pytest.param({}, 0, 90, 90, id="the server's wish"),
        pytest.param({}, 300, 1, 10, id="the server's haste"),
        pytest.param({"maxInterval": "5m"}, 0, 86400, 300, id="the server's leisure"),
    ],
)
def test_the_interval(settings: dict[str, str], waited: int, asked: int | None, expected: int) -> None:
    interval = poll_interval(
        timedelta(seconds=waited),
        Polling.model_validate(settings) if settings else None,
        asked=None if asked is None else timedelta(seconds=asked),
    )
    assert interval == timedelta(seconds=expected)


async def test_a_ca_that_does_not_decide_is_given_up(stage: Stage) -> None:
    stage.server.pending = 1000
    driver = stage.driver(polling={"maxDuration": "30m"})
    staged, _ = await pending(stage, driver, credential=own(b"issuer challenge"))
    begun = stage.clock.now()
    with pytest.raises(RejectedError, match=r"scep\.polling\.maxDuration") as caught:
        await stage.play(staged, driver)
    assert stage.clock.now() - begun == timedelta(minutes=30)
    assert caught.value.is_credential_used


async def test_what_is_approved_late_is_taken_all_the_same(stage: Stage) -> None:
    stage.server.pending = 1
    driver = stage.driver()
    staged, _ = await pending(stage, driver)
    stage.clock.jump(timedelta(days=8).total_seconds())
    assert isinstance(await step(stage.driver(), staged), Issued)


async def test_a_denial_ends_it(stage: Stage) -> None:
    stage.server.pending = 2
    driver = stage.driver()
    staged, _ = await pending(stage, driver)
    assert isinstance(await step(driver, staged), Pending)
    stage.server.enrolments.clear()
    with pytest.raises(RejectedError, match="badCertId"):
        await step(driver, staged)
    assert stage.server.message_types == ["19", "20", "20"]


@pytest.mark.parametrize(
    "knobs", [pytest.param({"polling": False}, id="HTTP 500"), pytest.param({"denies": True}, id="FAILURE")]
)
async def test_where_polling_is_not_known_the_request_is_sent_again(stage: Stage, knobs: dict[str, bool]) -> None:
    stage.server.pending = 3
    stage.server.polling = knobs.get("polling", True)
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    if "denies" in knobs:
        stage.server._polled = refuse_polls  # type: ignore[method-assign,assignment]
    assert await stage.play(staged, driver)
    assert stage.server.message_types.count("19") == 4
    assert len(set(stage.server.csrs)) == 1
    # A FAILURE was the CA's own word: it is not asked that way again.
    assert stage.server.message_types.count("20") == (1 if "denies" in knobs else 3)


def refuse_polls(*_: object) -> None:
    raise RefusalError("2", "unsupported message type")


async def test_success_without_a_certificate_is_polled(stage: Stage) -> None:
    stage.server.unfinished = 3
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    assert await stage.play(staged, driver, restart=stage.driver)
    assert stage.server.message_types == ["19", "20", "20", "20"]


async def test_a_server_that_is_down_for_a_while_loses_nothing(stage: Stage) -> None:
    stage.server.pending = 2
    driver = stage.driver()
    staged, _ = await pending(stage, driver)
    await step(driver, staged)
    for failure in (lambda: httpx.Response(500), lambda: httpx.Response(503), lambda: httpx.Response(200)):
        stage.server.answers = [failure]
        with pytest.raises(TransientError):
            await step(driver, staged)
    assert await stage.play(staged, driver)
    assert stage.server.message_types.count("19") == 1
