"""The user's own service: what it is told, how it knows who asks, and what its answers mean."""

import httpx
import pytest

from certwright.issuers.scep.challenges import Purpose, WebhookSource
from certwright.issuers.scep.challenges.webhook import Hook
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.challenge_webhook import FakeChallengeWebhook
from tests.issuers.scep.conftest import Stage

KEY = b"the key of both"
CA = "http://scep.test/cgi-bin/pkiclient.exe"


def source(stage: Stage, *, key: bytes | None = KEY) -> WebhookSource:
    hook = Hook(url=FakeChallengeWebhook.url, key=key, ca=CA, ca_identifier="devices")
    http = httpx.AsyncClient(transport=httpx.MockTransport(stage.hook.handle))
    return WebhookSource(hook, http=http, clock=stage.clock.now)


def purpose(stage: Stage, **spec: object) -> Purpose:
    return Purpose(request=stage.request(**spec), operation="PKCSReq", renews="1f")  # type: ignore[arg-type]


async def test_it_is_told_what_the_certificate_is_for(stage: Stage) -> None:
    stage.hook.key = KEY
    wanted = purpose(
        stage,
        subject={"organizations": ["Shop"]},
        dnsNames=["web.shop.test", "B\u00fccher.test"],
        ipAddresses=["192.0.2.1"],
        uris=["spiffe://shop/web"],
        emailAddresses=["pki@shop.test"],
        otherNames=[{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "web@shop.test"}],
    )
    fetched = await source(stage).fetch(wanted)
    assert [fetched.value] == stage.hook.issued
    assert stage.hook.asked == [
        {
            "time": f"{stage.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "certificate": {"namespace": "shop", "name": "web", "uid": wanted.request.certificate.uid},
            "subject": "CN=web.shop.test,O=Shop",
            "dnsNames": ["web.shop.test", "xn--bcher-kva.test"],
            "ipAddresses": ["192.0.2.1"],
            "uris": ["spiffe://shop/web"],
            "emailAddresses": ["pki@shop.test"],
            "otherNames": [{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "web@shop.test"}],
            "transaction": {"operation": "PKCSReq", "renewsSerialNumber": "1f"},
            "ca": {"url": CA, "caIdentifier": "devices"},
        }
    ]


async def test_a_service_without_a_key_is_asked_without_a_signature(stage: Stage) -> None:
    assert await source(stage, key=None).fetch(purpose(stage))


async def test_another_key_is_the_issuers_affair(stage: Stage) -> None:
    stage.hook.key = b"another key"
    with pytest.raises(IssuerError, match="hmacSecretRef") as caught:
        await source(stage).fetch(purpose(stage))
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_it_may_answer_in_plain_text(stage: Stage) -> None:
    stage.hook.is_plain = True
    assert (await source(stage).fetch(purpose(stage))).value == "hook-challenge-1"


@pytest.mark.parametrize(
    ("answer", "expected", "text"),
    [
        pytest.param(httpx.Response(200), TransientError, "without a usable challenge", id="empty"),
        pytest.param(httpx.Response(200, json={}), TransientError, "without a usable challenge", id="no challenge"),
        pytest.param(httpx.Response(200, json=["x"]), TransientError, "without a usable challenge", id="a list"),
        pytest.param(httpx.Response(200, json={"challenge": 1}), TransientError, "usable", id="a number"),
        pytest.param(httpx.Response(200, json={"challenge": "x" * 256}), TransientError, "usable", id="too long"),
        pytest.param(httpx.Response(200, text="[" * 10_000), TransientError, "usable", id="nested"),
        pytest.param(httpx.Response(200, text="a\nb"), TransientError, "usable", id="two lines"),
        pytest.param(httpx.Response(200, text="x" * 20_000), TransientError, "longer than", id="endless"),
        pytest.param(httpx.Response(403, text="not for shop"), RejectedError, ": not for shop", id="refused"),
        pytest.param(httpx.Response(422, json={"secret": 1}), RejectedError, "this Certificate.$", id="refused, JSON"),
        pytest.param(httpx.Response(404), TransientError, "HTTP status 404", id="not found"),
        pytest.param(httpx.Response(429), TransientError, "HTTP status 429", id="too many"),
        pytest.param(httpx.Response(500), TransientError, "HTTP status 500", id="broken"),
        pytest.param(httpx.Response(302, headers={"Location": "/"}), IssuerError, "redirect", id="redirect"),
    ],
)
async def test_an_answer_without_a_challenge(
    stage: Stage, answer: httpx.Response, expected: type[EnrolmentError], text: str
) -> None:
    stage.hook.answer = answer
    with pytest.raises(expected, match=text):
        await source(stage).fetch(purpose(stage))


async def test_a_certificate_that_cannot_be_described_is_its_authors_affair(stage: Stage) -> None:
    with pytest.raises(RejectedError) as caught:
        await source(stage).fetch(purpose(stage, ipAddresses=["fe80::1%eth0"]))
    assert caught.value.reason is Reason.INVALID_SPEC
