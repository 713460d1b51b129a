"""A key that was lost with its Secret and that the CA had made: asked back before a new one is made."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from certwright.model import keys
from certwright.model.enrolment import CurrentCertificate, EnrolmentRequest
from certwright.model.errors import IssuerError, TransientError
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import MAC, Stage, own, step

RECOVERY: dict[str, Any] = {"cmp": {"centralKeyGeneration": True, "keyRecovery": True}}
LOST = httpx.ReadTimeout("")


def lost(stage: Stage, current: CurrentCertificate, *, credential: Any = None, **spec: Any) -> EnrolmentRequest:
    request = stage.request(credential=credential, **{**RECOVERY, **spec})
    return replace(request, former_serial=current.leaf.serial_number)


@pytest.mark.parametrize("polls", [0, 2], ids=["at once", "after a while"])
@pytest.mark.parametrize("credential", [None, own()], ids=["issuer's secret", "own secret"])
async def test_the_archived_pair_is_delivered_again(stage: Stage, polls: int, credential: Any) -> None:
    current = await stage.enrolled(**RECOVERY)
    stage.server.polls = polls
    driver = stage.driver()
    staged = await stage.stage(driver, lost(stage, current, credential=credential))
    issued, _ = await stage.play(staged, driver, restart=stage.driver)
    assert stage.bodies == ["krr", *["pollReq"] * polls]
    assert issued.chain[0] == current.leaf
    assert issued.chain[1:] == (stage.server.authority.issuing.certificate,)
    assert issued.key is not None
    assert keys.public_der(issued.key) == keys.public_der(current.key)
    assert "kept" in issued.notes[0]
    assert issued.is_credential_used is (credential is not None)


async def test_nothing_is_asked_back_where_there_never_was_a_certificate(stage: Stage) -> None:
    await stage.issue(stage.driver(), stage.request(**RECOVERY))
    assert stage.bodies == ["ir"]


async def test_nothing_is_asked_back_where_the_key_is_there(stage: Stage) -> None:
    current = await stage.enrolled(**RECOVERY)
    await stage.issue(stage.driver(), stage.request(current=current, **RECOVERY))
    assert stage.bodies == ["ir"]


async def test_nothing_is_asked_back_that_nobody_wants(stage: Stage) -> None:
    current = await stage.enrolled(**RECOVERY)
    await stage.issue(stage.driver(), lost(stage, current, cmp={"centralKeyGeneration": True}))
    assert stage.bodies == ["ir"]


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "restarts"])
async def test_a_ca_that_has_nothing_is_asked_for_a_new_certificate(stage: Stage, restarts: bool) -> None:  # noqa: FBT001 - a row of the table
    current = await stage.enrolled(**RECOVERY)
    stage.server.authority.archive.clear()
    driver = stage.driver(initialOperation="cr")
    staged = await stage.stage(driver, lost(stage, current))
    restart = (lambda: stage.driver(initialOperation="cr")) if restarts else None
    issued, last = await stage.play(staged, driver, restart=restart)
    assert stage.bodies == ["krr", "cr"]
    assert issued.chain[0] != current.leaf
    assert issued.key is not None
    assert last.writes == 1


async def test_a_refusal_after_waiting_is_followed_by_a_new_certificate(stage: Stage) -> None:
    current = await stage.enrolled(**RECOVERY)
    stage.server.polls = 1
    driver = stage.driver()
    staged = await stage.stage(driver, lost(stage, current))
    staged = staged.going_on((await step(driver, staged)).resume)  # type: ignore[union-attr]
    stage.server.refusals.append(Refuse("no", is_error=True))
    stage.server.polls = 0
    issued, _ = await stage.play(staged, stage.driver())
    assert stage.bodies == ["krr", "pollReq", "ir"]
    assert issued.chain[0] != current.leaf


async def test_what_is_no_longer_what_is_asked_for_is_left_in_the_archive(stage: Stage) -> None:
    current = await stage.enrolled(**RECOVERY)
    issued = await stage.issue(stage.driver(), lost(stage, current, dnsNames=["new.shop.test"]))
    assert stage.bodies == ["krr", "ir"]
    assert issued.chain[0] != current.leaf


async def test_what_is_not_decided_is_asked_again(stage: Stage) -> None:
    current = await stage.enrolled(**RECOVERY)
    driver = stage.driver()
    staged = await stage.stage(driver, lost(stage, current))
    stage.server.refusals.append(Refuse("no", is_error=True))
    stage.server.errors_with = Kind.NONE
    with pytest.raises(TransientError):
        await step(driver, staged)
    stage.server.errors_with = None
    stage.late = [LOST]
    stage.clock.jump(60)
    with pytest.raises(TransientError):
        await step(driver, staged)
    issued, _ = await stage.play(staged, driver)
    assert stage.bodies == ["krr", "krr", "krr"]
    assert issued.chain[0] == current.leaf


async def test_a_refused_credential_is_told(stage: Stage) -> None:
    current = await stage.enrolled(**RECOVERY)
    driver = stage.driver()
    staged = await stage.stage(driver, lost(stage, current))
    stage.server.refusals.append(Refuse("no", (1,), is_error=True))
    with pytest.raises(IssuerError):
        await step(driver, staged)


async def test_the_former_certificate_is_named_as_far_as_it_is_known(stage: Stage, publish: Any) -> None:
    publish()
    current = await stage.enrolled(**RECOVERY)
    driver = stage.driver()
    await driver.check()
    await stage.issue(driver, lost(stage, current))
    template = stage.server.seen[-1][1].body.chosen[0]["certReq"]["certTemplate"]
    assert template["serialNumber"].native == current.leaf.serial_number
    assert template["issuer"].untag().dump() == current.leaf.issuer.public_bytes()


async def test_an_authority_may_vouch_for_it(stage: Stage) -> None:
    stage.vouched_by(stage.server.authority.pair("RA"), **MAC)
    current = await stage.enrolled(**RECOVERY)
    issued = await stage.issue(stage.driver(), replace(lost(stage, current)))
    assert issued.chain[0] == current.leaf
