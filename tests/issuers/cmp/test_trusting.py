"""Whose word counts: what ends a transaction, what is only shown, and which anchors are learned."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certwright.model.chain import fingerprint
from certwright.model.enrolment import Issued, LearnedAnchor
from certwright.model.errors import RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.cmp import FakeAuthority, Kind, Refuse
from tests.issuers.cmp.conftest import Stage, step

MINUTE = timedelta(minutes=1)
SHOWING = {"allowUnprotectedErrors": True}


async def test_a_signed_answer_to_a_mac_counts_under_an_anchor(stage: Stage) -> None:
    stage.server.answer_with = Kind.SIGNATURE
    assert await stage.issue(stage.driver(), stage.request())


async def test_a_signed_refusal_of_a_mac_counts_as_well(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.errors_with = Kind.SIGNATURE
    stage.server.refusals.append(Refuse("no", is_error=True))
    with pytest.raises(RejectedError, match="no"):
        await step(driver, staged)


async def test_without_an_anchor_no_signed_answer_counts(stage: Stage) -> None:
    stage.has_trust = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.answer_with = Kind.SIGNATURE
    # The CA may have issued: it is not asked again after seconds, as what is the issuer's fault would be.
    with pytest.raises(TransientError, match=r"Set cmp\.trust") as caught:
        await step(driver, staged)
    assert (caught.value.reason, caught.value.retry_after) == (Reason.INVALID_CONFIGURATION, MINUTE)


@pytest.mark.parametrize("allowed", [False, True], ids=["strict", "lenient"])
async def test_an_unprotected_success_never_counts(stage: Stage, allowed: bool) -> None:  # noqa: FBT001 - a row of the table
    driver = stage.driver(interop={"allowUnprotectedErrors": allowed})
    staged = await stage.stage(driver, stage.request())
    stage.server.answer_with = Kind.NONE
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= MINUTE


async def test_an_unprotected_error_is_not_shown(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.errors_with = Kind.NONE
    stage.server.refusals.append(Refuse("what an attacker likes you to read", is_error=True))
    with pytest.raises(TransientError, match="allowUnprotectedErrors") as caught:
        await step(driver, staged)
    assert "attacker" not in caught.value.message


async def test_an_unprotected_error_is_shown_where_the_issuer_wants_that(stage: Stage) -> None:
    driver = stage.driver(interop=SHOWING)
    staged = await stage.stage(driver, stage.request())
    stage.server.errors_with = Kind.NONE
    waits = []
    for _ in range(9):
        stage.server.refusals.append(Refuse("unknown end entity", is_error=True))
        with pytest.raises(TransientError, match=r"unknown end entity .*\[unauthenticated\]") as caught:
            await step(driver, staged)
        assert caught.value.retry_after is not None
        waits.append(caught.value.retry_after)
        stage.clock.jump(waits[-1].total_seconds())
    assert waits[0] == MINUTE
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
    # Transaction data and key are still there.
    stage.server.errors_with = None
    assert isinstance(await step(driver, staged), Issued)


@pytest.mark.parametrize("accepts", [True, False], ids=["accepted", "not accepted"])
async def test_ca_pubs_become_anchors(stage: Stage, accepts: bool) -> None:  # noqa: FBT001 - a row of the table
    stage.has_trust = False
    driver = stage.driver(trust={"acceptCaPubs": accepts})
    await stage.issue(driver, stage.request())
    learned = (await driver.check()).learned
    expected = (LearnedAnchor(certificate=stage.server.root, source="CaPubs"),) if accepts else ()
    assert learned == expected


async def test_what_was_learned_from_ca_pubs_verifies_renewals(stage: Stage) -> None:
    stage.has_trust = False
    accepting = {"acceptCaPubs": True}
    driver = stage.driver(trust=accepting)
    current = await stage.enrolled()
    await stage.issue(driver, stage.request())
    stage.learned = (await driver.check()).learned or ()
    stage.server.seen.clear()
    await stage.issue(stage.driver(trust=accepting), stage.request(current=current))
    assert stage.bodies == ["kur"]


async def test_ca_pubs_of_a_signed_ip_do_not(stage: Stage) -> None:
    stage.server.answer_with = Kind.SIGNATURE
    driver = stage.driver(trust={"acceptCaPubs": True})
    await stage.issue(driver, stage.request())
    assert (await driver.check()).learned == ()


async def test_what_is_accepted_no_longer_is_forgotten(stage: Stage) -> None:
    stage.learned = (LearnedAnchor(certificate=stage.server.root, source="CaPubs"),)
    stage.has_trust = False
    assert (await stage.driver().check()).learned == ()


async def test_what_a_removed_root_vouched_for_is_forgotten(stage: Stage) -> None:
    other = FakeAuthority(clock=stage.clock.now, name="Other").root.certificate
    stage.learned = (LearnedAnchor(certificate=other, source="NewWithOld", by=fingerprint(stage.server.root)),)
    assert (await stage.driver().check()).learned == stage.learned
    stage.has_trust = False
    assert (await stage.driver().check()).learned == ()


async def test_what_is_learned_is_bounded_and_credible(stage: Stage) -> None:
    root = stage.server.root
    stage.learned = (
        LearnedAnchor(certificate=root, source="CaPubs"),
        LearnedAnchor(certificate=root, source="Hearsay"),
        LearnedAnchor(certificate=root, source="NewWithOld", by="00"),
    )
    stage.has_trust = False
    assert (await stage.driver(trust={"acceptCaPubs": True}).check()).learned == stage.learned[:1]


async def test_the_chain_is_completed_with_what_is_known(stage: Stage, publish: object) -> None:
    assert callable(publish)
    publish()
    stage.server.sends_chain = False
    driver = stage.driver()
    await driver.check()
    issued = await stage.issue(driver, stage.request())
    assert issued.chain[1:] == (stage.server.authority.issuing.certificate,)
    assert issued.anchors == (stage.server.root,)


async def test_a_chain_without_its_root_is_taken(stage: Stage) -> None:
    stage.server.sends_chain = False
    stage.has_trust = False
    issued = await stage.issue(stage.driver(initialOperation="cr"), stage.request())
    assert (len(issued.chain), issued.anchors) == (1, ())


async def test_anchors_of_another_hierarchy_are_no_obstacle(stage: Stage) -> None:
    """Those of signed answers need not be those of what is issued."""
    other = FakeAuthority(clock=stage.clock.now, name="Signers")
    stage.server.signer = replace(other.pair("CMP Server"))
    stage.server.answer_with = Kind.MAC
    assert await stage.issue(stage.driver(), stage.request())
