"""Who signs a renewal, and when it is a first enrolment again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certwright.issuers.scep import SCEPCredentials
from certwright.model.enrolment import CurrentCertificate, Issued, Pending, StartAfresh
from certwright.model.errors import RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.ca import LEAF_LIFE, FakeCA
from tests.fakes.scep.authority import certify, rsa_key
from tests.fakes.scep.server import EVERYTHING, challenge_password
from tests.issuers.scep.conftest import CHALLENGE, Stage, Staged, ec_key, own, step

NO_RENEWAL = EVERYTHING.replace("Renewal\n", "")
SELF, OLD = "self-signed", "current certificate"


@pytest.fixture
async def current(stage: Stage) -> CurrentCertificate:
    found = await stage.enrolled(stage.driver(), key=rsa_key("old"))
    stage.forget_requests()
    return found


async def renewed(stage: Stage, current: CurrentCertificate, **settings: Any) -> Staged:
    """What is staged for a renewal, after it was carried out."""
    driver = stage.driver(**settings)
    staged = await stage.stage(driver, stage.request(current=current))
    assert isinstance(await step(driver, staged), Issued)
    return staged


def how(stage: Stage, current: CurrentCertificate) -> tuple[str, str, str]:
    """Message type, signer and challenge of the last request."""
    request, csr = stage.server.seen[-1], stage.server.csrs[-1]
    return request.message_type, OLD if request.signer == current.leaf else SELF, challenge_password(csr)


@pytest.mark.parametrize(
    ("capabilities", "settings", "expected"),
    [
        pytest.param(EVERYTHING, {}, ("17", OLD, ""), id="announced"),
        pytest.param(EVERYTHING, {"challengeOnRenewal": True}, ("17", OLD, CHALLENGE), id="challenge on renewal"),
        pytest.param(NO_RENEWAL, {}, ("19", SELF, CHALLENGE), id="not announced"),
        pytest.param(NO_RENEWAL, {"renewalOperation": "RenewalReq"}, ("17", OLD, ""), id="RenewalReq all the same"),
        pytest.param(EVERYTHING, {"renewalOperation": "PKCSReq"}, ("19", OLD, ""), id="PKCSReq"),
        pytest.param(
            EVERYTHING,
            {"renewalOperation": "PKCSReq", "challengeOnRenewal": True},
            ("19", OLD, CHALLENGE),
            id="PKCSReq with challenge",
        ),
    ],
)
async def test_a_renewal(
    stage: Stage,
    current: CurrentCertificate,
    capabilities: str,
    settings: dict[str, Any],
    expected: tuple[str, str, str],
) -> None:
    stage.server.capabilities = capabilities
    if not expected[2]:
        stage.server.challenges = {CHALLENGE} if expected[0] == "17" else None
    await renewed(stage, current, **settings)
    assert how(stage, current) == expected


async def test_without_a_challenge_the_old_certificate_signs_where_renewal_is_not_announced(
    stage: Stage, current: CurrentCertificate
) -> None:
    stage.server.capabilities = NO_RENEWAL
    stage.server.challenges = None
    driver = stage.driver_without_challenge()
    staged = await stage.stage(driver, stage.request(current=current))
    assert isinstance(await step(driver, staged), Issued)
    assert how(stage, current) == ("19", OLD, "")


async def test_what_expired_is_enrolled_for_again(stage: Stage, current: CurrentCertificate) -> None:
    stage.clock.jump((LEAF_LIFE + timedelta(hours=1)).total_seconds())
    await renewed(stage, current)
    assert how(stage, current) == ("19", SELF, CHALLENGE)


async def test_what_another_ca_issued_is_enrolled_for_anew(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request(), key=rsa_key("old"))
    foreign = FakeCA(clock=stage.clock.now).issue(x509.load_der_x509_csr(staged.request.csr))
    current = CurrentCertificate(foreign, (), rsa_key("old"))
    await renewed(stage, current)
    assert how(stage, current) == ("19", SELF, CHALLENGE)


async def test_other_names_are_no_renewal_where_there_is_a_challenge(stage: Stage, current: CurrentCertificate) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current, dnsNames=["other.shop.test"]))
    assert isinstance(await step(driver, staged), Issued)
    assert how(stage, current) == ("19", SELF, CHALLENGE)


async def test_an_ec_key_renews_with_a_throwaway_signer_and_a_challenge(stage: Stage) -> None:
    spec: dict[str, Any] = {"privateKey": {"algorithm": "ECDSA"}}
    current = await stage.enrolled(stage.driver(), **spec)
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current, **spec))
    assert isinstance(await step(driver, staged), Issued)
    assert how(stage, current) == ("19", SELF, CHALLENGE)


async def test_a_certificate_that_changes_to_ec_is_still_renewed_by_its_rsa_certificate(
    stage: Stage, current: CurrentCertificate
) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current, privateKey={"algorithm": "ECDSA"}))
    issued = await step(stage.driver(), staged)
    assert isinstance(issued, Issued)
    assert stage.server.message_types == ["20", "17"]


async def test_a_kept_key_is_another_transaction_each_time(stage: Stage, current: CurrentCertificate) -> None:
    first = next(iter(stage.server.enrolments))
    request = stage.request(current=current, privateKey={"rotationPolicy": "Never"})
    driver = stage.driver()
    staged = await stage.stage(driver, request, key=rsa_key("old"))
    issued = await step(driver, staged)
    assert isinstance(issued, Issued)
    assert issued.chain[0] != current.leaf
    assert stage.server.seen[-1].transaction_id != first


async def test_a_kept_ec_key_is_expected(stage: Stage) -> None:
    key = ec_key()
    current = await stage.enrolled(stage.driver(), key=key, privateKey={"algorithm": "ECDSA"})
    driver = stage.driver()
    # The Certificate says nothing about the algorithm, and keeps its key.
    request = stage.request(current=current, privateKey={"rotationPolicy": "Never"})
    staged = await stage.stage(driver, request, key=key)
    assert isinstance(await step(driver, staged), Issued)


async def test_a_renewal_waits_with_the_certificate_that_was_current(stage: Stage, current: CurrentCertificate) -> None:
    stage.server.pending = 3
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    answer = await step(driver, staged)
    assert isinstance(answer, Pending)
    # The Secret may be gone meanwhile.
    later = Staged(replace(staged.request, current=None), {}).going_on(answer.resume)
    assert await stage.play(later, stage.driver(), restart=stage.driver)
    assert {request.signer for request in stage.server.seen} == {current.leaf}


async def test_a_certificate_that_expired_before_it_could_sign_is_enrolled_for_anew(
    stage: Stage, current: CurrentCertificate
) -> None:
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    stage.clock.jump((LEAF_LIFE + timedelta(hours=1)).total_seconds())
    answer = await step(driver, staged)
    assert isinstance(answer, StartAfresh)
    assert "expired" in answer.message
    assert stage.server.seen == []


async def test_a_refused_renewal_is_followed_by_a_first_enrolment(stage: Stage, current: CurrentCertificate) -> None:
    stage.server.issued.clear()  # Revoked, say: the CA knows it no longer.
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    with pytest.raises(RejectedError, match="the renewal request"):
        await step(driver, staged)
    again = await stage.stage(driver, stage.request(current=current), key=rsa_key("again"))
    assert isinstance(await step(driver, again), Issued)
    assert how(stage, current) == ("19", SELF, CHALLENGE)


async def test_a_refused_renewal_is_tried_again_where_there_is_no_challenge(
    stage: Stage, current: CurrentCertificate
) -> None:
    stage.server.issued.clear()
    driver = stage.driver_without_challenge()
    for _ in range(2):
        staged = await stage.stage(driver, stage.request(current=current))
        with pytest.raises(RejectedError, match="the renewal request"):
            await step(driver, staged)


@pytest.mark.parametrize("has_issuer_challenge", [True, False], ids=["issuer has one", "issuer has none"])
async def test_a_used_challenge_is_no_obstacle_to_a_renewal_signed_with_the_certificate(
    stage: Stage,
    current: CurrentCertificate,
    has_issuer_challenge: bool,  # noqa: FBT001 - a row of the table
) -> None:
    if not has_issuer_challenge:
        stage.credentials = SCEPCredentials()
    spent = replace(own(b""), obstacle=TransientError("used", reason=Reason.CREDENTIAL_USED))
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current, credential=spent))
    issued = await step(driver, staged)
    assert isinstance(issued, Issued)
    assert not issued.is_credential_used


async def test_an_own_ca_is_known_by_its_name_after_it_changed_its_key(
    stage: Stage, current: CurrentCertificate
) -> None:
    old = stage.server.authority.ca.certificate
    key = rsa_key("rolled over")
    rolled = certify(old.subject, key, now=stage.clock.now(), is_ca=True, usages=("key_cert_sign", "crl_sign"))
    authority = stage.server.authority
    authority.ca = authority.signer = authority.recipient = rolled
    assert old.fingerprint(hashes.SHA256()) != rolled.certificate.fingerprint(hashes.SHA256())
    await renewed(stage, current)
    assert how(stage, current) == ("17", OLD, "")
