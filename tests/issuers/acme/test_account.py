"""Probing an issuer: directory, settings and account."""

from typing import Any

import httpx
import pytest

from certwright.model.errors import IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.acme import ExternalAccountBinding
from tests.fakes.acme import ORIGIN
from tests.issuers.acme.conftest import Stage, request_for

BINDING = ExternalAccountBinding(key_id="kid-1", mac_key=b"0123456789abcdef0123456789abcdef")


async def test_an_account_is_registered_once(newcomer: Stage) -> None:
    driver = newcomer.driver(email="pki@shop.test")
    first, second = await driver.check(), await driver.check()
    assert first == second
    assert list(newcomer.server.accounts) == [first.account_uri]
    assert newcomer.server.accounts[first.account_uri]["contact"] == ["mailto:pki@shop.test"]


async def test_what_the_server_can_do_is_reported(newcomer: Stage) -> None:
    newcomer.server.meta = {"profiles": {"short": "a week", "long": "a year"}}
    assert (await newcomer.driver().check()).capabilities == ("profile:long", "profile:short")


async def test_terms_are_never_agreed_to_silently(newcomer: Stage) -> None:
    with pytest.raises(IssuerError, match=f"read {ORIGIN}/terms and, if you agree, set acme.termsOfServiceAgreed"):
        await newcomer.driver(termsOfServiceAgreed=False).check()
    assert newcomer.server.accounts == {}


async def test_a_binding_serves_once_and_is_not_sent_again(newcomer: Stage) -> None:
    newcomer.server.meta["externalAccountRequired"] = True
    newcomer.server.binding_keys = {"kid-1": BINDING.mac_key}
    first = await newcomer.driver(binding=BINDING).check()
    again = await newcomer.driver(binding=BINDING).check()
    assert again.account_uri == first.account_uri
    bound = [payload for _, payload in newcomer.server.seen if "externalAccountBinding" in (payload or {})]
    assert len(bound) == 1


async def test_a_crash_after_a_bound_registration_does_not_spend_the_binding_twice(newcomer: Stage) -> None:
    newcomer.server.binding_keys = {"kid-1": BINDING.mac_key}
    await newcomer.driver(binding=BINDING).check()
    url = next(iter(newcomer.server.accounts))
    newcomer.server.accounts = {url: newcomer.server.accounts[url]}
    assert (await newcomer.driver(binding=BINDING).check()).account_uri == url


async def test_a_server_of_customers_only_says_what_is_missing(newcomer: Stage) -> None:
    newcomer.server.meta["externalAccountRequired"] = True
    with pytest.raises(IssuerError, match=r"set acme\.externalAccountBinding") as caught:
        await newcomer.driver().check()
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


async def test_a_binding_that_does_not_fit_is_the_issuers_affair(newcomer: Stage) -> None:
    newcomer.server.binding_keys = {"kid-1": b"another"}
    with pytest.raises(IssuerError, match="the binding is not good") as caught:
        await newcomer.driver(binding=BINDING).check()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
    assert "See that acme.externalAccountBinding has the keyID" in caught.value.message
    assert "0123456789abcdef" not in str(caught.value)


async def test_an_account_that_the_server_lost_is_registered_again(stage: Stage) -> None:
    driver = stage.driver()
    stage.server.accounts.clear()
    with pytest.raises(IssuerError) as caught:
        await driver.enrol(request_for(stage.clock, "www.shop.test"), resume={})
    assert caught.value.code == "accountDoesNotExist"
    assert (await driver.check()).account_uri in stage.server.accounts


async def test_a_changed_contact_is_told_once(stage: Stage) -> None:
    driver = stage.driver(contact=["mailto:new@shop.test"])
    await driver.check()
    url = next(iter(stage.server.accounts))
    assert stage.server.accounts[url]["contact"] == ["mailto:new@shop.test"]
    stage.server.accounts[url]["contact"] = []
    await driver.check()
    assert stage.server.accounts[url]["contact"] == []


async def test_a_deactivated_account_is_not_used(stage: Stage) -> None:
    next(iter(stage.server.accounts.values()))["status"] = "deactivated"
    with pytest.raises(IssuerError, match=r"is deactivated.*certwright\.io/new-account") as caught:
        await stage.driver().check()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


@pytest.mark.parametrize(
    ("meta", "known"),
    [
        pytest.param({"profiles": {"short": ""}}, r"\(short\)", id="another profile"),
        pytest.param({}, r"\(none\)", id="no profiles"),
    ],
)
async def test_a_profile_that_is_not_offered_names_those_that_are(
    newcomer: Stage, meta: dict[str, Any], known: str
) -> None:
    newcomer.server.meta = meta
    with pytest.raises(IssuerError, match=known):
        await newcomer.driver(profile="long").check()


async def test_a_server_that_is_down_is_a_matter_of_time(newcomer: Stage) -> None:
    newcomer.server.next_answers["dir"].append(lambda: httpx.Response(502, text="<h1>secret</h1>"))
    with pytest.raises(TransientError, match="HTTP status 502") as caught:
        await newcomer.driver().check()
    assert "secret" not in str(caught.value)
