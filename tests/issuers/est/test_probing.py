"""An issuer is ready when its server has answered; whom it believes afterwards is decided there too."""

from dataclasses import dataclass, replace
from datetime import datetime

import httpx
import pytest
from cryptography import x509

from certwright.issuers.est import ESTCredentials
from certwright.model import keys
from certwright.model.chain import fingerprint
from certwright.model.enrolment import LearnedAnchor, Prepared
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from tests.fakes.est import refused
from tests.issuers.est.conftest import (
    BEARER,
    CLIENT_CERTIFICATE,
    DAY,
    ISSUER_PASSWORD,
    PASSWORD,
    Stage,
    client_pair,
    pem,
    staged,
)
from tests.model.builders import CA_TRUE, HOUR, NOW, P256, Authority, key_of, root, signed

MITM = root("Man in the middle").certificate


@dataclass(frozen=True)
class Rollover:
    """A root and its successor of the same name, and the certificate by which the one vouches for the other."""

    old: Authority
    new: Authority
    new_with_old: x509.Certificate


def roll_over(old: Authority, number: int = 21, *, begins: datetime = NOW - HOUR) -> Rollover:
    key, name = key_of(P256, number), old.certificate.subject
    valid = (begins, begins + 3650 * DAY)
    new = signed(name, key, [(CA_TRUE, True)], by=(name, key), valid=valid)
    link = signed(name, key, [(CA_TRUE, True)], by=(name, old.key), valid=valid)
    return Rollover(old, Authority(new, key), link)


ROLLOVER = roll_over(root("TLS Root"))
OLD, NEW, LINK = ROLLOVER.old.certificate, ROLLOVER.new.certificate, ROLLOVER.new_with_old


def sources(learned: tuple[LearnedAnchor, ...] | None) -> dict[str, str]:
    assert learned is not None
    return {fingerprint(one.certificate): one.source for one in learned}


async def test_the_report_names_what_the_ca_publishes(stage: Stage) -> None:
    report = await stage.driver().check()
    assert report.message == "est.test publishes 2 CA certificates: CN=Fake Intermediate; CN=Fake Root."
    assert report.ca_certificates == tuple(stage.server.ca_certificates())
    assert (report.capabilities, report.learned) == ((), ())


async def test_a_credential_that_nobody_asked_for_is_not_said_to_be_right(stage: Stage) -> None:
    stage.settings, stage.credentials = PASSWORD, ISSUER_PASSWORD
    assert "shows at the first one" in (await stage.driver().check()).message


async def test_an_issuer_without_a_credential_may_leave_it_to_its_certificates(stage: Stage) -> None:
    answer_csrattrs(stage, httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="est"'}))
    assert "each Certificate needs its est.password" in (await stage.driver().check()).message


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        pytest.param(refused(404, ""), IssuerError, Reason.INVALID_CONFIGURATION, id="not found"),
        pytest.param(refused(403, "no"), IssuerError, Reason.INVALID_CONFIGURATION, id="forbidden"),
        pytest.param(
            httpx.Response(401, headers={"WWW-Authenticate": "Basic"}),
            IssuerError,
            Reason.INVALID_CREDENTIALS,
            id="401",
        ),
        pytest.param(refused(500, "oops"), TransientError, Reason.UNREACHABLE, id="server's fault"),
        pytest.param(httpx.Response(200, html="<p>"), TransientError, Reason.UNREACHABLE, id="a page"),
    ],
)
async def test_a_server_that_publishes_nothing_makes_no_issuer_ready(
    stage: Stage, answer: httpx.Response, expected: type[EnrolmentError], reason: Reason
) -> None:
    stage.server._answer = lambda *_: answer  # type: ignore[method-assign]
    with pytest.raises(expected) as caught:
        await stage.driver().check()
    assert caught.value.reason is reason


