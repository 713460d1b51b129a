"""Orders that fail: which name, why, and that nothing is left behind."""

from typing import Any

import httpx
import pytest

from certwright.model.enrolment import Checkpoint, Pending
from certwright.model.errors import RejectedError
from tests.fakes.acme import URN, FakeACMEServer
from tests.issuers.acme.conftest import Stage, request_for

NXDOMAIN = {"type": f"{URN}dns", "detail": "NXDOMAIN looking up TXT for it"}
UNAUTHORIZED = {"type": f"{URN}unauthorized", "detail": "Incorrect TXT record found"}


async def test_the_name_that_failed_is_told(stage: Stage) -> None:
    stage.server.failing["bad.shop.test"] = NXDOMAIN
    with pytest.raises(RejectedError) as caught:
        await stage.play(request_for(stage.clock, "good.shop.test", "bad.shop.test"))
    assert caught.value.message == (
        "acme.test could not verify 1 of 2 names: bad.shop.test (http-01): NXDOMAIN looking up TXT for it (dns)."
        " See that the CA can resolve the name (DNSSEC included)."
    )
    assert caught.value.code == "dns"
    assert stage.solver.world == {}


async def test_all_names_that_failed_are_told(stage: Stage) -> None:
    stage.server.failing |= {"a.shop.test": NXDOMAIN, "b.shop.test": UNAUTHORIZED}
    with pytest.raises(RejectedError, match=r"2 of 3 names: .*b\.shop\.test .*; .*a\.shop\.test"):
        await stage.play(request_for(stage.clock, "a.shop.test", "b.shop.test", "c.shop.test"))


async def test_a_wrong_proof_is_not_taken_for_a_wrong_account(stage: Stage) -> None:
    stage.server.failing["www.shop.test"] = UNAUTHORIZED
    with pytest.raises(RejectedError, match="every server of the name shows the same") as caught:
        await stage.play(request_for(stage.clock, "www.shop.test"))
    assert "account" not in caught.value.message


async def test_a_name_refused_in_the_order_is_told(stage: Stage) -> None:
    stage.server.rejected = {"bank.test"}
    with pytest.raises(RejectedError, match=r"bank\.test: never \(rejectedIdentifier\)"):
        await stage.driver().enrol(request_for(stage.clock, "www.shop.test", "bank.test"), resume={})


async def test_pending_authorizations_of_a_failed_order_are_deactivated(stage: Stage) -> None:
    stage.server.failing["bad.shop.test"] = NXDOMAIN
    stage.solver.slow["slow.shop.test"] = 100
    with pytest.raises(RejectedError):
        await stage.play(request_for(stage.clock, "slow.shop.test", "bad.shop.test"))
    status = {entry.identifier["value"]: entry.status for entry in stage.server.authorizations.values()}
    assert status == {"slow.shop.test": "deactivated", "bad.shop.test": "invalid"}


async def test_a_request_that_the_ca_does_not_take_is_finalized_once(stage: Stage) -> None:
    good, other = request_for(stage.clock, "www.shop.test"), request_for(stage.clock, "other.shop.test")
    stolen = type(good)(certificate=good.certificate, spec=good.spec, csr=other.csr, started_at=good.started_at)
    with pytest.raises(RejectedError, match="the names are not the order's") as caught:
        await stage.play(stolen)
    assert (caught.value.code, stage.count("finalize")) == ("badCSR", 1)
    assert stage.solver.world == {}


async def test_an_order_that_fails_while_the_ca_issues_says_why(stage: Stage) -> None:
    stage.server.issuance_polls = 5
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test")
    resume: Any = {}
    while stage.count("finalize") == 0:
        answer = await driver.enrol(request, resume=resume)
        assert isinstance(answer, Checkpoint | Pending)
        resume = answer.resume
        await stage.clock.advance(1)
    order = stage.server.orders["1"]
    order.status, order.error = "invalid", {"type": f"{URN}serverInternal", "detail": "HSM on fire", "status": 500}
    with pytest.raises(RejectedError, match=r"acme\.test refused the certificate: HSM on fire"):
        await driver.enrol(request, resume=resume)


class PatientServer(FakeACMEServer):
    """A server that leaves a failed challenge pending, to be answered again, as step-ca does."""

    def _authz(self, account: str, payload: Any, number: str) -> httpx.Response:
        entry = self.authorizations[number]
        if payload is None and entry.polls is not None and entry.identifier["value"] in self.failing:
            entry.error = self.failing[entry.identifier["value"]]
            entry.polls = None
        return super()._authz(account, payload, number)


@pytest.fixture
async def patient(stage: Stage) -> Stage:
    stage.server.__class__ = PatientServer
    return stage


async def test_a_challenge_that_stays_pending_is_answered_a_few_times(patient: Stage) -> None:
    patient.server.failing["www.shop.test"] = NXDOMAIN
    began = patient.clock.monotonic()
    with pytest.raises(RejectedError, match="NXDOMAIN"):
        await patient.play(request_for(patient.clock, "www.shop.test"))
    assert patient.count("chall") == 5
    assert patient.clock.monotonic() - began > 2 + 4 + 8 + 16


async def test_a_challenge_that_stays_pending_can_still_succeed(patient: Stage) -> None:
    patient.server.failing["www.shop.test"] = NXDOMAIN
    driver, request = patient.driver(), request_for(patient.clock, "www.shop.test")
    resume: Any = {}
    for _ in range(3):
        answer = await driver.enrol(request, resume=resume)
        assert isinstance(answer, Checkpoint | Pending)
        resume = answer.resume
        await patient.clock.advance(answer.retry_after if isinstance(answer, Pending) else 0)
    patient.server.failing.clear()
    patient.server.authorizations["1"].error = None
    await patient.play(request, driver=lambda: driver, resume=resume)
    assert patient.count("chall") == 2
