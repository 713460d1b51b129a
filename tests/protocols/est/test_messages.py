"""Certificates and refusals as servers write them: the RFC's own examples, odd forms, and anything at all."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.cms import der, sign
from certwright.protocols.est import CACertificates, Enrolled, MalformedAnswer, Refused, configured, successors
from certwright.protocols.est.certs_only import parse_certificates
from certwright.protocols.est.cmc import FAIL_INFO, ID_PKI_RESPONSE, parse_cmc_failure
from certwright.protocols.est.keygen import parse_generated
from certwright.protocols.est.payload import decode, encode
from certwright.protocols.est.refusals import refusal
from certwright.protocols.transport import Answer, UnexpectedStatus
from tests.fakes.ca import FakeCA
from tests.fakes.est import certs_only_message, wrapped
from tests.protocols.est.csrs import new_request

VECTORS = Path(__file__).parent / "vectors"
STATUS_INFO, STATUS_INFO_V2 = "1.3.6.1.5.5.7.7.1", "1.3.6.1.5.5.7.7.25"
FAILED = 2


def now() -> datetime:
    return datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def ca() -> FakeCA:
    return FakeCA(clock=now)


class TestExamples:
    """RFC 7030 appendix A."""

    def test_a_1_cacerts(self) -> None:
        found = CACertificates(parse_certificates((VECTORS / "cacerts.b64").read_bytes()))
        assert [name(root) for root in found.roots] == ["estExampleCA OwO", "estExampleCA NwN"]
        assert [name(other) for other in found.others] == ["estExampleCA NwO", "estExampleCA OwN"]

    def test_a_1_is_no_rollover_to_follow(self) -> None:
        """Its links bear other names than its roots, and do not say that they are CAs': RFC 4210 §4.4 wants both."""
        found = CACertificates(parse_certificates((VECTORS / "cacerts.b64").read_bytes()))
        held = configured(found.roots[:1])
        then = datetime(2013, 12, 1, tzinfo=UTC)
        assert successors(held, found.certificates, now=then, is_authenticated=False) == ()

    def test_a_3_simpleenroll(self) -> None:
        request = x509.load_der_x509_csr(decode((VECTORS / "simpleenroll-request.b64").read_bytes()))
        enrolled = Enrolled(parse_certificates((VECTORS / "simpleenroll.b64").read_bytes()))
        leaf, rest = enrolled.split(request.public_key())
        assert (name(leaf), rest) == ("demostep4 1368141352", ())

    def test_a_3_the_body_of_a_request(self) -> None:
        text = (VECTORS / "simpleenroll-request.b64").read_bytes()
        assert encode(decode(text)) == text

    def test_a_4_serverkeygen(self) -> None:
        body = (VECTORS / "serverkeygen.multipart").read_bytes()
        generated = parse_generated("multipart/mixed ; boundary=estServerExampleBoundary", body)
        assert name(generated.split()[0]) == "serverside key generated response"


def name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.rfc4514_string()).removeprefix("CN=")


class TestCertificates:
    @pytest.mark.parametrize("form", ["lf", "crlf", "one line", "nul", "blanks", "pem", "pkcs7 armour", "der"])
    def test_however_they_are_sent(self, ca: FakeCA, key: ec.EllipticCurvePrivateKey, form: str) -> None:
        certificates = (ca.issue(new_request(key)), *ca.intermediates.values())
        message = certs_only_message(certificates)
        text = base64.b64encode(message)
        body = {
            "lf": wrapped(message),
            "crlf": wrapped(message, newline=b"\r\n"),
            "one line": text,
            "nul": text + b"\n\x00",
            "blanks": b" \t" + text[:7] + b" \n" + text[7:],
            "pem": certificates[0].public_bytes(Encoding.PEM),
            "pkcs7 armour": b"-----BEGIN PKCS7-----\n" + wrapped(message) + b"-----END PKCS7-----\n",
            "der": message,
        }[form]
        assert parse_certificates(body) == (certificates[:1] if form == "pem" else certificates)

    def test_several_in_pem(self, ca: FakeCA) -> None:
        chain = [*ca.intermediates.values(), *ca.roots.values()]
        body = b"subject: x\n".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
        assert list(parse_certificates(body)) == chain

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"<html>", id="page"),
            pytest.param(b"MAA=", id="empty-sequence"),
            pytest.param(base64.b64encode(certs_only_message([])), id="none-inside"),
        ],
    )
    def test_none_are_malformed(self, body: bytes) -> None:
        with pytest.raises(MalformedAnswer):
            parse_certificates(body)

    @given(body=st.binary(max_size=300))
    def test_any_body_is_understood_or_malformed(self, body: bytes) -> None:
        for form in (body, base64.b64encode(body)):
            with suppress(MalformedAnswer):
                assert parse_certificates(form)

    @given(at=st.integers(0, 1 << 16), value=st.integers(0, 255))
    def test_any_damage_is_understood_or_malformed(self, ca: FakeCA, at: int, value: int) -> None:
        raw = bytearray(certs_only_message(list(ca.roots.values())))
        raw[at % len(raw)] = value
        with suppress(MalformedAnswer):
            assert CACertificates(parse_certificates(base64.b64encode(bytes(raw)))).roots is not None


