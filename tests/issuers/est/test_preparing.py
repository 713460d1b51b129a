"""What the server says in csrattrs reaches key and request: read from the wire, and for whoever will enrol."""

import base64

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certwright.model import keys
from certwright.model.enrolment import Issued, Prepared, StartAfresh
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.keys import KeyKind
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm, SignatureAlgorithm
from certwright.protocols.cms import der
from tests.fakes.est import CHALLENGE_PASSWORD
from tests.issuers.est.conftest import CLIENT_CERTIFICATE, NEW_KEY, Stage, client_pair, staged
from tests.model.builders import KINDS, spec_of

SECP384R1_WITH_SHA384 = der.sequence(
    der.sequence(der.oid("1.2.840.10045.2.1"), der.set_of(der.oid("1.3.132.0.34"))), der.oid("1.2.840.10045.4.3.3")
)
BINDING = der.sequence(der.oid(CHALLENGE_PASSWORD.dotted_string))
ENCRYPTED_KEYS = der.sequence(der.oid("1.2.840.113549.1.9.16.2.54"))
SHARED_KEYS = der.sequence(der.oid("1.2.840.113549.1.9.16.2.37"))
KEY_GENERATION = {"est": {"serverKeyGeneration": True}}


async def test_the_key_and_the_signature_are_the_cas_choice(stage: Stage) -> None:
    stage.server.csrattrs = SECP384R1_WITH_SHA384
    prepared = await stage.driver().prepare(stage.asked())
    expected = Prepared(
        key_kind=KeyKind(KeyAlgorithm.ECDSA, 384), signature_algorithm=SignatureAlgorithm.ECDSA_WITH_SHA384
    )
    assert expected == prepared


async def test_a_contradiction_names_both_sides(stage: Stage) -> None:
    stage.server.csrattrs = SECP384R1_WITH_SHA384
    spec = spec_of(privateKey={"algorithm": "RSA"})
    with pytest.raises(RejectedError, match=r"ECDSA 384.* spec\.privateKey\.algorithm is RSA"):
        await stage.driver().prepare(stage.asked(spec))
    assert await stage.driver(csrAttributes="Ignore").prepare(stage.asked(spec)) == Prepared()


@pytest.mark.parametrize("status", [204, 404, 405, 501])
async def test_a_server_may_have_no_wishes(stage: Stage, status: int) -> None:
    stage.server._csrattrs = lambda: httpx.Response(status)  # type: ignore[method-assign]
    assert await stage.driver().prepare(stage.asked()) == Prepared()


@pytest.mark.parametrize("status", [400, 403])
async def test_a_refused_question_is_no_certificates_fault(stage: Stage, status: int) -> None:
    stage.server._csrattrs = lambda: httpx.Response(status, text="no")  # type: ignore[method-assign]
    with pytest.raises(IssuerError, match="CSR attributes"):
        await stage.driver().prepare(stage.asked())


async def test_who_renews_itself_asks_for_itself(stage: Stage) -> None:
    await stage.driver().prepare(stage.asked(current=stage.current()))
    assert [identity is not None for identity in stage.openers[-1].opened] == [False, True]
    assert stage.openers[-1].open_clients == 1


async def test_who_is_refused_asks_with_the_credential(stage: Stage) -> None:
    stage.server.csrattrs = SECP384R1_WITH_SHA384
    stage.server.refuses_client_certificates = True
    prepared = await stage.driver().prepare(stage.asked(current=stage.current()))
    assert prepared.key_kind == KeyKind(KeyAlgorithm.ECDSA, 384)


async def test_who_gets_no_answer_is_not_refused(stage: Stage) -> None:
    stage.server._csrattrs = lambda: httpx.Response(500, text="oops")  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="CSR attributes"):
        await stage.driver().prepare(stage.asked(current=stage.current()))
    assert stage.count("csrattrs") == 1


async def test_names_that_cannot_be_asked_for_are_told_before_anything_is_asked(stage: Stage) -> None:
    with pytest.raises(RejectedError, match=r"a\.\.example"):
        await stage.driver().prepare(stage.asked(spec_of(dnsNames=["a..example.com"])))
    assert stage.server.requests == []


