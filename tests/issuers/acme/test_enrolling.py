"""An order from nothing to a certificate, whatever happens on the way."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from certwright.issuers.acme import ConfiguredSolver
from certwright.model.enrolment import Checkpoint, Issued, Pending
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import Solver
from certwright.model.solving import ChallengeType
from tests.fakes.acme import ORIGIN, rate_limited
from tests.fakes.solving import FakeSolver
from tests.issuers.acme.conftest import DNS01, Stage, request_for


async def test_names_apex_and_wildcard_are_proved_side_by_side(stage: Stage) -> None:
    names = ("shop.test", "*.shop.test", "www.shop.test")
    answer = await stage.play(request_for(stage.clock, *names))
    assert [certificate.subject.rfc4514_string() for certificate in answer.chain] == ["", "CN=Fake Intermediate"]
    assert stage.solver.most_at_once == 3
    assert stage.solver.world == {}
    assert (stage.count("order"), stage.count("finalize")) == (1, 1)


async def test_a_lone_certificate_takes_two_steps_and_hardly_any_time(stage: Stage) -> None:
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test")
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    # This server moves on when its authorizations are asked, so that the early look at the order sees no progress.
    waiting = await driver.enrol(request, resume=checkpoint.resume)
    assert isinstance(waiting, Pending)
    assert waiting.retry_after == timedelta(seconds=0.1)
    assert waiting.message == "www.shop.test: acme.test is validating it"
    await stage.clock.advance(waiting.retry_after)
    assert isinstance(await driver.enrol(request, resume=waiting.resume), Issued)
    assert sum(stage.pauses) <= 0.1


async def test_nothing_is_presented_before_the_order_is_stored(stage: Stage) -> None:
    checkpoint = await stage.driver().enrol(request_for(stage.clock, "www.shop.test"), resume={})
    assert isinstance(checkpoint, Checkpoint)
    assert stage.solver.presented == Counter()
    proof = checkpoint.resume["proofs"][0]
    assert (proof["name"], proof["challenge_type"]) == ("www.shop.test", "dns-01")
    assert checkpoint.resume["order"] == f"{ORIGIN}/orders/1"
    assert proof["token"] == stage.server.authorizations["1"].token


async def test_a_new_process_for_every_step_goes_on_with_the_same_order(stage: Stage) -> None:
    stage.server.issuance_polls = 2
    stage.solver.slow["www.shop.test"] = 3
    request = request_for(stage.clock, "www.shop.test", "*.shop.test")
    await stage.play(request, driver=stage.driver)
    assert (stage.count("order"), stage.count("finalize")) == (1, 1)
    assert stage.solver.world == {}


class LosesOneAnswer(httpx.AsyncBaseTransport):
    """Hands every request on, and drops the answer to one of them: the server acted, and nobody knows."""

    def __init__(self, inner: httpx.MockTransport, *, lost: int) -> None:
        self._inner = inner
        self.left = lost

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        self.left -= 1
        if self.left == 0:
            raise httpx.ReadError("the connection broke")
        return answer


@pytest.fixture(params=range(1, 16), ids=lambda lost: f"answer-{lost}")
async def interrupted(stage: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    transport = LosesOneAnswer(stage.server.transport(), lost=request.param)
    async with httpx.AsyncClient(transport=transport, headers={"User-Agent": "certwright-test"}) as http:
        stage.http = http
        yield stage


async def test_a_crash_after_any_request_leaves_one_certificate_and_no_proof(interrupted: Stage) -> None:
    stage = interrupted
    stage.server.issuance_polls = 1
    request = request_for(stage.clock, "www.shop.test", "*.shop.test")
    resume: Any = {}
    for _ in range(60):
        try:
            answer = await stage.driver().enrol(request, resume=resume)
        except TransientError as error:
            await stage.clock.advance(error.retry_after or timedelta(seconds=1))
            continue
        if isinstance(answer, Issued):
            break
        resume = answer.resume
        await stage.clock.advance(answer.retry_after if isinstance(answer, Pending) else 0.0)
    assert isinstance(answer, Issued)
    assert stage.count("finalize") == 1
    assert stage.solver.world == {}


async def test_a_proof_that_is_slow_to_show_is_awaited_and_presented_once(stage: Stage) -> None:
    stage.solver.slow["slow.shop.test"] = 6
    await stage.play(request_for(stage.clock, "slow.shop.test", "fast.shop.test"))
    assert stage.solver.presented == {"slow.shop.test": 1, "fast.shop.test": 1}


async def test_the_message_says_which_names_wait_for_what(stage: Stage) -> None:
    stage.solver.slow["b.shop.test"] = stage.solver.slow["a.shop.test"] = 9
    driver, request = stage.driver(), request_for(stage.clock, "a.shop.test", "b.shop.test", "c.shop.test")
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    waiting = await driver.enrol(request, resume=checkpoint.resume)
    assert isinstance(waiting, Pending)
    assert "b.shop.test, a.shop.test: the world has not seen it yet" in waiting.message
    assert waiting.resume == checkpoint.resume


async def test_a_proof_that_somebody_took_away_is_presented_again(stage: Stage) -> None:
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test")
    stage.solver.slow["www.shop.test"] = 2
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    await driver.enrol(request, resume=checkpoint.resume)
    stage.solver.world.clear()
    await stage.play(request, driver=lambda: driver, resume=checkpoint.resume)
    assert stage.solver.presented["www.shop.test"] == 2


async def test_a_proof_that_never_shows_becomes_an_error_that_keeps_the_order(stage: Stage) -> None:
    stage.solver.slow["www.shop.test"] = 10_000
    with pytest.raises(TransientError, match=r"dns-01 proof of www\.shop\.test cannot be seen after 0:05:00"):
        await play_long(stage)
    assert stage.count("order") == 1


async def play_long(stage: Stage) -> None:
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test")
    resume: Any = {}
    for _ in range(500):
        answer = await driver.enrol(request, resume=resume)
        assert not isinstance(answer, Issued)
        resume = answer.resume
        await stage.clock.advance(answer.retry_after if isinstance(answer, Pending) else 0.0)


async def test_authorizations_that_are_valid_already_need_no_proof(stage: Stage) -> None:
    request = request_for(stage.clock, "old.shop.test", "new.shop.test")
    order = stage.server._order

    def with_reuse(account: str, payload: dict[str, Any]) -> httpx.Response:
        answer = order(account, payload)
        for authorization in stage.server.authorizations.values():
            if authorization.identifier["value"] == "old.shop.test":
                authorization.status = "valid"
        return answer

    stage.server._order = with_reuse  # type: ignore[method-assign]
    await stage.play(request)
    assert stage.solver.presented == {"new.shop.test": 1}


async def test_the_servers_wish_is_obeyed_after_the_first_look(stage: Stage) -> None:
    stage.server.retry_after, stage.server.issuance_polls = "7", 3
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test")
    resume: Any = {}
    waits = []
    while not isinstance(answer := await driver.enrol(request, resume=resume), Issued):
        resume = answer.resume
        if isinstance(answer, Pending):
            waits.append(answer.retry_after)
            await stage.clock.advance(answer.retry_after)
    assert waits[1:] == [timedelta(seconds=7)] * len(waits[1:])
    assert len(waits) > 1
    assert stage.count("finalize") == 1


async def test_a_certificate_settings_go_before_the_issuers(stage: Stage) -> None:
    stage.server.meta = {"profiles": {"short": "a week", "long": "a year"}}
    request = request_for(stage.clock, "www.shop.test", acme={"profile": "short", "preferredChain": "Old Root"})
    driver = stage.driver(profile="long", preferredChain="Fake Root")
    answer = await stage.play(request, driver=lambda: driver)
    assert stage.server.orders["1"].profile == "short"
    assert answer.chain[-1].issuer.rfc4514_string() == "CN=Old Root"


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        pytest.param({"requestValidity": "Always"}, "2030-01-31T00:00:00Z", id="always"),
        pytest.param({"requestValidity": "Never"}, None, id="never"),
        pytest.param({}, None, id="unset"),
    ],
)
async def test_the_duration_is_sent_only_where_the_issuer_says_so(
    stage: Stage, spec: dict[str, Any], sent: str | None
) -> None:
    await stage.driver(**spec).enrol(request_for(stage.clock, "www.shop.test", duration="720h"), resume={})
    payload = next(payload for resource, payload in stage.server.seen if resource == "order")
    assert payload.get("notAfter") == sent


async def test_addresses_are_proved_over_http(stage: Stage) -> None:
    http = FakeSolver(ChallengeType.HTTP_01)
    direct = Solver.model_validate({"http01": {"direct": {}}})
    stage.solvers = [ConfiguredSolver(DNS01, stage.solver), ConfiguredSolver(direct, http)]
    await stage.play(request_for(stage.clock, "www.shop.test", ipAddresses=["2001:db8:0:0::1"]))
    assert (http.presented, stage.solver.presented) == ({"2001:db8::1": 1}, {"www.shop.test": 1})


async def test_without_an_account_the_issuer_is_at_fault(newcomer: Stage) -> None:
    with pytest.raises(IssuerError, match="not registered yet"):
        await newcomer.driver().enrol(request_for(newcomer.clock, "www.shop.test"), resume={})


async def test_an_order_that_the_server_forgot_is_made_anew(stage: Stage) -> None:
    request = request_for(stage.clock, "www.shop.test")
    checkpoint = await stage.driver().enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    stage.server.next_answers["orders"].append(lambda: httpx.Response(404))
    again = await stage.driver().enrol(request, resume=checkpoint.resume)
    assert again == Checkpoint(resume={}, message="The order at acme.test is gone or has expired; a new one is made")
    await stage.play(request)
    assert stage.count("order") == 2


async def test_an_order_made_just_now_is_not_given_up_for_one_404(stage: Stage) -> None:
    driver, request = stage.driver(), request_for(stage.clock, "www.shop.test")
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    stage.server.next_answers["orders"].append(lambda: httpx.Response(404))
    with pytest.raises(TransientError):
        await driver.enrol(request, resume=checkpoint.resume)
    await stage.play(request, driver=lambda: driver, resume=checkpoint.resume)
    assert stage.count("order") == 1


async def test_an_order_that_expired_untried_is_made_anew(stage: Stage) -> None:
    request = request_for(stage.clock, "www.shop.test")
    checkpoint = await stage.driver().enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    stage.server.orders["1"].status = "invalid"
    stage.server.authorizations["1"].status = "expired"
    again = await stage.driver().enrol(request, resume=checkpoint.resume)
    assert isinstance(again, Checkpoint)
    assert again.resume == {}


async def test_what_another_version_staged_is_not_understood_and_replaced(stage: Stage) -> None:
    answer = await stage.driver().enrol(request_for(stage.clock, "www.shop.test"), resume={"order": "x", "proofs": [1]})
    assert isinstance(answer, Checkpoint)


async def test_a_rate_limit_is_obeyed_and_shown(stage: Stage) -> None:
    stage.server.next_answers["order"].append(rate_limited)
    with pytest.raises(TransientError, match=r"too many new orders.*https://acme\.test/help/limits") as caught:
        await stage.driver().enrol(request_for(stage.clock, "www.shop.test"), resume={})
    assert (caught.value.reason, caught.value.retry_after) == (Reason.RATE_LIMITED, timedelta(seconds=30))


async def test_a_proof_left_behind_does_not_hold_the_certificate_back(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.solver.stuck = TransientError("The nameserver is down.")
    assert isinstance(await stage.play(request_for(stage.clock, "www.shop.test")), Issued)
    assert "www.shop.test was left behind: The nameserver is down." in caplog.text


async def test_one_solvers_failure_does_not_stop_the_other_names(stage: Stage) -> None:
    stage.solver.failures["b.shop.test"] = TransientError("The nameserver is busy.")
    driver, request = stage.driver(), request_for(stage.clock, "a.shop.test", "b.shop.test")
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    with pytest.raises(TransientError, match="busy"):
        await driver.enrol(request, resume=checkpoint.resume)
    assert stage.count("chall") == 1
    await stage.play(request, driver=lambda: driver, resume=checkpoint.resume)
    assert stage.solver.presented == {"a.shop.test": 1, "b.shop.test": 2}


async def test_a_solver_that_refuses_a_name_ends_the_order_and_leaves_nothing(stage: Stage) -> None:
    stage.solver.failures["b.shop.test"] = RejectedError("Not yours.", reason=Reason.NOT_ALLOWED)
    driver, request = stage.driver(), request_for(stage.clock, "a.shop.test", "b.shop.test")
    checkpoint = await driver.enrol(request, resume={})
    assert isinstance(checkpoint, Checkpoint)
    with pytest.raises(RejectedError, match="Not yours"):
        await driver.enrol(request, resume=checkpoint.resume)
    assert stage.solver.world == {}
    assert {entry.status for entry in stage.server.authorizations.values()} <= {"deactivated", "valid"}
