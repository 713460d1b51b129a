"""A renewal authenticates with the certificate that it replaces, unless that does not do."""

from typing import Any

import httpx
import pytest

from certwright.issuers.est import ESTCredentials
from certwright.model.enrolment import CurrentCertificate, Issued, Pending, Prepared
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.est import FakeConnection, refused
from tests.issuers.est.conftest import (
    DAY,
    ISSUER_PASSWORD,
    PASSWORD,
    SERVER_ONLY,
    Stage,
    password,
    staged,
)
from tests.model.builders import CA, key_of, spec_of


@pytest.fixture
def guarded(stage: Stage) -> Stage:
    """A server that wants a client certificate or the issuer's password."""
    stage.server.authentication.schemes = ("Basic",)
    # With Auto the server would be asked first what it wants, and the request be counted twice.
    stage.settings = {"auth": {"password": PASSWORD["auth"]["password"] | {"scheme": "Basic"}}}
    stage.credentials = ISSUER_PASSWORD
    return stage


async def test_a_certificate_renews_itself(guarded: Stage) -> None:
    guarded.credentials = ESTCredentials(password=b"not used")
    issued = await guarded.enrol(guarded.asked(current=guarded.current()))
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (1, 0)
    assert issued.notes == ()
    assert all(opener.open_clients <= 1 for opener in guarded.openers), "only the issuer's own connections stay open"


async def test_a_renewal_may_keep_its_key(guarded: Stage) -> None:
    current = guarded.current()
    prepared = await guarded.driver().prepare(guarded.asked(current=current))
    request = staged(guarded.asked(current=current), prepared, current.key)
    issued = await guarded.driver().enrol(request, resume=prepared.resume)
    assert isinstance(issued, Issued)
    assert guarded.count("simplereenroll") == 1


async def test_the_subject_of_a_renewal_is_byte_for_byte_that_of_the_certificate(guarded: Stage) -> None:
    spec = spec_of(commonName="web")
    current = guarded.current(spec)
    prepared = await guarded.driver().prepare(guarded.asked(spec, current=current))
    assert prepared.subject is not None
    assert prepared.subject.public_bytes() == current.leaf.subject.public_bytes()


async def test_a_renewal_that_must_wait_asks_the_same_way_again(guarded: Stage) -> None:
    guarded.server.deferrals = 2
    await guarded.enrol(guarded.asked(current=guarded.current()))
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (3, 0)
    assert len(set(guarded.server.received)) == 1


async def test_an_expired_certificate_is_replaced_with_the_credential_and_that_is_told(guarded: Stage) -> None:
    current = guarded.current(not_after=guarded.clock.now() - DAY)
    issued = await guarded.enrol(guarded.asked(current=current))
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (0, 1)
    assert len(issued.notes) == 1
    assert "expired at" in issued.notes[0]
    assert issued.notes[0].endswith("the credential is used instead.")


async def test_a_certificate_for_servers_only_never_renews_itself_and_that_is_no_news(guarded: Stage) -> None:
    issued = await guarded.enrol(guarded.asked(current=guarded.current(purposes=SERVER_ONLY)))
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (0, 1)
    assert issued.notes == ()


async def test_a_certificate_without_extended_key_usages_is_for_everything(guarded: Stage) -> None:
    await guarded.enrol(guarded.asked(current=guarded.current(purposes=None)))
    assert guarded.count("simplereenroll") == 1


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"dnsNames": ["a.example.com", "b.example.com"]}, id="a name more"),
        pytest.param({"commonName": "web"}, id="another subject"),
    ],
)
async def test_other_names_are_no_renewal(guarded: Stage, changed: dict[str, Any]) -> None:
    issued = await guarded.enrol(guarded.asked(spec_of(**changed), current=guarded.current()))
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (0, 1)
    assert issued.notes == ()


async def test_a_certificate_of_another_ca_is_not_shown(guarded: Stage) -> None:
    foreign = CurrentCertificate(CA.issue(spec_of(), key_of()), (CA.certificate,), key_of())
    await guarded.enrol(guarded.asked(current=foreign))
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (0, 1)
    assert {identity for opener in guarded.openers for identity in opener.opened} == {None}


async def test_the_issuer_may_want_its_credential_for_renewals_too(guarded: Stage) -> None:
    issued = await guarded.enrol(guarded.asked(current=guarded.current()), renewWith="Credential")
    assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (0, 1)
    assert issued.notes == ()


