"""From a Certificate to a certificate, whatever the server answers on the way."""

from datetime import timedelta

import httpx
import pytest

from certwright.issuers.est.enrolling import LONGEST_WAIT, SHORTEST_WAIT
from certwright.model.chain import fingerprint
from certwright.model.enrolment import Issued, Pending, StartAfresh
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.est import HOST, certs_only, refused
from tests.issuers.est.conftest import (
    NEW_KEY,
    Stage,
    staged,
)
from tests.model.builders import spec_of


async def first(stage: Stage) -> Issued | Pending | StartAfresh:
    """One step of a new enrolment."""
    request = stage.asked()
    prepared = await stage.driver().prepare(request)
    return await stage.driver().enrol(staged(request, prepared), resume=prepared.resume)


async def test_a_certificate_comes_with_its_chain_and_the_root(stage: Stage) -> None:
    issued = await stage.enrol(stage.asked())
    ca = stage.server.ca
    assert issued.chain == (stage.server.issued[0], ca.intermediates["Fake Root"])
    assert issued.anchors == (ca.roots["Fake Root"],)
    assert issued.chain[0].public_key() == NEW_KEY.public_key()
    assert (issued.key, issued.asked_validity, issued.notes, issued.is_credential_used) == (None, None, (), False)


async def test_the_certificate_is_found_wherever_the_server_puts_it(stage: Stage) -> None:
    stage.server.sends_chain = True
    issued = await stage.enrol(stage.asked())
    assert issued.chain == (stage.server.issued[0], stage.server.ca.intermediates["Fake Root"])


async def test_one_process_asks_for_each_certificate_twice_and_for_the_cas_once(stage: Stage) -> None:
    driver = stage.driver()
    for _ in range(3):
        prepared = await driver.prepare(stage.asked())
        await driver.enrol(staged(stage.asked(), prepared), resume=prepared.resume)
    assert {name: stage.count(name) for name in ("cacerts", "csrattrs", "simpleenroll")} == {
        "cacerts": 1,
        "csrattrs": 3,
        "simpleenroll": 3,
    }
    assert stage.openers[-1].open_clients == 1
    await driver.aclose()
    assert stage.openers[-1].open_clients == 0


async def test_attributes_that_are_to_be_ignored_are_not_asked_for(stage: Stage) -> None:
    await stage.enrol(stage.asked(), csrAttributes="Ignore")
    assert stage.count("csrattrs") == 0


async def test_a_label_is_part_of_every_url(stage: Stage) -> None:
    stage.server.label = "web"
    await stage.enrol(stage.asked(), label="web")
    assert all("/.well-known/est/web/" in request for request in stage.server.requests)


async def test_cacerts_are_read_again_when_the_ca_has_another_intermediate(stage: Stage) -> None:
    driver = stage.driver()
    await driver.check()
    other = type(stage.server.ca)(clock=stage.clock.now)
    stage.server.ca = other
    prepared = await driver.prepare(stage.asked())
    issued = await driver.enrol(staged(stage.asked(), prepared), resume=prepared.resume)
    assert isinstance(issued, Issued)
    assert issued.chain[1:] == tuple(other.intermediates.values())


class TestWaiting:
    async def test_the_same_request_is_sent_until_the_ca_has_decided_though_every_process_dies(
        self, stage: Stage
    ) -> None:
        stage.server.deferrals = 3
        before = stage.clock.now()
        issued = await stage.enrol(stage.asked())
        assert len(set(stage.server.received)) == 1
        assert len(stage.server.received) == 4
        assert stage.clock.now() - before == timedelta(hours=3)
        assert len(stage.server.issued) == 1
        assert issued.chain[0] == stage.server.issued[0]

    @pytest.mark.parametrize(
        ("retry_after", "expected"),
        [
            pytest.param("600", timedelta(minutes=10), id="seconds"),
            pytest.param("Tue, 01 Jan 2030 00:20:00 GMT", timedelta(minutes=20), id="a date"),
            pytest.param(None, timedelta(minutes=1), id="nothing"),
            pytest.param("soon", timedelta(minutes=1), id="nonsense"),
            pytest.param("0", SHORTEST_WAIT, id="at once"),
            pytest.param("99999999", LONGEST_WAIT, id="years"),
        ],
    )
    async def test_the_ca_says_how_long(self, stage: Stage, retry_after: str | None, expected: timedelta) -> None:
        stage.server.deferrals, stage.server.retry_after = 1, retry_after
        answer = await first(stage)
        assert isinstance(answer, Pending)
        assert expected == answer.retry_after
        assert answer.message == f"{HOST} has the request and has not decided yet."

    async def test_a_lost_answer_is_asked_for_again_after_a_minute_with_the_very_same_request(
        self, stage: Stage
    ) -> None:
        stage.server.loses_answers = 1
        prepared = await stage.driver().prepare(stage.asked())
        request = staged(stage.asked(), prepared)
        with pytest.raises(TransientError) as caught:
            await stage.driver().enrol(request, resume=prepared.resume)
        assert caught.value.retry_after == timedelta(minutes=1)
        issued = await stage.driver().enrol(request, resume=prepared.resume)
        assert isinstance(issued, Issued)
        assert len(set(stage.server.received)) == 1
        assert len(stage.server.issued) == 2


