"""Who asks: the issuer, with what it has, or the Certificate, with its own password, once."""

from datetime import timedelta

import pytest
from cryptography import x509

from certwright.issuers.est import ESTCredentials
from certwright.issuers.est.credentials import read_identity
from certwright.model import keys
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import ESTIssuer
from tests.fakes.est import URL, refused
from tests.issuers.est.conftest import (
    BEARER,
    CLIENT_CERTIFICATE,
    DAY,
    ISSUER_PASSWORD,
    PASSWORD,
    Stage,
    client_pair,
    password,
    pem,
)
from tests.model.builders import CA, KINDS, P256, common_name, key_of


@pytest.mark.parametrize(
    ("schemes", "settings", "credentials"),
    [
        pytest.param(("Basic",), PASSWORD, ISSUER_PASSWORD, id="Basic"),
        pytest.param(("Digest SHA-256",), PASSWORD, ISSUER_PASSWORD, id="Digest"),
        pytest.param(("Bearer",), BEARER, ESTCredentials(bearer=b"t0ken\n"), id="Bearer"),
    ],
)
async def test_the_issuers_credential_is_sent(
    stage: Stage, schemes: tuple[str, ...], settings: dict[str, object], credentials: ESTCredentials
) -> None:
    stage.server.authentication.schemes = schemes
    stage.settings, stage.credentials = settings, credentials
    issued = await stage.enrol(stage.asked())
    assert not issued.is_credential_used


async def test_the_issuers_client_certificate_is_shown(stage: Stage) -> None:
    stage.server.authentication.schemes = ("Basic",)
    stage.settings, stage.credentials = CLIENT_CERTIFICATE, client_pair(stage)
    assert await stage.enrol(stage.asked())
    assert {identity is not None for identity in stage.openers[-1].opened} == {True}


async def test_the_certificates_own_password_goes_first_and_is_spent(stage: Stage) -> None:
    stage.server.authentication.schemes = ("Basic",)
    stage.server.authentication.users = {"own": "one-time"}
    stage.settings, stage.credentials = PASSWORD, ISSUER_PASSWORD
    issued = await stage.enrol(stage.asked(credential=password("one-time", username="own")))
    assert issued.is_credential_used


async def test_a_wrong_password_of_the_certificate_is_its_own_affair(stage: Stage) -> None:
    stage.server.authentication.schemes = ("Basic",)
    with pytest.raises(RejectedError) as caught:
        await stage.enrol(stage.asked(credential=password("wrong")))
    assert caught.value.is_credential_used
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
    assert "wrong" not in str(caught.value)


async def test_a_wrong_password_of_the_issuer_is_the_issuers_affair(stage: Stage) -> None:
    stage.server.authentication.schemes = ("Basic",)
    stage.settings, stage.credentials = PASSWORD, ESTCredentials(password=b"wrong")
    with pytest.raises(IssuerError) as caught:
        await stage.enrol(stage.asked())
    assert caught.value.reason is Reason.INVALID_CREDENTIALS
    assert "est.auth" in caught.value.message


async def test_a_missing_credential_is_told(stage: Stage) -> None:
    stage.server.authentication.schemes = ("Basic",)
    with pytest.raises(IssuerError, match="basic authentication") as caught:
        await stage.enrol(stage.asked())
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_a_refusal_spends_the_certificates_own_password(stage: Stage) -> None:
    stage.server.refusals["a.example.com"] = refused(403, "not you")
    with pytest.raises(RejectedError, match="not you") as caught:
        await stage.enrol(stage.asked(credential=password()))
    assert caught.value.is_credential_used


async def test_a_spent_password_is_told_before_the_server_is_asked(stage: Stage) -> None:
    spent = TransientError("spent", reason=Reason.CREDENTIAL_USED)
    with pytest.raises(TransientError) as caught:
        await stage.driver().prepare(stage.asked(credential=password(obstacle=spent)))
    assert caught.value.reason is Reason.CREDENTIAL_USED
    assert stage.server.requests == []


async def test_a_later_enrolment_takes_the_issuers_credential_for_a_spent_password(stage: Stage) -> None:
    stage.server.authentication.schemes = ("Basic",)
    stage.settings, stage.credentials = PASSWORD | {"renewWith": "Credential"}, ISSUER_PASSWORD
    spent = TransientError("spent", reason=Reason.CREDENTIAL_USED)
    issued = await stage.enrol(stage.asked(current=stage.current(), credential=password("x", obstacle=spent)))
    assert not issued.is_credential_used


async def test_a_client_certificate_that_has_expired_is_not_shown(stage: Stage) -> None:
    stage.settings, stage.credentials = CLIENT_CERTIFICATE, client_pair(stage, not_after=stage.clock.now() - DAY)
    for step in (stage.driver().check(), stage.driver().prepare(stage.asked())):
        with pytest.raises(IssuerError, match="expired") as caught:
            await step
        assert caught.value.reason is Reason.INVALID_CREDENTIALS
    assert stage.server.requests == []


async def test_no_secret_is_shown_anywhere(stage: Stage) -> None:
    stage.settings, stage.credentials = PASSWORD, ESTCredentials(password=b"s3cret", bearer=b"t0ken")
    driver = stage.driver()
    shown = f"{driver!r} {driver.__dict__!r} {stage.credentials!r} {driver._means!r}"
    assert "s3cret" not in shown
    assert "t0ken" not in shown
    assert "BEGIN" not in shown


async def test_a_client_certificate_is_not_shown_before_its_time(stage: Stage) -> None:
    stage.settings, stage.credentials = CLIENT_CERTIFICATE, client_pair(stage)
    stage.clock.skew = timedelta(days=-61)
    with pytest.raises(IssuerError, match="not valid before"):
        await stage.driver().check()


def usage(*, encipherment: bool, agreement: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=agreement,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.mark.parametrize(
    ("kind", "usages", "is_fit"),
    [
        pytest.param(KINDS[0], usage(encipherment=True, agreement=False), True, id="RSA for encipherment"),
        pytest.param(KINDS[0], usage(encipherment=False, agreement=True), False, id="RSA for something else"),
        pytest.param(P256, usage(encipherment=False, agreement=True), True, id="ECDSA for agreement"),
        pytest.param(P256, usage(encipherment=True, agreement=False), False, id="ECDSA for something else"),
        pytest.param(KINDS[4], usage(encipherment=True, agreement=True), False, id="Ed25519"),
    ],
)
def test_keys_are_encrypted_only_to_a_certificate_that_is_for_that(
    kind: keys.KeyKind, usages: x509.KeyUsage, *, is_fit: bool
) -> None:
    key = key_of(kind)
    identifier = x509.SubjectKeyIdentifier(b"identifier")
    leaf = CA.sign(common_name("ra"), key, [(usages, True), (identifier, False)])
    spec = ESTIssuer.model_validate({"url": URL, **CLIENT_CERTIFICATE})
    identity = read_identity(spec, ESTCredentials(client_certificate=pem(leaf), client_key=keys.encode(key)))
    if is_fit:
        assert identity.decryption().identifier == b"identifier"
    else:
        with pytest.raises(IssuerError, match="key encipherment"):
            identity.decryption()