@given(der_bytes=st.binary(min_size=1, max_size=400))
def test_what_is_sent_is_lines_of_base64(der_bytes: bytes) -> None:
    body = encode(der_bytes)
    assert decode(body) == der_bytes
    assert body.endswith(b"\n")
    assert max(len(line) for line in body.splitlines()) <= 64


def cmc_response(
    ca: FakeCA, *, status: int = FAILED, text: str | None = "no", info: bytes = b"", oid: str = STATUS_INFO
) -> bytes:
    """A CMC response (RFC 5272 §3.2.2) with one status, signed by whom it may be."""
    said = der.element(0x0C, text.encode()) if text is not None else b""
    value = der.sequence(der.integer(status), der.sequence(der.integer(1)), said, info)
    control = der.sequence(der.integer(1), der.oid(oid), der.set_of(value))
    response = der.sequence(der.sequence(control), der.sequence(), der.sequence())
    certificate = next(iter(ca.intermediates.values()))
    return base64.b64encode(sign(response, key=ca.key, certificate=certificate, content_type=ID_PKI_RESPONSE))


def answered(status: int, body: bytes, content_type: str) -> Answer:
    return Answer(
        url="https://est.test/x", status=status, headers=httpx.Headers({"Content-Type": content_type}), body=body
    )


class TestCMC:
    """Refusals in CMC. No server at hand sends one: these are made here after RFC 5272."""

    @pytest.mark.parametrize("oid", [STATUS_INFO, STATUS_INFO_V2], ids=["first", "second"])
    @pytest.mark.parametrize(("number", "word"), FAIL_INFO.items(), ids=FAIL_INFO.values())
    def test_every_reason_has_its_word(self, ca: FakeCA, oid: str, number: int, word: str) -> None:
        found = refusal(answered(400, cmc_response(ca, info=der.integer(number), oid=oid), "application/pkcs7-mime"))
        assert isinstance(found, Refused)
        assert (found.fail_info, found.text, str(found)) == (word, "no", f"HTTP status 400 ({word}: no)")

    @pytest.mark.parametrize(
        ("info", "text", "expected"),
        [
            pytest.param(b"", None, (None, ""), id="nothing"),
            pytest.param(der.integer(99), "x\x07y", ("failInfo 99", "x y"), id="unknown-reason"),
            pytest.param(der.sequence(), "wait", (None, "wait"), id="pending"),
            pytest.param(der.integer(1 << 4000), "big", (None, "big"), id="huge-reason"),
            pytest.param(b"", "z" * 5000, (None, "z" * 1023 + "…"), id="long"),
        ],
    )
    def test_what_else_it_may_say(
        self, ca: FakeCA, info: bytes, text: str | None, expected: tuple[str | None, str]
    ) -> None:
        found = parse_cmc_failure(cmc_response(ca, info=info, text=text))
        assert found is not None
        assert (found.fail_info, found.text) == expected

    def test_a_success_is_no_failure(self, ca: FakeCA) -> None:
        assert parse_cmc_failure(cmc_response(ca, status=0)) is None

    @pytest.mark.parametrize("body", [b"", b"secret", b"MAA=", base64.b64encode(certs_only_message([]))])
    def test_what_is_none_leaves_the_status(self, body: bytes) -> None:
        found = refusal(answered(500, body, "application/pkcs7-mime; smime-type=CMC-response"))
        assert isinstance(found, Refused)
        assert str(found) == "HTTP status 500"

    @given(at=st.integers(0, 1 << 16), value=st.integers(0, 255))
    def test_any_damage_leaves_the_status(self, ca: FakeCA, at: int, value: int) -> None:
        raw = bytearray(base64.b64decode(cmc_response(ca, info=der.integer(2))))
        raw[at % len(raw)] = value
        assert isinstance(refusal(answered(400, bytes(raw), "application/pkcs7-mime")), Refused)


@given(
    status=st.integers(300, 599),
    body=st.binary(max_size=100),
    content_type=st.sampled_from(["", "text/plain; charset=x", "text/html", "application/pkcs7-mime", "a/b"]),
)
def test_any_refusal_is_told_safely(status: int, body: bytes, content_type: str) -> None:
    found = refusal(answered(status, body, content_type))
    assert isinstance(found, Refused | UnexpectedStatus)
    assert str(found).isprintable()
