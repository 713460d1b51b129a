"""From nothing to a certificate: what is asked, what comes back, and what a restart or a lost answer costs."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from certwright.model import keys
from certwright.model.chain import BrokenChainError, verify_chain
from certwright.model.enrolment import Checkpoint, Issued, StartAfresh
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm
from certwright.model.verification import is_key_of, verify
from tests.fakes.ca import common_name
from tests.fakes.scep.answers import Lie
from tests.fakes.scep.authority import SCEPAuthority, certify, rsa_key
from tests.fakes.scep.server import challenge_password
from tests.issuers.scep.conftest import CHALLENGE, Stage, ec_key, step

LOST = httpx.ReadTimeout("")
REFUSED = httpx.ConnectError("")


@pytest.mark.parametrize("agents", [pytest.param(0, id="CA"), pytest.param(1, id="RA"), pytest.param(2, id="two RAs")])
async def test_a_certificate_is_issued_for_one_request(stage: Stage, agents: int) -> None:
    stage.server.authority = SCEPAuthority(clock=stage.clock.now, agents=agents)
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    issued = await stage.play(staged, driver)
    assert issued.chain == (stage.server.issued[issued.chain[0].serial_number],)
    assert issued.anchors == (stage.server.authority.ca.certificate,)
    assert not issued.is_credential_used
    assert [challenge_password(csr) for csr in stage.server.csrs] == [CHALLENGE]
    assert stage.server.message_types == ["19"]
    key = staged.request.key
    assert key is not None
    verify(staged.request.spec, issued.chain, key, anchors=issued.anchors, now=stage.clock.now())


async def test_the_server_is_read_once_for_many_enrolments(stage: Stage) -> None:
    driver = stage.driver()
    for name in ("one", "two"):
        await stage.play(await stage.stage(driver, stage.request(), key=rsa_key(name)), driver)
    operations = [request.url.params["operation"] for request in stage.server.requests]
    assert operations == ["GetCACaps", "GetCACert", "PKIOperation", "PKIOperation"]


async def test_who_waits_for_the_server_shares_its_failure(stage: Stage) -> None:
    stage.server.answers = [lambda: httpx.Response(404), lambda: httpx.Response(500)]
    driver = stage.driver()
    asked = (driver.prepare(stage.request()) for _ in range(20))
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(failure, TransientError) for failure in failures)
    assert len(stage.server.requests) == 2
    assert await driver.prepare(stage.request())


async def test_keys_are_rsa_where_the_certificate_leaves_it_open(stage: Stage) -> None:
    prepared = await stage.driver().prepare(stage.request())
    assert prepared.key_kind == keys.KeyKind(KeyAlgorithm.RSA, 2048)


@pytest.mark.parametrize(
    "algorithm",
    [pytest.param("ECDSA", id="EC"), pytest.param("Ed25519", id="Ed25519"), pytest.param("ML-DSA-44", id="ML-DSA")],
)
async def test_a_key_that_cannot_decrypt_is_enrolled_with_a_throwaway_signer(stage: Stage, algorithm: str) -> None:
    staged = await stage.stage(stage.driver(), stage.request(privateKey={"algorithm": algorithm}))
    # A new process has the same signer, which was staged.
    issued = await stage.play(staged, stage.driver())
    assert staged.request.key is not None
    assert is_key_of(issued.chain[0], staged.request.key)


async def test_a_key_that_is_not_the_expected_one_gets_its_signer_at_a_checkpoint(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(), key=ec_key())
    assert isinstance(await step(driver, staged), Checkpoint)
    assert isinstance(await stage.play(staged, driver), Issued)


async def test_a_subject_may_be_empty(stage: Stage) -> None:
    driver = stage.driver()
    assert await stage.play(await stage.stage(driver, stage.request(commonName=None)), driver)


async def test_after_a_restart_it_is_asked_first_what_became_of_the_request(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request())
    assert await stage.play(staged, stage.driver())
    assert stage.server.message_types == ["20", "19"]


@pytest.mark.parametrize("restarts", [pytest.param(False, id="same process"), pytest.param(True, id="restart")])
async def test_a_lost_answer_is_asked_for_again_and_no_second_certificate_is_made(stage: Stage, restarts: bool) -> None:  # noqa: FBT001 - a row of the table
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.late = [LOST]
    with pytest.raises(TransientError) as caught:
        await step(driver, staged)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= timedelta(minutes=1)
    issued = await step(stage.driver() if restarts else driver, staged)
    assert isinstance(issued, Issued)
    assert stage.server.message_types == ["19", "20"]
    assert list(stage.server.issued.values()) == [issued.chain[0]]


async def test_a_request_that_never_left_is_sent_without_asking(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.early = [REFUSED]
    with pytest.raises(TransientError):
        await step(driver, staged)
    assert isinstance(await step(driver, staged), Issued)
    assert stage.server.message_types == ["19"]


async def test_a_server_without_polling_gets_the_identical_request_once_more(stage: Stage) -> None:
    stage.server.polling = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.late = [LOST]
    with pytest.raises(TransientError):
        await step(driver, staged)
    assert isinstance(await step(stage.driver(), staged), Issued)
    assert stage.server.message_types == ["19", "20", "19"]
    first, _, second = stage.server.seen
    assert first.transaction_id == second.transaction_id
    assert len(set(stage.server.csrs)) == 1


@pytest.mark.parametrize("status", [pytest.param(503, id="overloaded"), pytest.param(502, id="proxy")])
async def test_a_server_that_cannot_answer_now_is_not_sent_the_request_again(stage: Stage, status: int) -> None:
    staged = await stage.stage(stage.driver(), stage.request())
    driver = stage.driver()
    await driver.check()
    stage.server.answers = [lambda: httpx.Response(status)]
    with pytest.raises(TransientError):
        await step(driver, staged)
    assert stage.server.seen == []


@pytest.mark.parametrize("lie", [lie for lie in Lie if lie not in {Lie.RECIPIENT, Lie.KEY}], ids=str)
async def test_what_the_ca_did_not_say_rejects_nothing(stage: Stage, lie: Lie) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.rejected = ("2", "forged")
    stage.server.lies = {lie}
    with pytest.raises(TransientError):
        await step(driver, staged)
    stage.server.lies, stage.server.rejected = set(), None
    assert isinstance(await step(driver, staged), Issued)


@pytest.mark.parametrize("restarts", [pytest.param(False, id="same process"), pytest.param(True, id="restart")])
async def test_a_certificate_for_another_key_is_refused(stage: Stage, restarts: bool) -> None:  # noqa: FBT001 - a row of the table
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.lies = {Lie.KEY}
    with pytest.raises(RejectedError, match="no certificate for the key of the request") as caught:
        await step(stage.driver() if restarts else driver, staged)
    assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE


async def test_a_certificate_that_another_key_has_signed_under_the_ca_s_name_is_refused(stage: Stage) -> None:
    """Which only the check before its delivery tells: what it should have been signed by must come along."""
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.authority.issue = SCEPAuthority(clock=stage.clock.now, ca_key=rsa_key("stranger")).issue  # type: ignore[method-assign]  # the lie
    answer = await step(driver, staged)
    assert isinstance(answer, Issued)
    with pytest.raises(BrokenChainError, match="signed by none of the known CA certificates"):
        verify_chain(answer.chain, answer.anchors, stage.clock.now())


async def test_a_new_ra_is_found_after_an_answer_that_it_signed(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    ca = stage.server.authority
    ca.signer = certify(common_name("New RA"), rsa_key("New RA"), now=stage.clock.now(), issuer=ca.ca)
    with pytest.raises(TransientError):
        await step(driver, staged)
    ca.recipient = ca.signer
    assert isinstance(await step(driver, staged), Issued)


@pytest.mark.parametrize(
    ("knobs", "names"),
    [
        pytest.param({"cipher": "des"}, "DES", id="DES"),
        pytest.param({"cipher": "tripledes_3key", "digest": "sha1"}, "DES3 and SHA-1", id="DES3 and SHA-1"),
        pytest.param({"digest": "md5"}, "MD5", id="MD5"),
    ],
)
async def test_a_weak_answer_names_what_to_accept_and_stops_all_requests(
    stage: Stage, knobs: dict[str, str], names: str
) -> None:
    driver = stage.driver()
    one, two = [await stage.stage(driver, stage.request(), key=rsa_key(name)) for name in ("one", "two")]
    for name, value in knobs.items():
        setattr(stage.server, name, value)
    for staged in (one, two, one):
        with pytest.raises(IssuerError) as caught:
            await step(driver, staged)
        assert f"add {names} to scep.legacyAlgorithms.accept" in caught.value.message
        assert caught.value.reason is Reason.INVALID_CONFIGURATION
    with pytest.raises(IssuerError, match="legacyAlgorithms"):
        await driver.check()
    assert len(stage.server.issued) == 1
    accepting = stage.driver(legacyAlgorithms={"accept": names.split(" and ")})
    assert isinstance(await step(accepting, one), Issued)


async def test_answers_are_tried_again_hours_after_a_weak_one(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.digest = "sha1"
    with pytest.raises(IssuerError):
        await step(driver, staged)
    stage.server.digest = "sha256"
    stage.clock.jump(timedelta(hours=6).total_seconds())
    assert isinstance(await step(driver, staged), Issued)


async def test_an_answer_for_somebody_else_is_the_issuers_affair(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.lies = {Lie.RECIPIENT}
    with pytest.raises(IssuerError, match=r"DES3 and SHA-1 in scep\.legacyAlgorithms\.send"):
        await step(driver, staged)


@pytest.mark.parametrize("restarts", [pytest.param(False, id="same process"), pytest.param(True, id="restart")])
async def test_a_refusal_is_final_and_says_what_the_ca_says(stage: Stage, restarts: bool) -> None:  # noqa: FBT001 - a row of the table
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    stage.server.rejected = ("2", "no such profile")
    with pytest.raises(RejectedError) as caught:
        await step(stage.driver() if restarts else driver, staged)
    assert caught.value.code == "badRequest"
    assert "scep.test refused the enrolment request (badRequest: no such profile)." in caught.value.message
    assert not caught.value.is_credential_used


async def test_a_record_of_another_version_is_begun_anew(stage: Stage) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    assert isinstance(await step(driver, staged.going_on({"transaction": "old"})), StartAfresh)


async def test_a_ca_with_an_ec_key_is_asked_under_the_challenge(stage: Stage) -> None:
    stage.server.authority = SCEPAuthority(clock=stage.clock.now, ca_key=ec_key())  # type: ignore[arg-type]
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request())
    assert isinstance(await step(driver, staged), Issued)


async def test_a_ca_with_an_ec_key_cannot_be_asked_without_a_challenge(stage: Stage) -> None:
    stage.server.authority = SCEPAuthority(clock=stage.clock.now, ca_key=ec_key())  # type: ignore[arg-type]
    driver = stage.driver_without_challenge()
    staged = await stage.stage(driver, stage.request())
    with pytest.raises(IssuerError, match=r"set scep\.challenge"):
        await step(driver, staged)


async def test_a_server_that_is_not_the_pinned_ca_is_given_nothing(stage: Stage) -> None:
    driver = stage.driver(caFingerprintSHA256="ab" * 32)
    with pytest.raises(EnrolmentError, match="caFingerprintSHA256"):
        await driver.prepare(stage.request())
    assert stage.server.seen == []


async def test_connections_are_closed(stage: Stage) -> None:
    driver = stage.hook_driver()
    await driver.check()
    await driver.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await driver.check()