class TestChannelBinding:
    @pytest.mark.parametrize(
        ("setting", "is_asked", "is_bound"),
        [
            pytest.param("Auto", True, True, id="asked for"),
            pytest.param("Auto", False, False, id="not asked for"),
            pytest.param("Required", False, True, id="required"),
            pytest.param("Never", False, False, id="never"),
        ],
    )
    async def test_requests_are_tied_to_their_connection(
        self, stage: Stage, setting: str, *, is_asked: bool, is_bound: bool
    ) -> None:
        stage.server.csrattrs = BINDING if is_asked else None
        stage.server.requires_binding = is_asked
        assert await stage.enrol(stage.asked(), channelBinding=setting)
        assert is_bound is (b"unique-" in base64.b64decode(challenge(stage.server.received[-1]) or ""))

    async def test_each_repetition_is_tied_to_its_own_connection_with_the_same_key_and_content(
        self, stage: Stage
    ) -> None:
        stage.server.csrattrs, stage.server.requires_binding, stage.server.loses_answers = BINDING, True, 1
        prepared = await stage.driver().prepare(stage.asked())
        request = staged(stage.asked(), prepared)
        with pytest.raises(Exception, match="got no answer"):
            await stage.driver().enrol(request, resume=prepared.resume)
        assert isinstance(await stage.driver().enrol(request, resume=prepared.resume), Issued)
        first, second = map(x509.load_der_x509_csr, stage.server.received)
        assert (first.subject, first.public_key(), list(first.extensions)) == (
            second.subject,
            NEW_KEY.public_key(),
            list(second.extensions),
        )
        assert len({challenge(csr) for csr in stage.server.received}) == 2
        assert challenge(request.csr) is None

    async def test_a_renewal_is_tied_too(self, stage: Stage) -> None:
        stage.server.csrattrs, stage.server.requires_binding = BINDING, True
        assert await stage.enrol(stage.asked(current=stage.current()))
        assert stage.count("simplereenroll") == 1

    async def test_tls_1_3_is_told(self, stage: Stage) -> None:
        stage.server.tls_version = "TLSv1.3"
        prepared = await stage.driver(channelBinding="Required").prepare(stage.asked())
        request = staged(stage.asked(), prepared)
        for step in (
            stage.driver(channelBinding="Required").enrol(request, resume=prepared.resume),
            stage.driver(channelBinding="Required").check(),
        ):
            with pytest.raises(IssuerError, match=r"TLS 1\.3.*est\.channelBinding") as caught:
                await step
            assert caught.value.reason is Reason.INVALID_CONFIGURATION
        assert stage.server.received == []

    async def test_a_probe_sees_that_it_is_possible_and_asks_for_no_certificate(self, stage: Stage) -> None:
        stage.server.csrattrs = BINDING
        report = await stage.driver().check()
        assert report.capabilities == ("csrattrs", "channelBinding:required")
        assert stage.server.received == []


class TestServerKeyGeneration:
    async def test_the_key_comes_from_the_ca(self, stage: Stage) -> None:
        issued = await stage.enrol(stage.asked(spec_of(**KEY_GENERATION)))
        assert issued.key is not None
        assert issued.chain[0].public_key() == issued.key.public_key()
        assert issued.key.public_key() != NEW_KEY.public_key()
        assert stage.count("serverkeygen") == 1
        assert "PRIVATE" not in repr(issued)

    async def test_a_renewal_is_authenticated_by_the_current_certificate(self, stage: Stage) -> None:
        stage.server.authentication.schemes = ("Basic",)
        spec = spec_of(**KEY_GENERATION)
        issued = await stage.enrol(stage.asked(spec, current=stage.current(spec)))
        assert issued.key is not None
        assert (stage.count("serverkeygen"), issued.notes) == (1, ())

    async def test_it_is_encrypted_to_the_issuers_client_certificate_if_the_ca_wants_that(self, stage: Stage) -> None:
        stage.settings, stage.credentials = CLIENT_CERTIFICATE, client_pair(stage, KINDS[0])
        recipient = x509.load_pem_x509_certificate(stage.credentials.client_certificate or b"")
        identifier = x509.SubjectKeyIdentifier.from_public_key(public_key(recipient)).digest
        stage.server.csrattrs = ENCRYPTED_KEYS
        stage.server.key_generation.recipients = {identifier: recipient}
        issued = await stage.enrol(stage.asked(spec_of(**KEY_GENERATION)))
        assert issued.key is not None
        assert keys.public_der(issued.key) == keys.public_der(stage.server.key_generation.keys[0])

    async def test_another_client_certificate_cannot_open_it(self, stage: Stage) -> None:
        stage.settings, stage.credentials = CLIENT_CERTIFICATE, client_pair(stage)
        stage.server.csrattrs = ENCRYPTED_KEYS
        asked = stage.asked(spec_of(**KEY_GENERATION))
        prepared = await stage.driver().prepare(asked)
        stage.credentials = client_pair(stage, KINDS[0])
        answer = await stage.driver().enrol(staged(asked, prepared), resume=prepared.resume)
        assert isinstance(answer, StartAfresh)
        assert stage.server.received == []

    @pytest.mark.parametrize(
        ("csrattrs", "reason", "remedy"),
        [
            pytest.param(ENCRYPTED_KEYS, Reason.INVALID_CONFIGURATION, "est.auth.clientCertificate", id="to nobody"),
            pytest.param(SHARED_KEYS, Reason.NOT_IMPLEMENTED, "est.serverKeyGeneration", id="with a shared key"),
        ],
    )
    async def test_a_key_that_nobody_could_open_is_not_asked_for(
        self, stage: Stage, csrattrs: bytes, reason: Reason, remedy: str
    ) -> None:
        stage.server.csrattrs = csrattrs
        with pytest.raises(IssuerError, match=remedy) as caught:
            await stage.driver().prepare(stage.asked(spec_of(**KEY_GENERATION)))
        assert caught.value.reason is reason

    async def test_a_ca_that_makes_no_keys_is_told_to_the_certificate(self, stage: Stage) -> None:
        stage.server._operation = lambda path: "" if path.endswith("serverkeygen") else path.rpartition("/")[2]  # type: ignore[method-assign]
        with pytest.raises(RejectedError, match=r"est\.serverKeyGeneration"):
            await stage.enrol(stage.asked(spec_of(**KEY_GENERATION)))

    async def test_a_key_cannot_be_kept_and_made_anew(self, stage: Stage) -> None:
        spec = spec_of(**KEY_GENERATION, privateKey={"rotationPolicy": "Never"})
        with pytest.raises(RejectedError, match="rotationPolicy"):
            await stage.driver().prepare(stage.asked(spec))


def challenge(csr: bytes) -> str | None:
    try:
        return bytes(x509.load_der_x509_csr(csr).attributes.get_attribute_for_oid(CHALLENGE_PASSWORD).value).decode()
    except x509.AttributeNotFound:
        return None


def public_key(certificate: x509.Certificate) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    return key
