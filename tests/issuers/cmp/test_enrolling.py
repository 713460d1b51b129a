"""From nothing to a certificate: what is asked, what comes back, and what is written on the way."""

from datetime import timedelta

import pytest

from certwright.model.verification import is_key_of, verify
from tests.issuers.cmp.conftest import Stage


async def test_a_certificate_is_issued_for_one_message(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    issued, last = await stage.play(staged, driver)
    assert stage.bodies == ["ir"]
    assert last.writes == 1
    assert issued.anchors == (stage.server.root,)
    assert issued.chain[1:] == (stage.server.authority.issuing.certificate,)
    assert not issued.is_credential_used
    key = staged.request.key
    assert key is not None
    verify(staged.request.spec, issued.chain, key, anchors=issued.anchors, now=stage.clock.now())


@pytest.mark.parametrize("operation", ["ir", "cr"])
async def test_a_duration_is_asked_for(stage: Stage, operation: str) -> None:
    driver = stage.driver(initialOperation=operation)
    staged = await stage.stage(driver, stage.request(duration="6h"))
    issued, _ = await stage.play(staged, driver)
    assert issued.chain[0].not_valid_after_utc == staged.request.started_at + timedelta(hours=6)


async def test_a_csr_has_no_place_for_a_duration(stage: Stage) -> None:
    driver = stage.driver(initialOperation="p10cr")
    issued, _ = await stage.play(await stage.stage(driver, stage.request(duration="6h")), driver)
    assert issued.chain[0].not_valid_after_utc > stage.clock.now() + timedelta(hours=6)


@pytest.mark.parametrize("operation", ["kur", "cr", "p10cr"])
async def test_a_renewal_is_signed_by_the_certificate_being_renewed(stage: Stage, operation: str) -> None:
    current = await stage.enrolled()
    driver = stage.driver(renewalOperation=operation)
    staged = await stage.stage(driver, stage.request(current=current))
    issued, last = await stage.play(staged, driver)
    assert stage.bodies == [operation]
    assert stage.server.seen[-1][1].signer == current.leaf
    assert last.writes == 1
    assert staged.request.key is not None
    assert is_key_of(issued.chain[0], staged.request.key)