async def test_a_wrong_password_is_found_out_where_the_server_asks_for_it(stage: Stage) -> None:
    stage.settings, stage.credentials = PASSWORD, ESTCredentials(password=b"wrong")
    answer_csrattrs(stage, httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="est"'}))
    with pytest.raises(IssuerError, match=r"est\.auth") as caught:
        await stage.driver().check()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


async def test_a_client_certificate_is_proved_in_the_handshake(stage: Stage) -> None:
    stage.settings, stage.credentials = CLIENT_CERTIFICATE, client_pair(stage)
    stage.server.refuses_client_certificates = True
    with pytest.raises(IssuerError, match=r"est\.auth\.clientCertificate") as caught:
        await stage.driver().check()
    assert caught.value.reason is Reason.INVALID_CREDENTIALS


PAIR = CLIENT_CERTIFICATE


class TestCredentialsThatDoNotFit:
    @pytest.mark.parametrize(
        ("settings", "credentials", "said"),
        [
            pytest.param(PASSWORD, ESTCredentials(), "est.auth.password is empty", id="no password"),
            pytest.param(PASSWORD, ESTCredentials(password=b"\n"), "est.auth.password is empty", id="an empty line"),
            pytest.param(PASSWORD, ESTCredentials(password=b"\xff"), "not UTF-8", id="no text"),
            pytest.param(PASSWORD, ESTCredentials(password=b"a\r\nb: c"), "HTTP cannot send", id="two lines"),
            pytest.param(BEARER, ESTCredentials(bearer="tökén".encode()), "HTTP cannot send", id="no token"),
            pytest.param(PAIR, ESTCredentials(), "lacks tls.crt or tls.key", id="no pair"),
            pytest.param(
                PAIR, ESTCredentials(client_certificate=b"x", client_key=keys.encode(key_of())), "tls.crt", id="no PEM"
            ),
            pytest.param(
                PAIR, ESTCredentials(client_certificate=pem(OLD), client_key=b"x"), "tls.key is not", id="no key"
            ),
            pytest.param(
                PAIR,
                ESTCredentials(client_certificate=pem(OLD), client_key=keys.encode(key_of())),
                "does not belong",
                id="another key",
            ),
        ],
    )
    def test_no_driver_is_made(
        self, stage: Stage, settings: dict[str, object], credentials: ESTCredentials, said: str
    ) -> None:
        stage.settings, stage.credentials = settings, credentials
        with pytest.raises(IssuerError, match=said) as caught:
            stage.driver()
        assert caught.value.reason is Reason.INVALID_CREDENTIALS

    def test_nor_with_roots_that_are_none(self, stage: Stage) -> None:
        stage.roots = b"no PEM"
        with pytest.raises(IssuerError, match="CA bundle") as caught:
            stage.driver()
        assert caught.value.reason is Reason.INVALID_CONFIGURATION


class TestConfiguredAnchors:
    @pytest.fixture(autouse=True)
    def configured(self, stage: Stage) -> None:
        stage.roots, stage.server.tls_root = pem(OLD), OLD

    async def test_what_they_authenticate_is_learned_and_outlives_the_process(self, stage: Stage) -> None:
        ca_root = stage.server.ca.roots["Fake Root"]
        report = await stage.driver().check()
        assert sources(report.learned) == {fingerprint(ca_root): "AuthenticatedCACerts"}
        stage.learned, stage.server.tls_root = report.learned or (), ca_root
        again = await stage.driver().check()
        assert again.learned == report.learned

    async def test_what_a_root_has_vouched_for_goes_with_it(self, stage: Stage) -> None:
        report = await stage.driver().check()
        stage.learned, stage.server.tls_root = report.learned or (), stage.server.ca.roots["Fake Root"]
        stage.roots = pem(MITM)
        with pytest.raises(IssuerError, match="does not verify"):
            await stage.driver().check()

    async def test_a_new_root_is_found_when_the_old_one_has_signed_it(self, stage: Stage) -> None:
        stage.server.tls_root, stage.server.extra_ca_certificates = NEW, [MITM, LINK, NEW]
        report = await stage.driver().check()
        assert sources(report.learned)[fingerprint(NEW)] == "NewWithOld"
        assert report.learned is not None
        assert report.learned[0].by == fingerprint(OLD)
        assert [client.is_closed for client in stage.openers[-1].provisional] == [True]

    async def test_trust_outlives_the_roots_that_passed_it_on(self, stage: Stage) -> None:
        second = roll_over(ROLLOVER.new, 22, begins=NOW + 3000 * DAY)
        stage.server.extra_ca_certificates = [LINK, NEW]
        for days in (0, 3100, 600, 1):
            await stage.clock.advance(days * DAY)
            if days:
                stage.server.extra_ca_certificates = [second.new_with_old, second.new.certificate]
                stage.server.tls_root = second.new.certificate
            stage.learned = (await stage.driver().check()).learned or ()
        assert sources(stage.learned)[fingerprint(second.new.certificate)] == "NewWithOld"
        assert stage.clock.now() > NEW.not_valid_after_utc

    async def test_a_root_that_has_expired_and_vouches_for_nobody_is_forgotten(self, stage: Stage) -> None:
        stage.server.extra_ca_certificates = [LINK, NEW]
        stage.learned = (await stage.driver().check()).learned or ()
        assert len(stage.learned) == 2
        await stage.clock.advance(3700 * DAY)
        assert (await stage.driver().check()).learned == ()

    @pytest.mark.parametrize("offered", [[NEW], [LINK], [MITM, LINK]], ids=["root alone", "link alone", "another root"])
    async def test_a_new_root_that_nobody_vouches_for_is_not_believed(
        self, stage: Stage, offered: list[x509.Certificate]
    ) -> None:
        stage.server.tls_root, stage.server.extra_ca_certificates = NEW, offered
        with pytest.raises(IssuerError, match="does not verify") as caught:
            await stage.driver().check()
        assert caught.value.reason is Reason.UNREACHABLE

    async def test_nothing_is_sent_to_a_server_that_does_not_verify(self, stage: Stage) -> None:
        stage.settings, stage.credentials = PASSWORD, ISSUER_PASSWORD
        stage.server.tls_root = MITM
        with pytest.raises(IssuerError):
            await stage.driver().enrol(staged(stage.asked(), Prepared()), resume={})
        assert stage.server.requests == []


class TestBootstrap:
    @pytest.fixture(autouse=True)
    def pinned(self, stage: Stage) -> None:
        ca_root = stage.server.ca.roots["Fake Root"]
        stage.server.tls_root = ca_root
        stage.server.extra_ca_certificates = [MITM]
        stage.settings = {"bootstrap": {"fingerprintSHA256": fingerprint(ca_root)}, **PASSWORD}
        stage.credentials = ISSUER_PASSWORD

    async def test_only_the_pinned_root_is_believed(self, stage: Stage) -> None:
        report = await stage.driver().check()
        assert sources(report.learned) == {fingerprint(stage.server.ca.roots["Fake Root"]): "Pinned"}
        assert MITM not in report.ca_certificates
        assert [client.is_closed for client in stage.openers[-1].provisional] == [True]
        issued = await stage.enrol(stage.asked())
        assert issued.anchors == (stage.server.ca.roots["Fake Root"],)

    async def test_it_happens_once(self, stage: Stage) -> None:
        stage.learned = (await stage.driver().check()).learned or ()
        await stage.driver().check()
        assert stage.openers[-1].provisional == []

    async def test_another_fingerprint_means_to_begin_again(self, stage: Stage) -> None:
        stage.learned = (await stage.driver().check()).learned or ()
        stage.settings |= {"bootstrap": {"fingerprintSHA256": "ab" * 32}}
        with pytest.raises(IssuerError, match=r"fingerprint .*est\.bootstrap") as caught:
            await stage.driver().check()
        assert caught.value.reason is Reason.INVALID_CONFIGURATION

    async def test_without_it_what_was_pinned_is_nothing(self, stage: Stage) -> None:
        learned = (await stage.driver().check()).learned or ()
        stage.learned = (*learned, replace(learned[0], source="Hearsay"))
        stage.settings, stage.roots = dict(PASSWORD), pem(MITM)
        with pytest.raises(IssuerError, match="does not verify"):
            await stage.driver().check()

    async def test_an_enrolment_before_the_first_probe_pins_too(self, stage: Stage) -> None:
        assert await stage.enrol(stage.asked())
        assert len(stage.openers[0].provisional) == 1

    async def test_a_man_in_the_middle_with_a_root_of_his_own_gets_nothing(self, stage: Stage) -> None:
        stage.learned = (await stage.driver().check()).learned or ()
        stage.server.tls_root = MITM
        stage.server.requests.clear()
        with pytest.raises(IssuerError, match="does not verify"):
            await stage.driver().check()
        assert stage.server.requests == ["GET /.well-known/est/cacerts"], "the provisional look for a successor"

    async def test_a_root_that_the_pinned_one_has_signed_follows_it(self, stage: Stage) -> None:
        rollover = roll_over(root("Pinned Root"))
        stage.settings |= {"bootstrap": {"fingerprintSHA256": fingerprint(rollover.old.certificate)}}
        stage.server.tls_root = rollover.old.certificate
        stage.server.extra_ca_certificates = [MITM, rollover.old.certificate]
        stage.learned = (await stage.driver().check()).learned or ()
        stage.server.extra_ca_certificates = [MITM, rollover.new.certificate, rollover.new_with_old]
        report = await stage.driver().check()
        assert sources(report.learned) == {
            fingerprint(rollover.old.certificate): "Pinned",
            fingerprint(rollover.new.certificate): "NewWithOld",
        }
        stage.learned, stage.server.tls_root = report.learned or (), rollover.new.certificate
        assert (await stage.driver().check()).learned == report.learned


def answer_csrattrs(stage: Stage, answer: httpx.Response) -> None:
    stage.server._csrattrs = lambda: answer  # type: ignore[method-assign]
