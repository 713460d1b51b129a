"""Which challenge goes into a CSR, for how long it is good, and how many may be unused."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from certwright.issuers.scep import SCEPCredentials, SCEPDriver
from certwright.model.enrolment import Issued, Pending, StartAfresh
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.ndes import ALWAYS
from tests.fakes.scep.authority import rsa_key
from tests.fakes.scep.server import challenge_password
from tests.issuers.scep.conftest import CHALLENGE, Stage, Staged, own, step

LIFETIME = timedelta(minutes=50).total_seconds()
OWN = "own challenge"
SPENT = replace(own(b""), obstacle=TransientError("used", reason=Reason.CREDENTIAL_USED))


@pytest.fixture
def ndes(stage: Stage) -> SCEPDriver:
    """A driver that fetches; the server takes each password once."""
    stage.server.one_time = True
    stage.server.challenges = {f"{number:016X}" for number in range(1, 50)}
    return stage.ndes_driver()


async def test_the_certificates_own_goes_first(stage: Stage) -> None:
    stage.server.challenges = {OWN}
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own(f"{OWN}\n".encode())))
    issued = await step(driver, staged)
    assert isinstance(issued, Issued)
    assert issued.is_credential_used


async def test_a_refusal_says_that_the_own_challenge_was_used(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(credential=own(b"wrong")))
    with pytest.raises(RejectedError, match="See that the challenge is right") as caught:
        await step(driver, staged)
    assert caught.value.is_credential_used


async def test_an_own_challenge_that_was_used_is_told(stage: Stage) -> None:
    with pytest.raises(TransientError) as caught:
        await stage.driver().prepare(stage.request(credential=SPENT))
    assert caught.value.reason is Reason.CREDENTIAL_USED


async def test_a_renewal_takes_the_issuers_where_the_own_was_used(stage: Stage) -> None:
    current = await stage.enrolled(stage.driver(), key=rsa_key("old"))
    driver = stage.driver(challengeOnRenewal=True)
    staged = await stage.stage(driver, stage.request(current=current, credential=SPENT))
    issued = await step(driver, staged)
    assert isinstance(issued, Issued)
    assert not issued.is_credential_used
    assert challenge_password(stage.server.csrs[-1]) == CHALLENGE


async def test_a_renewal_that_needs_one_tells_that_the_own_was_used_where_there_is_no_other(stage: Stage) -> None:
    current = await stage.enrolled(stage.driver(), key=rsa_key("old"))
    driver = stage.driver_without_challenge(challengeOnRenewal=True)
    with pytest.raises(TransientError) as caught:
        await driver.prepare(stage.request(current=current, credential=SPENT))
    assert caught.value.reason is Reason.CREDENTIAL_USED


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"two\nlines", id="two lines"),
        pytest.param(b"x" * 256, id="too long"),
    ],
)
async def test_what_cannot_be_a_challenge_is_told_and_not_sent(stage: Stage, value: bytes) -> None:
    with pytest.raises(TransientError, match=r"spec\.scep\.challengeSecretRef") as caught:
        await stage.driver().prepare(stage.request(credential=own(value)))
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
    stage.credentials = SCEPCredentials(challenge=value)
    with pytest.raises(IssuerError, match=r"scep\.challenge\.secretRef"):
        stage.driver()


async def test_without_any_the_request_carries_none(stage: Stage) -> None:
    stage.server.challenges = None
    driver = stage.driver_without_challenge()
    staged = await stage.stage(driver, stage.request())
    assert isinstance(await step(driver, staged), Issued)
    assert challenge_password(stage.server.csrs[0]) == ""


async def test_one_is_fetched_for_each_enrolment(stage: Stage, ndes: SCEPDriver) -> None:
    for name in ("one", "two"):
        staged = await stage.stage(ndes, stage.request(), key=rsa_key(name))
        assert isinstance(await step(ndes, staged), Issued)
    assert [challenge_password(csr) for csr in stage.server.csrs] == stage.ndes.issued
    assert len(stage.ndes.issued) == 2


async def test_one_from_a_webhook(stage: Stage) -> None:
    stage.hook.key = b"hook key"
    stage.server.challenges = {"hook-challenge-1"}
    driver = stage.hook_driver()
    staged = await stage.stage(driver, stage.request())
    assert isinstance(await step(driver, staged), Issued)


async def test_an_unsent_one_that_is_too_old_is_never_sent(stage: Stage, ndes: SCEPDriver) -> None:
    staged = await stage.stage(ndes, stage.request())
    stage.clock.jump(LIFETIME)
    answer = await step(ndes, staged)
    assert isinstance(answer, StartAfresh)
    assert "fetched too long ago" in answer.message
    assert stage.server.seen == []


async def test_one_that_is_young_enough_is_sent(stage: Stage, ndes: SCEPDriver) -> None:
    staged = await stage.stage(ndes, stage.request())
    stage.clock.jump(LIFETIME - 1)
    assert isinstance(await step(ndes, staged), Issued)


async def test_the_lifetime_is_the_issuers(stage: Stage) -> None:
    driver = stage.ndes_driver(more={"lifetime": "5m"})
    staged = await stage.stage(driver, stage.request())
    stage.clock.jump(300)
    assert isinstance(await step(driver, staged), StartAfresh)


async def test_after_a_crash_an_old_one_is_dropped_only_if_the_ca_knows_nothing_of_it(
    stage: Stage, ndes: SCEPDriver
) -> None:
    unsent = await stage.stage(ndes, stage.request(), key=rsa_key("one"))
    lost = await stage.stage(ndes, stage.request(), key=rsa_key("two"))
    stage.late = [httpx.ReadTimeout("")]
    with pytest.raises(TransientError):
        await step(ndes, lost)
    stage.clock.jump(LIFETIME)
    assert isinstance(await step(stage.ndes_driver(), unsent), StartAfresh)
    assert isinstance(await step(stage.ndes_driver(), lost), Issued)


async def test_after_a_crash_the_same_one_is_sent_with_the_same_request(stage: Stage, ndes: SCEPDriver) -> None:
    staged = await stage.stage(ndes, stage.request())
    assert isinstance(await step(stage.ndes_driver(), staged), Issued)
    assert stage.server.message_types == ["20", "19"]
    assert len(stage.ndes.issued) == 1


async def test_while_pending_age_does_not_count(stage: Stage, ndes: SCEPDriver) -> None:
    stage.server.pending = 2
    staged = await stage.stage(ndes, stage.request())
    answer = await step(ndes, staged)
    assert isinstance(answer, Pending)
    stage.clock.jump(LIFETIME * 5)
    assert await stage.play(staged.going_on(answer.resume), ndes, restart=stage.ndes_driver)


async def test_no_more_than_four_are_unused_at_ndes(stage: Stage, ndes: SCEPDriver) -> None:
    staged = [await stage.stage(ndes, stage.request(), key=rsa_key(name)) for name in ("one", "two", "three", "four")]
    with pytest.raises(TransientError, match=r"scep\.challenge\.maxOutstanding") as caught:
        await ndes.prepare(stage.request())
    assert caught.value.reason is Reason.RATE_LIMITED
    assert len(stage.ndes.issued) == 4
    assert isinstance(await step(ndes, staged[0]), Issued)
    assert await ndes.prepare(stage.request())


async def test_places_are_claimed_before_the_page_is_read(stage: Stage) -> None:
    driver = stage.ndes_driver(more={"maxOutstanding": 2})
    await driver.check()
    asked = (driver.prepare(stage.request()) for _ in range(6))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, TransientError) for answer in answers) == 4
    assert len(stage.ndes.issued) == 2


@pytest.mark.parametrize("outcome", ["refused", "pending", "too old", "page failed"])
async def test_a_place_is_free_again(stage: Stage, outcome: str) -> None:
    driver = stage.ndes_driver(more={"maxOutstanding": 1})
    stage.server.challenges = None
    if outcome == "page failed":
        stage.ndes.status = 500
        with pytest.raises(TransientError):
            await driver.prepare(stage.request())
        stage.ndes.status = 200
    else:
        await end(stage, driver, outcome)
    assert await driver.prepare(stage.request())


async def end(stage: Stage, driver: SCEPDriver, outcome: str) -> None:
    staged = await stage.stage(driver, stage.request())
    match outcome:
        case "refused":
            stage.server.rejected = ("2", "")
            with pytest.raises(RejectedError):
                await step(driver, staged)
        case "pending":
            stage.server.pending = 1
            assert isinstance(await step(driver, staged), Pending)
        case "too old":
            stage.clock.jump(LIFETIME)


async def test_after_a_restart_a_record_that_is_gone_on_with_counts_again(stage: Stage) -> None:
    staged = await stage.stage(stage.ndes_driver(), stage.request())
    driver = stage.ndes_driver(more={"maxOutstanding": 1})
    await driver.check()
    stage.late = [httpx.ReadTimeout("")]
    with pytest.raises(TransientError):
        await step(driver, staged)
    with pytest.raises(TransientError, match="maxOutstanding"):
        await driver.prepare(stage.request())


async def test_a_password_that_serves_for_ever_is_neither_counted_nor_dropped(stage: Stage) -> None:
    stage.ndes.validity = ALWAYS
    driver = stage.ndes_driver(more={"maxOutstanding": 1})
    stage.server.challenges = None
    staged: list[Staged] = [await stage.stage(driver, stage.request(), key=rsa_key(name)) for name in ("one", "two")]
    stage.clock.jump(LIFETIME * 2)
    for each in staged:
        assert isinstance(await step(driver, each), Issued)


async def test_a_webhook_has_no_bound_of_its_own(stage: Stage) -> None:
    driver = stage.hook_driver()
    for _ in range(10):
        await driver.prepare(stage.request())
    assert len(stage.hook.issued) == 10


@pytest.mark.parametrize(
    "challenge",
    [
        pytest.param({"ndes": {"url": "http://ndes.test/", "credentialsSecretRef": {"name": "ndes"}}}, id="NDES"),
        pytest.param({"webhook": {"url": "http://hook.test/"}}, id="webhook"),
    ],
)
async def test_secrets_go_over_https_only(stage: Stage, challenge: dict[str, object]) -> None:
    with pytest.raises(IssuerError, match="https://"):
        stage.driver(challenge=challenge)


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param({"ndes_username": b"", "ndes_password": b"x"}, id="no username"),
        pytest.param({"ndes_username": b"ra", "ndes_password": b"\xff"}, id="no text"),
    ],
)
async def test_an_account_without_name_or_password_is_told_at_once(stage: Stage, credentials: dict[str, bytes]) -> None:
    stage.credentials = SCEPCredentials(**credentials)
    with pytest.raises(IssuerError, match="credentialsSecretRef") as caught:
        stage.driver(challenge={"ndes": {"url": stage.ndes.url, "credentialsSecretRef": {"name": "ndes"}}})
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_an_empty_key_signs_nothing(stage: Stage) -> None:
    stage.hook.key = b""
    with pytest.raises(IssuerError, match="hmacSecretRef"):
        stage.hook_driver()


async def test_a_webhook_is_trusted_by_its_own_ca_bundle(stage: Stage) -> None:
    stage.driver(challenge={"webhook": {"url": stage.hook.url, "caBundle": "cGVt"}})
    assert [settings.roots for settings in stage.opened] == [None, b"pem"]