class TestRefused:
    async def test_in_the_handshake(self, guarded: Stage) -> None:
        guarded.server.refuses_client_certificates = True
        issued = await guarded.enrol(guarded.asked(current=guarded.current()))
        assert guarded.count("simpleenroll") == 1
        assert "unknown ca" in issued.notes[0]

    async def test_after_the_handshake_by_breaking_the_connection(self, guarded: Stage) -> None:
        breaking(guarded, times=100)
        issued = await guarded.enrol(guarded.asked(current=guarded.current()))
        assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (0, 1)
        assert "each time that the certificate is shown" in issued.notes[0]

    async def test_but_a_connection_may_break_once(self, guarded: Stage) -> None:
        prepared = await guarded.driver().prepare(guarded.asked(current=guarded.current()))
        breaking(guarded, times=1)
        request = staged(guarded.asked(current=guarded.current()), prepared)
        assert isinstance(await guarded.driver().enrol(request, resume=prepared.resume), Issued)
        assert guarded.count("simplereenroll") == 1

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(refused(403, "who is that?"), id="forbidden"),
            pytest.param(httpx.Response(401, headers={"WWW-Authenticate": "Basic"}), id="unauthorised"),
            pytest.param(httpx.Response(400, html="<h1>The SSL certificate error</h1>"), id="a page of a web server"),
            pytest.param(refused(404, ""), id="without such an operation"),
        ],
    )
    async def test_over_http(self, guarded: Stage, answer: httpx.Response) -> None:
        refusing(guarded, answer)
        issued = await guarded.enrol(guarded.asked(current=guarded.current()))
        assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (1, 1)
        assert issued.notes[0].startswith("est.test did not take the certificate that was to be renewed")

    async def test_and_told_with_what_fails_then(self, guarded: Stage) -> None:
        guarded.server.refusals["a.example.com"] = refused(403, "not today")
        with pytest.raises(RejectedError, match="not today") as caught:
            await guarded.enrol(guarded.asked(current=guarded.current()))
        assert "did not take the certificate" in str(caught.value)

    async def test_and_told_with_a_spent_password_as_often_as_it_stands_in_the_way(self, stage: Stage) -> None:
        stage.server.refuses_client_certificates = True
        credential = password(obstacle=TransientError("It is spent.", reason=Reason.CREDENTIAL_USED))
        current, messages = stage.current(), []
        request = staged(stage.asked(current=current, credential=credential), Prepared())
        for _ in range(2):
            with pytest.raises(TransientError) as caught:
                await stage.driver().enrol(request, resume={})
            messages.append(caught.value.message)
        assert caught.value.reason is Reason.CREDENTIAL_USED
        assert messages[0] == messages[1]
        assert messages[0].startswith("It is spent. est.test did not take")

    async def test_and_tried_again_when_the_credential_was_of_no_use(self, guarded: Stage) -> None:
        guarded.credentials = ESTCredentials(password=b"wrong")
        driver = guarded.driver()
        prepared = await driver.prepare(guarded.asked(current=guarded.current()))
        request = staged(guarded.asked(current=guarded.current()), prepared)
        guarded.server.refuses_client_certificates = True
        with pytest.raises(IssuerError, match=r"est\.auth.*did not take the certificate"):
            await driver.enrol(request, resume=prepared.resume)
        guarded.server.refuses_client_certificates = False
        assert isinstance(await driver.enrol(request, resume=prepared.resume), Issued)

    async def test_and_remembered_while_the_ca_makes_it_wait(self, guarded: Stage) -> None:
        refusing(guarded, refused(403, "no"))
        guarded.server.deferrals = 2
        request = guarded.asked(current=guarded.current())
        driver = guarded.driver()
        prepared = await driver.prepare(request)
        request = staged(request, prepared)
        for _ in range(2):
            assert isinstance(await driver.enrol(request, resume=prepared.resume), Pending)
        issued = await driver.enrol(request, resume=prepared.resume)
        assert isinstance(issued, Issued)
        assert len(issued.notes) == 1
        assert (guarded.count("simplereenroll"), guarded.count("simpleenroll")) == (1, 3)

    async def test_and_followed_by_the_certificates_own_password(self, guarded: Stage) -> None:
        guarded.server.authentication.users = {"own": "one-time"}
        guarded.server.refuses_client_certificates = True
        credential = password("one-time", username="own")
        issued = await guarded.enrol(guarded.asked(current=guarded.current(), credential=credential))
        assert issued.is_credential_used

    async def test_but_an_answer_that_is_lost_is_no_refusal(self, guarded: Stage) -> None:
        guarded.server.loses_answers = 1
        with pytest.raises(TransientError) as caught:
            await guarded.enrol(guarded.asked(current=guarded.current()))
        assert caught.value.reason is Reason.UNREACHABLE
        assert guarded.count("simpleenroll") == 0

    async def test_but_other_refusals_are_the_cas_decision(self, guarded: Stage) -> None:
        refusing(guarded, refused(400, "bad key"))
        with pytest.raises(RejectedError, match="bad key"):
            await guarded.enrol(guarded.asked(current=guarded.current()))
        assert guarded.count("simpleenroll") == 0


async def test_a_spent_password_stands_in_no_renewals_way(guarded: Stage) -> None:
    spent = TransientError("spent", reason=Reason.CREDENTIAL_USED)
    issued = await guarded.enrol(guarded.asked(current=guarded.current(), credential=password(obstacle=spent)))
    assert not issued.is_credential_used
    assert guarded.count("simplereenroll") == 1


def breaking(stage: Stage, *, times: int) -> None:
    """Have the server break connections that show a certificate, before it has read what came over them."""
    handle, left = stage.server.handle, [None] * times

    def handling(request: httpx.Request, connection: FakeConnection) -> httpx.Response:
        if connection.certificate is not None and left:
            left.pop()
            raise httpx.ReadError("broken pipe", request=request)
        return handle(request, connection)

    stage.server.handle = handling  # type: ignore[method-assign]


def refusing(stage: Stage, answer: httpx.Response) -> None:
    """Have the server answer every simplereenroll so."""
    enrol = stage.server._enrol

    def answering(operation: str, request: httpx.Request, connection: Any) -> httpx.Response:
        return answer if operation == "simplereenroll" else enrol(operation, request, connection)

    stage.server._enrol = answering  # type: ignore[method-assign]