class TestRefusals:
    @pytest.mark.parametrize(
        ("answer", "expected", "reason", "retry_after"),
        [
            pytest.param(refused(400, "bad CSR"), RejectedError, Reason.REJECTED, None, id="bad request"),
            pytest.param(refused(403, "no"), RejectedError, Reason.REJECTED, None, id="forbidden"),
            pytest.param(refused(422, "no"), RejectedError, Reason.REJECTED, None, id="unprocessable"),
            pytest.param(refused(404, ""), IssuerError, Reason.INVALID_CONFIGURATION, None, id="not found"),
            pytest.param(
                httpx.Response(429, headers={"Retry-After": "90"}),
                TransientError,
                Reason.RATE_LIMITED,
                timedelta(seconds=90),
                id="too many",
            ),
            pytest.param(
                httpx.Response(503, headers={"Retry-After": "90"}),
                TransientError,
                Reason.RATE_LIMITED,
                timedelta(seconds=90),
                id="busy",
            ),
            pytest.param(
                refused(500, "oops"), TransientError, Reason.UNREACHABLE, timedelta(minutes=1), id="server's fault"
            ),
            pytest.param(
                httpx.Response(502, html="<p>"), TransientError, Reason.UNREACHABLE, timedelta(minutes=1), id="gateway"
            ),
            pytest.param(httpx.Response(403, html="<p>"), RejectedError, Reason.REJECTED, None, id="page"),
            pytest.param(
                httpx.Response(200, text="hello"),
                TransientError,
                Reason.UNREACHABLE,
                timedelta(minutes=1),
                id="nonsense",
            ),
        ],
    )
    async def test_a_refusal_is_for_whoever_can_act(
        self,
        stage: Stage,
        answer: httpx.Response,
        expected: type[EnrolmentError],
        reason: Reason,
        retry_after: timedelta | None,
    ) -> None:
        stage.server.refusals["a.example.com"] = answer
        with pytest.raises(expected) as caught:
            await first(stage)
        assert caught.value.reason is reason
        assert getattr(caught.value, "retry_after", None) == retry_after

    async def test_what_the_ca_says_is_shown_and_cut(self, stage: Stage) -> None:
        stage.server.refusals["a.example.com"] = refused(400, "no \x1b[31m" + "x" * 5000)
        with pytest.raises(RejectedError) as caught:
            await first(stage)
        assert len(caught.value.message) <= 1024
        assert "\x1b" not in caught.value.message
        assert caught.value.message.startswith(f"{HOST} refused the request (HTTP status 400): no [31mxxx")

    async def test_a_certificate_for_another_key_is_refused(self, stage: Stage) -> None:
        stage.server.refusals["a.example.com"] = certs_only([stage.certificate(spec_of())])
        with pytest.raises(RejectedError) as caught:
            await first(stage)
        assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE


async def test_an_answer_is_verified_as_far_as_the_ca_is_known(stage: Stage) -> None:
    """A CA that issues from an intermediate which it does not publish leaves a chain that nobody can complete."""
    stage.server.ca.intermediates.clear()
    issued = await stage.enrol(stage.asked())
    assert [fingerprint(one) for one in issued.chain] == [fingerprint(stage.server.issued[0])]
    assert issued.anchors == tuple(stage.server.ca.roots.values())


async def test_a_ca_that_publishes_its_intermediate_alone_is_taken_at_its_word(stage: Stage) -> None:
    stage.server.ca.roots.clear()
    issued = await stage.enrol(stage.asked())
    assert issued.chain == (stage.server.issued[0], *stage.server.ca.intermediates.values())
    assert issued.anchors == ()
