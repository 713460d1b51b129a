"""An enrolment given up halfway leaves nothing behind, and giving up never fails."""

import httpx
import pytest

from certwright.model.enrolment import Abandoner, Checkpoint, ResumeData
from certwright.model.errors import TransientError
from tests.issuers.acme.conftest import Stage, request_for


async def halfway(stage: Stage) -> ResumeData:
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test", "*.shop.test")
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    stage.solver.slow.update(["www.shop.test", "shop.test"] * 9)
    await driver.enrol(request, resume=checkpoint.resume)
    assert len(stage.solver.world) == 2
    return checkpoint.resume


async def test_proofs_are_taken_back_and_authorizations_deactivated(stage: Stage) -> None:
    resume = await halfway(stage)
    driver = stage.driver()
    assert isinstance(driver, Abandoner)
    await driver.abandon(request_for(stage.clock, "www.shop.test", "*.shop.test"), resume=resume)
    assert stage.solver.world == {}
    assert {entry.status for entry in stage.server.authorizations.values()} == {"deactivated"}


async def test_what_is_gone_already_is_no_error(stage: Stage) -> None:
    resume = await halfway(stage)
    stage.solver.stuck = TransientError("The nameserver is down.")
    stage.server.next_answers["authz"].extend([lambda: httpx.Response(404)] * 2)
    await stage.driver().abandon(request_for(stage.clock, "www.shop.test", "*.shop.test"), resume=resume)


@pytest.mark.parametrize("resume", [pytest.param({}, id="nothing"), pytest.param({"order": 7}, id="another version's")])
async def test_without_an_order_there_is_nothing_to_do(stage: Stage, resume: ResumeData) -> None:
    await stage.driver().abandon(request_for(stage.clock, "www.shop.test"), resume=resume)
    assert stage.server.seen == []


async def test_without_an_account_the_proofs_are_still_taken_back(stage: Stage) -> None:
    resume = await halfway(stage)
    stage.server.accounts.clear()
    await stage.driver().abandon(request_for(stage.clock, "www.shop.test", "*.shop.test"), resume=resume)
    assert stage.solver.world == {}


async def test_at_another_server_than_the_orders_the_proofs_are_still_taken_back(stage: Stage) -> None:
    resume = await halfway(stage)
    stage.server.seen.clear()
    request = request_for(stage.clock, "www.shop.test", "*.shop.test")
    await stage.driver(server="https://other.test/dir").abandon(request, resume=resume)
    assert stage.solver.world == {}
    assert stage.server.seen == []
