"""Settings and credentials that do not fit together are told before a server is asked."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from certwright.issuers.cmp import CMPCredentials
from certwright.model import keys
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.protocols.transport import TransportSettings, UnusableTrust
from tests.issuers.cmp.conftest import AUTHORITY, SIGNATURE, Stage, ec_key, pem_of, step


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        pytest.param(CMPCredentials(), "mac cannot be used: the secret is empty", id="no secret"),
        pytest.param(CMPCredentials(mac_secret=b"\r\n"), "mac cannot be used: the secret is empty", id="empty secret"),
    ],
)
def test_secrets(stage: Stage, credentials: CMPCredentials, text: str) -> None:
    stage.credentials = credentials
    with pytest.raises(IssuerError, match=text) as caught:
        stage.driver()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


@pytest.mark.parametrize("name", ["signature", "registrationAuthority"])
@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [
        pytest.param(b"", None, "lacks tls.crt or tls.key", id="no certificate"),
        pytest.param(None, b"", "lacks tls.crt or tls.key", id="no key"),
        pytest.param(b"x", None, "no readable PEM certificate", id="broken certificate"),
        pytest.param(None, b"x", "tls.key is not an unencrypted PEM", id="broken key"),
        pytest.param(None, keys.encode(ec_key()), "does not belong", id="another key"),
    ],
)
def test_pairs(stage: Stage, name: str, certificate: bytes | None, key: bytes | None, text: str) -> None:
    pair = stage.server.authority.pair("device")
    given = (pem_of(pair) if certificate is None else certificate, keys.encode(pair.key) if key is None else key)
    if name == "signature":
        stage.settings = {"protection": SIGNATURE}
        stage.credentials = CMPCredentials(certificate=given[0], key=given[1])
    else:
        stage.settings = {"protection": AUTHORITY}
        stage.credentials = CMPCredentials(ra_certificate=given[0], ra_key=given[1])
    with pytest.raises(IssuerError, match=rf"cmp\.protection\.{name} cannot be used: .*{text}") as caught:
        stage.driver()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param({"sender": "nonsense"}, r"cmp\.sender is no distinguished name", id="sender"),
        pytest.param({"recipient": "nonsense"}, r"cmp\.recipient is no distinguished name", id="recipient"),
        pytest.param({"url": "ftp://ca.test/"}, r"cmp\.url must be a URL", id="scheme"),
        pytest.param({"url": "http:///x"}, r"cmp\.url must be a URL", id="host"),
    ],
)
def test_settings(stage: Stage, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(IssuerError, match=text) as caught:
        stage.driver_of(**settings)
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


def test_a_bundle_that_cannot_be_read(stage: Stage) -> None:
    with pytest.raises(IssuerError, match=r"CA bundle of cmp\.trust") as caught:
        stage.driver_of(replace(stage.credentials, trust=b"x"))
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


@pytest.mark.parametrize("by", ["a certificate", "an authority"])
def test_who_signs_must_be_able_to_hear(stage: Stage, by: str) -> None:
    pair = stage.server.authority.pair("device")
    if by == "a certificate":
        stage.signed_by(pair)
    else:
        stage.vouched_by(pair)
    stage.has_trust = False
    with pytest.raises(IssuerError, match=r"cmp\.trust is needed") as caught:
        stage.driver()
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


async def test_a_credential_that_was_taken_away_is_missed(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request())
    stage.clock.jump(60)
    stage.without_credential()
    with pytest.raises(IssuerError, match=r"set cmp\.protection") as caught:
        await step(stage.driver(), staged)
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


def test_roots_of_the_connection_that_cannot_be_read(stage: Stage) -> None:
    def refuse(_settings: TransportSettings) -> httpx.AsyncClient:
        raise UnusableTrust("it holds no certificate")

    stage.open_client = refuse  # type: ignore[method-assign]
    with pytest.raises(IssuerError, match=r"tls\.caBundle: it holds no certificate"):
        stage.driver()


async def test_a_certificate_that_is_not_valid_yet(stage: Stage) -> None:
    stage.signed_by(stage.server.authority.pair("factory"))
    stage.clock.jump(-3 * 86400)
    with pytest.raises(IssuerError, match="is not valid before"):
        await stage.driver().check()


async def test_connections_are_closed(stage: Stage) -> None:
    driver = stage.driver()
    await driver.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await driver.check()
