"""Giving certificates up: who signs, what comes of it, and what is told where nobody can."""

from datetime import timedelta

import httpx
import pytest
from cryptography import x509

from certwright.issuers.cmp import CMPDriver
from certwright.model.enrolment import Pending, Revocation, Revoked, Revoker
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.cmp import Refuse
from tests.issuers.cmp.conftest import MAC, Stage, ec_key

LOST = httpx.ReadTimeout("")


async def revocation(stage: Stage, *, has_key: bool = True) -> Revocation:
    current = await stage.enrolled()
    return Revocation(
        certificate=current.leaf, key=current.key if has_key else None, reason=x509.ReasonFlags.superseded
    )


def test_the_driver_can(stage: Stage) -> None:
    assert isinstance(stage.driver(), Revoker)


async def test_a_certificate_revokes_itself(stage: Stage) -> None:
    wanted = await revocation(stage)
    assert isinstance(await stage.driver().revoke(wanted, resume={}), Revoked)
    assert stage.server.authority.revoked == {wanted.certificate.serial_number: x509.ReasonFlags.superseded}
    assert stage.server.seen[-1][1].signer == wanted.certificate


async def test_a_registration_authority_goes_first(stage: Stage) -> None:
    authority = stage.server.authority.pair("RA")
    wanted = await revocation(stage)
    stage.vouched_by(authority, **MAC)
    assert isinstance(await stage.driver().revoke(wanted, resume={}), Revoked)
    request = stage.server.seen[-1][1]
    assert (request.signer, request.authority) == (authority.certificate, None)


async def test_the_issuers_certificate_signs_where_the_key_is_gone(stage: Stage) -> None:
    wanted = await revocation(stage, has_key=False)
    factory = stage.server.authority.pair("factory")
    stage.signed_by(factory)
    assert isinstance(await stage.driver().revoke(wanted, resume={}), Revoked)
    assert stage.server.seen[-1][1].signer == factory.certificate


@pytest.mark.parametrize("key", ["gone", "another one"])
async def test_nobody_is_left_to_sign(stage: Stage, key: str) -> None:
    wanted = await revocation(stage, has_key=False)
    if key == "another one":
        wanted = Revocation(certificate=wanted.certificate, key=ec_key())
    with pytest.raises(RejectedError, match="cannot be revoked: its key is gone") as caught:
        await stage.driver().revoke(wanted, resume={})
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
    assert stage.bodies == []


async def test_one_that_was_revoked_already_is(stage: Stage) -> None:
    wanted = await revocation(stage)
    driver = stage.driver()
    stage.late = [LOST]
    with pytest.raises(TransientError):
        await driver.revoke(wanted, resume={})
    answer = await stage.driver().revoke(wanted, resume={})
    assert isinstance(answer, Revoked)
    assert "already" in answer.message


async def test_one_that_has_expired_needs_none(stage: Stage) -> None:
    wanted = await revocation(stage)
    stage.clock.jump(timedelta(days=91).total_seconds())
    assert isinstance(await stage.driver().revoke(wanted, resume={}), Revoked)
    assert stage.bodies == []


async def played(stage: Stage, driver: CMPDriver, wanted: Revocation) -> Revoked:
    answer = await driver.revoke(wanted, resume={})
    while isinstance(answer, Pending):
        stage.clock.jump(answer.retry_after.total_seconds())
        answer = await stage.driver().revoke(wanted, resume=answer.resume)
    return answer


async def test_the_ca_may_take_its_time(stage: Stage) -> None:
    wanted = await revocation(stage)
    stage.server.polls = 3
    assert await played(stage, stage.driver(), wanted)
    assert stage.bodies == ["rr", "pollReq", "pollReq", "pollReq"]


async def test_but_not_for_ever(stage: Stage) -> None:
    wanted = await revocation(stage)
    stage.server.polls, stage.server.check_after = 10_000, 3600
    with pytest.raises(RejectedError, match="within 7 days"):
        await played(stage, stage.driver(), wanted)


async def test_a_refusal(stage: Stage) -> None:
    wanted = await revocation(stage)
    stage.server.refusals.append(Refuse("not allowed", (23,)))
    with pytest.raises(RejectedError, match="not allowed"):
        await stage.driver().revoke(wanted, resume={})


async def test_without_an_anchor_nobody_could_tell(stage: Stage) -> None:
    wanted = await revocation(stage)
    stage.has_trust = False
    with pytest.raises(IssuerError, match=r"set cmp\.trust"):
        await stage.driver().revoke(wanted, resume={})


async def test_what_is_kept_by_another_version_is_asked_for_anew(stage: Stage) -> None:
    wanted = await revocation(stage)
    assert isinstance(await stage.driver().revoke(wanted, resume={"transaction": {}, "since": 1}), Revoked)
