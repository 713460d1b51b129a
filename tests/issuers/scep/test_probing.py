"""What a probe finds out: the CA, what it can do, what comes after it, and what the issuer lacks."""

import httpx
import pytest

from certwright.model.chain import fingerprint
from certwright.model.enrolment import Issued, LearnedAnchor
from certwright.model.errors import IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm
from tests.fakes.scep.answers import Lie
from tests.fakes.scep.authority import SCEPAuthority
from tests.issuers.scep.conftest import Stage, step

ABOUT_EC = "keys other than RSA need a challenge"


async def test_the_report_names_the_ca_and_what_it_can_do(stage: Stage) -> None:
    stage.server.authority = SCEPAuthority(clock=stage.clock.now, agents=2)
    report = await stage.driver().check()
    assert report.message == "scep.test answers for the CA CN=Fake SCEP CA."
    assert set(report.capabilities) == {
        *("AES", "GetNextCACert", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-256")
    }
    assert set(report.ca_certificates) == set(stage.server.authority.certificates)
    assert report.learned == ()


async def test_a_server_without_capabilities_is_good_enough(stage: Stage) -> None:
    stage.server.capabilities = None
    assert (await stage.driver().check()).capabilities == ()


async def test_each_probe_asks_anew(stage: Stage) -> None:
    driver = stage.driver()
    await driver.check()
    stage.server.answers = [lambda: httpx.Response(404), lambda: httpx.Response(500)]
    with pytest.raises(TransientError, match="CA certificates got no answer"):
        await driver.check()


async def test_another_ca_than_the_pinned_one_is_the_issuers_affair(stage: Stage) -> None:
    with pytest.raises(IssuerError, match="caFingerprintSHA256") as caught:
        await stage.driver(caFingerprintSHA256="00" * 32).check()
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


async def test_over_https_the_connection_vouches_for_the_ca(stage: Stage) -> None:
    driver = stage.driver(url="https://scep.test/cgi-bin/pkiclient.exe", caFingerprintSHA256=None)
    assert await driver.check()


async def test_over_http_somebody_must_vouch(stage: Stage) -> None:
    with pytest.raises(IssuerError, match="caFingerprintSHA256"):
        stage.driver(caFingerprintSHA256=None)


@pytest.mark.parametrize(
    ("algorithms", "has_challenge", "expected"),
    [
        pytest.param(None, False, True, id="all keys, no challenge"),
        pytest.param(None, True, False, id="all keys, a challenge"),
        pytest.param((KeyAlgorithm.RSA,), False, False, id="RSA only"),
        pytest.param((KeyAlgorithm.RSA, KeyAlgorithm.ECDSA), False, True, id="EC allowed"),
    ],
)
async def test_an_issuer_that_cannot_renew_ec_says_so(
    stage: Stage,
    algorithms: tuple[KeyAlgorithm, ...] | None,
    has_challenge: bool,  # noqa: FBT001 - a row of the table
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    make = stage.driver if has_challenge else stage.driver_without_challenge
    assert (ABOUT_EC in (await make(algorithms=algorithms).check()).message) is expected


async def test_a_fetched_challenge_serves_ec_as_well(stage: Stage) -> None:
    assert ABOUT_EC not in (await stage.ndes_driver().check()).message


async def test_the_next_ca_is_learned_from_the_current_one(stage: Stage) -> None:
    old, new = stage.server.authority, SCEPAuthority(clock=stage.clock.now, name="Next CA")
    stage.server.next_authority = new
    report = await stage.driver().check()
    by = fingerprint(old.ca.certificate)
    assert report.learned == (LearnedAnchor(certificate=new.ca.certificate, source="GetNextCACert", by=by),)
    # The next driver is given what was learned, and learns it once.
    assert (await stage.driver(learned=report.learned).check()).learned == report.learned


async def test_the_next_ca_is_trusted_when_it_has_become_the_current_one(stage: Stage) -> None:
    new = stage.server.next_authority = SCEPAuthority(clock=stage.clock.now, name="Next CA")
    old = fingerprint(stage.server.authority.ca.certificate)
    report = await stage.driver().check()
    assert report.learned is not None
    current = await stage.enrolled(stage.driver())
    stage.server.authority, stage.server.next_authority = new, None
    driver = stage.driver(caFingerprintSHA256=old, learned=report.learned)
    staged = await stage.stage(driver, stage.request(current=current))
    issued = await step(driver, staged)
    assert isinstance(issued, Issued)
    assert issued.anchors == (new.ca.certificate,)
    with pytest.raises(IssuerError, match="caFingerprintSHA256"):
        await stage.driver(caFingerprintSHA256=old).check()


async def test_the_next_root_is_handed_on_beside_the_present_one(stage: Stage) -> None:
    new = stage.server.next_authority = SCEPAuthority(clock=stage.clock.now, name="Next CA")
    report = await stage.driver().check()
    assert report.learned is not None
    driver = stage.driver(learned=report.learned)
    issued = await stage.play(await stage.stage(driver, stage.request()), driver)
    assert issued.anchors == (stage.server.authority.ca.certificate, new.ca.certificate)


async def test_a_next_ca_that_nobody_vouches_for_is_not_believed(stage: Stage) -> None:
    stage.server.next_authority = SCEPAuthority(clock=stage.clock.now, name="Next CA")
    stage.server.lies = {Lie.SIGNER}
    report = await stage.driver().check()
    assert report.learned == ()
    assert "not believed" in report.message


async def test_a_weakly_signed_next_ca_is_not_believed(stage: Stage) -> None:
    stage.server.next_authority = SCEPAuthority(clock=stage.clock.now, name="Next CA")
    stage.server.digest = "sha1"
    report = await stage.driver().check()
    assert report.learned == ()
    assert "add SHA-1 to scep.legacyAlgorithms.accept" in report.message


async def test_what_was_learned_is_kept_until_it_expires(stage: Stage) -> None:
    other = SCEPAuthority(clock=stage.clock.now, name="Learned before").ca.certificate
    learned = (LearnedAnchor(certificate=other, source="GetNextCACert", by="ab"),)
    assert (await stage.driver(learned=learned).check()).learned == learned
    stage.clock.jump((other.not_valid_after_utc - stage.clock.now()).total_seconds())
    stage.server.authority = SCEPAuthority(clock=stage.clock.now, name="Younger")
    assert (await stage.driver(learned=learned).check()).learned == ()


@pytest.mark.parametrize("url", ["ftp://scep.test/", "https://", "https://scep.test:port/", "scep.test"])
async def test_what_is_no_url_is_the_issuers_affair(stage: Stage, url: str) -> None:
    with pytest.raises(IssuerError, match=r"scep\.url must be a URL"):
        stage.driver(url=url)
