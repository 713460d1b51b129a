"""Keys that the CA makes: opened, checked, stored before they are confirmed, and delivered in place of our own."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certwright.model import keys
from certwright.model.enrolment import Checkpoint, Issued
from certwright.model.errors import RejectedError
from certwright.model.reasons import Reason
from certwright.model.verification import is_key_of
from tests.fakes.cmp import key_usage
from tests.issuers.cmp.conftest import Stage, own, step

CENTRAL: dict[str, Any] = {"cmp": {"centralKeyGeneration": True}}


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit confirmation", "certConf"])
@pytest.mark.parametrize("algorithm", ["ECDSA", "RSA"])
async def test_the_cas_key_is_delivered(stage: Stage, algorithm: str, implicit: bool) -> None:  # noqa: FBT001 - a row of the table
    stage.server.grants_implicit_confirm = implicit
    driver = stage.driver()
    key = rsa_key() if algorithm == "RSA" else None
    staged = await stage.stage(driver, stage.request(**CENTRAL, privateKey={"algorithm": algorithm}), key=key)
    issued, last = await stage.play(staged, driver, restart=stage.driver)
    assert issued.key is not None
    assert str(keys.kind_of(issued.key).algorithm) == algorithm
    assert is_key_of(issued.chain[0], issued.key)
    assert staged.request.key is not None
    assert not is_key_of(issued.chain[0], staged.request.key)
    assert last.writes == (1 if implicit else 2)


async def test_it_is_stored_before_it_is_confirmed(stage: Stage) -> None:
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    answer = await step(driver, await stage.stage(driver, stage.request(**CENTRAL)))
    assert isinstance(answer, Checkpoint)
    assert "PRIVATE KEY" in json.dumps(dict(answer.resume))
    assert "PRIVATE KEY" not in repr(answer)
    assert stage.bodies == ["ir"]


async def test_it_may_be_asked_for_by_a_certificate(stage: Stage) -> None:
    usage = key_usage("digital_signature", "key_encipherment")
    stage.signed_by(stage.server.authority.pair("device-1", key=rsa_key(), usage=usage))
    issued = await stage.issue(stage.driver(), stage.request(**CENTRAL))
    assert issued.key is not None


async def test_it_may_be_asked_for_by_the_certificates_own_secret(stage: Stage) -> None:
    issued = await stage.issue(stage.driver(), stage.request(credential=own(), **CENTRAL))
    assert issued.key is not None
    assert issued.is_credential_used


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        pytest.param("RSA", "kur", id="for RSA"),
        pytest.param("ECDSA", "ir", id="not for a key that only signs"),
    ],
)
async def test_renewals_are_asked_for_by_whom_a_key_can_be_sent_to(stage: Stage, algorithm: str, expected: str) -> None:
    spec = {**CENTRAL, "privateKey": {"algorithm": algorithm}, "usages": ["digital signature", "key encipherment"]}
    current = await stage.enrolled(**spec)
    issued = await stage.issue(stage.driver(), stage.request(current=current, **spec))
    assert stage.bodies == [expected]
    assert issued.key is not None


async def test_one_that_cannot_be_opened_is_refused_at_the_ca(stage: Stage) -> None:
    usage = key_usage("digital_signature", "key_encipherment")
    stage.signed_by(stage.server.authority.pair("device-1", key=rsa_key(), usage=usage))
    stage.server.encrypts_for = stage.server.authority.pair("other", key=rsa_key(), usage=usage).certificate
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(**CENTRAL))
    with pytest.raises(RejectedError) as caught:
        await step(driver, staged)
    assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE
    assert stage.bodies == ["ir", "certConf"]
    assert stage.transaction.is_refused


async def test_one_of_another_kind_than_was_asked_for_is_refused(stage: Stage) -> None:
    driver = stage.driver()
    spec: dict[str, Any] = {"privateKey": {"algorithm": "ECDSA", "size": 384}}
    staged = await stage.stage(driver, stage.request(**CENTRAL, **spec))
    with pytest.raises(RejectedError, match="another kind"):
        await step(driver, staged)


async def test_after_waiting_it_comes_as_well(stage: Stage) -> None:
    stage.server.polls = 1
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(**CENTRAL))
    issued, _ = await stage.play(staged, driver, restart=stage.driver)
    assert isinstance(issued, Issued)
    assert issued.key is not None


@pytest.mark.parametrize(
    ("spec", "settings", "text"),
    [
        pytest.param({"privateKey": {"rotationPolicy": "Never"}}, {}, "rotationPolicy Never", id="a kept key"),
        pytest.param({}, {"initialOperation": "p10cr"}, "p10cr asks with a CSR", id="p10cr"),
    ],
)
async def test_what_cannot_be(stage: Stage, spec: dict[str, Any], settings: dict[str, Any], text: str) -> None:
    with pytest.raises(RejectedError, match=text) as caught:
        await stage.driver(**settings).prepare(stage.request(**CENTRAL, **spec))
    assert caught.value.reason is Reason.INVALID_SPEC


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


async def test_a_key_that_nobody_asked_for_is_not_taken(stage: Stage) -> None:
    stage.server.public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    driver = stage.driver()
    with pytest.raises(RejectedError):
        await step(driver, await stage.stage(driver, stage.request()))
