"""What an issuer's settings put into the messages."""

from typing import Any

import pytest
from cryptography import x509

from certwright.model.enrolment import Issued
from certwright.model.errors import IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.cmp import InfoType, asn1
from tests.fakes.ca import common_name
from tests.fakes.cmp import Kind
from tests.issuers.cmp.conftest import MAC, Stage, own, step


async def header(stage: Stage, certificate: dict[str, Any] | None = None, **spec: Any) -> Any:
    """Of the request for a certificate."""
    wanted: dict[str, Any] = {"cmp": certificate} if certificate else {}
    await stage.issue(stage.driver(**spec), stage.request(**wanted))
    return next(request.header for body, request in stage.server.seen if body != "genm")


def name_of(value: Any) -> bytes:
    return bytes(value.chosen.untag().dump())


def profile_of(found: Any) -> list[str]:
    infos = found["generalInfo"] or ()
    values = [one["infoValue"] for one in infos if one["infoType"].dotted == InfoType.CERT_PROFILE]
    return [text.native for value in values for text in value.parse(asn1.UTF8Strings)]


async def test_sender_and_recipient(stage: Stage) -> None:
    found = await header(stage, sender="CN=gateway,O=Shop", recipient="CN=Sub CA,O=Shop")
    assert name_of(found["sender"]) == x509.Name.from_rfc4514_string("CN=gateway,O=Shop").public_bytes()
    assert name_of(found["recipient"]) == x509.Name.from_rfc4514_string("CN=Sub CA,O=Shop").public_bytes()


async def test_by_default_the_sender_is_the_reference_and_the_recipient_nobody(stage: Stage) -> None:
    found = await header(stage)
    assert name_of(found["sender"]) == common_name("device-1").public_bytes()
    assert name_of(found["recipient"]) == x509.Name([]).public_bytes()
    assert found["senderKID"].native == b"device-1"


async def test_a_renewal_is_sent_in_the_name_of_its_certificate(stage: Stage) -> None:
    current = await stage.enrolled()
    await stage.issue(stage.driver(sender="CN=gateway"), stage.request(current=current))
    assert name_of(stage.server.seen[-1][1].header["sender"]) == current.leaf.subject.public_bytes()


@pytest.mark.parametrize(
    ("issuer", "certificate", "expected"),
    [
        pytest.param({}, None, [], id="none"),
        pytest.param({"certProfile": "a-profile"}, None, ["a-profile"], id="the issuer's"),
        pytest.param({}, {"certProfile": "a-profile"}, ["a-profile"], id="the Certificate's"),
        pytest.param({"certProfile": "other"}, {"certProfile": "a-profile"}, ["a-profile"], id="both"),
    ],
)
async def test_the_certificate_profile(
    stage: Stage, issuer: dict[str, Any], certificate: dict[str, Any] | None, expected: list[str]
) -> None:
    assert profile_of(await header(stage, certificate, **issuer)) == expected


async def test_a_profile_goes_with_a_csr_as_well(stage: Stage) -> None:
    assert profile_of(await header(stage, None, certProfile="a-profile", initialOperation="p10cr")) == ["a-profile"]


async def test_the_key_identifier(stage: Stage) -> None:
    stage.server.secrets["other"] = b"sesame"
    assert (await header(stage, interop={"senderKID": "other"}))["senderKID"].native == b"other"


@pytest.mark.parametrize("algorithm", ["PBM", "PBMAC1"])
@pytest.mark.parametrize("hash_", ["SHA256", "SHA384", "SHA512"])
async def test_kinds_of_macs(stage: Stage, algorithm: str, hash_: str) -> None:
    mac = {**MAC["mac"], "algorithm": algorithm, "hash": hash_}
    assert await stage.issue(stage.driver(protection={"mac": mac}), stage.request())
    assert await stage.issue(stage.driver(protection={"mac": mac}), stage.request(credential=own()))


async def test_a_certificate_protects_first_enrolments(stage: Stage) -> None:
    device = stage.server.authority.pair("factory")
    stage.signed_by(device)
    await stage.issue(stage.driver(), stage.request())
    request = stage.server.seen[-1][1]
    assert (request.kind, request.signer) == (Kind.SIGNATURE, device.certificate)


@pytest.mark.parametrize("has_secret", [True, False], ids=["around a MAC", "by itself"])
async def test_a_registration_authority(stage: Stage, has_secret: bool) -> None:  # noqa: FBT001 - a row of the table
    authority = stage.server.authority.pair("RA")
    stage.vouched_by(authority, **(MAC if has_secret else {}))
    await stage.issue(stage.driver(), stage.request())
    request = stage.server.seen[-1][1]
    if has_secret:
        assert (request.kind, request.authority) == (Kind.MAC, authority.certificate)
    else:
        assert (request.kind, request.signer, request.authority) == (Kind.SIGNATURE, authority.certificate, None)


async def test_a_registration_authority_vouches_for_renewals_polls_and_confirmations(stage: Stage) -> None:
    authority = stage.server.authority.pair("RA")
    stage.vouched_by(authority, **MAC)
    current = await stage.enrolled()
    stage.server.polls = 1
    stage.server.grants_implicit_confirm = False
    driver = stage.driver()
    staged = await stage.stage(driver, stage.request(current=current))
    await stage.play(staged, driver, restart=stage.driver)
    assert stage.bodies == ["kur", "pollReq", "certConf"]
    assert {request.authority for _, request in stage.server.seen} == {authority.certificate}


async def test_an_expired_certificate_of_the_issuer_is_told(stage: Stage) -> None:
    stage.signed_by(stage.server.authority.pair("factory", not_after=stage.clock.now()))
    with pytest.raises(IssuerError, match="expired at") as caught:
        await stage.driver().prepare(stage.request())
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_a_signer_without_the_key_usage_may_be_let_pass(stage: Stage) -> None:
    stage.server.signer = stage.server.authority.issuing
    stage.server.answer_with = Kind.SIGNATURE
    driver = stage.driver(interop={"ignoreKeyUsage": True})
    assert isinstance(await step(driver, await stage.stage(driver, stage.request())), Issued)
    strict = stage.driver()
    with pytest.raises(TransientError, match="ignoreKeyUsage"):
        await step(strict, await stage.stage(strict, stage.request()))
