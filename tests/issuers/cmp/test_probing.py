"""Is this the CA that is meant, does it know the issuer, and what is not proved by asking."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.model.chain import fingerprint
from certwright.model.enrolment import LearnedAnchor
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.cmp import InfoType, asn1
from tests.fakes.ca import common_name
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import Stage, carried


@pytest.mark.parametrize("by", ["a secret", "a certificate", "an authority"])
async def test_the_ca_certificates_are_read(stage: Stage, publish: Callable[[], None], by: str) -> None:
    publish()
    if by == "a certificate":
        stage.signed_by(stage.server.authority.pair("factory"))
    elif by == "an authority":
        stage.vouched_by(stage.server.authority.pair("RA"))
    report = await stage.driver().check()
    assert report.ca_certificates == (stage.server.authority.issuing.certificate, stage.server.root)
    assert report.capabilities == ("caCerts",)
    assert report.learned == ()
    assert "CN=Fake CMP CA" in report.message


async def test_a_ca_that_publishes_nothing_is_there(stage: Stage) -> None:
    report = await stage.driver().check()
    assert report.capabilities == ()
    assert "publishes no CA certificates" in report.message


async def test_a_ca_that_answers_no_questions_is_there(stage: Stage) -> None:
    stage.server.refusals.append(Refuse("no genm here", (2,), is_error=True))
    report = await stage.driver().check()
    assert "no genm here" in report.message
    assert "shows at the first" in report.message


@pytest.mark.parametrize(
    ("bits", "expected", "reason"),
    [
        pytest.param((1,), IssuerError, Reason.INVALID_CREDENTIALS, id="badMessageCheck"),
        pytest.param((20,), IssuerError, Reason.INVALID_CREDENTIALS, id="signerNotTrusted"),
        pytest.param((6,), IssuerError, Reason.INVALID_CONFIGURATION, id="wrongAuthority"),
        pytest.param((24,), TransientError, Reason.UNREACHABLE, id="systemUnavail"),
    ],
)
async def test_a_refusal_that_says_that_enrolments_will_fail(
    stage: Stage, bits: tuple[int, ...], expected: type[EnrolmentError], reason: Reason
) -> None:
    stage.server.refusals.append(Refuse("no", bits, is_error=True))
    with pytest.raises(expected) as caught:
        await stage.driver().check()
    assert caught.value.reason is reason


async def test_a_wrong_secret(stage: Stage) -> None:
    stage.server.secrets["device-1"] = b"another"
    stage.server.errors_with = Kind.SIGNATURE
    with pytest.raises(IssuerError) as caught:
        await stage.driver().check()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_an_answer_under_another_secret(stage: Stage) -> None:
    stage.server.answer_secret = b"another"
    with pytest.raises(IssuerError) as caught:
        await stage.driver().check()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_an_unprotected_refusal_proves_nothing(stage: Stage) -> None:
    stage.server.errors_with = Kind.NONE
    stage.server.refusals.extend([Refuse("unknown type", is_error=True), Refuse("unknown type", is_error=True)])
    with pytest.raises(TransientError, match="allowUnprotectedErrors"):
        await stage.driver().check()
    report = await stage.driver(interop={"allowUnprotectedErrors": True}).check()
    assert "nothing is proved" in report.message


async def test_a_ca_that_wants_time_is_there(stage: Stage) -> None:
    stage.server.polls = 1
    assert "takes its time" in (await stage.driver().check()).message


async def test_an_answer_of_another_type_says_nothing(stage: Stage) -> None:
    stage.server.infos[InfoType.CA_CERTS] = ("1.2.3", None)
    assert (await stage.driver().check()).ca_certificates == ()


@pytest.mark.parametrize("status", [200, 404, 405, 500])
async def test_without_a_credential_only_the_way_is_proved(stage: Stage, status: int) -> None:
    stage.without_credential()
    stage.server.next_answers.append(lambda: httpx.Response(status))
    report = await stage.driver().check()
    assert "each Certificate needs its cmp.mac" in report.message
    assert stage.server.seen == []


async def test_without_a_credential_and_a_server(stage: Stage) -> None:
    stage.without_credential()
    stage.early = [httpx.ConnectError("")]
    with pytest.raises(TransientError, match="The server cannot be reached"):
        await stage.driver().check()


async def test_a_server_that_cannot_be_reached(stage: Stage) -> None:
    stage.early = [httpx.ConnectError("")]
    with pytest.raises(TransientError):
        await stage.driver().check()


@pytest.fixture
def successor(stage: Stage) -> Callable[..., x509.Certificate]:
    """Have the server announce a new root, certified by the old one or by somebody else."""

    def announce(*, is_certified: bool = True) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        new = ca_certificate(stage, key.public_key(), key, issuer="Next Root")
        old = stage.server.authority.root.key if is_certified else key
        link = ca_certificate(stage, key.public_key(), old, issuer="Fake CMP Root")
        value = asn1.RootCaKeyUpdateContent({"newWithNew": carried(new), "newWithOld": carried(link)})
        stage.server.infos[InfoType.ROOT_CA_CERT] = (InfoType.ROOT_CA_KEY_UPDATE.value, value)
        return new

    return announce


def ca_certificate(stage: Stage, public_key: Any, key: Any, *, issuer: str) -> x509.Certificate:
    now = stage.clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(common_name("Next Root"))
        .issuer_name(common_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


async def test_a_new_root_is_learned_from_the_old_one(stage: Stage, successor: Callable[..., x509.Certificate]) -> None:
    new = successor()
    driver = stage.driver()
    report = await driver.check()
    learned = LearnedAnchor(certificate=new, source="NewWithOld", by=fingerprint(stage.server.root))
    assert report.learned == (learned,)
    assert report.capabilities == ("rootCaKeyUpdate",)
    assert (await driver.check()).learned == (learned,)
    stage.learned = (learned,)
    assert (await stage.driver().check()).learned == (learned,)


async def test_a_new_root_that_nobody_vouches_for_is_not(
    stage: Stage, successor: Callable[..., x509.Certificate]
) -> None:
    successor(is_certified=False)
    report = await stage.driver().check()
    assert report.learned == ()
    assert "is not believed" in report.message
