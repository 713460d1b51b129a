"""Keys that the server makes: plain, or encrypted to the key that the request names.

Plain ones are proved against a real server too (e2e); encryption to the requested identifier only here, against
tests.fakes.est.
"""

import base64
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.cms import der, sign
from certwright.protocols.est import (
    AsymmetricDecryption,
    Deferred,
    ESTClient,
    MalformedAnswer,
    Refused,
    ServerGenerated,
    SymmetricDecryption,
    parse_private_key,
)
from certwright.protocols.est.keygen import parse_generated
from certwright.protocols.est.multipart import MediaType, parse_multipart
from tests.fakes.ca import FakeCA
from tests.fakes.est import FakeESTServer, certs_only_message
from tests.fakes.est_keygen import DECRYPT_KEY_ID, ID_KEY_PACKAGE
from tests.protocols.est.csrs import csr, new_request

SHARED = SymmetricDecryption(identifier=b"key 1", key=bytes(range(16)))


def spki(key: object) -> bytes:
    public: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return public


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def recipient(server: FakeESTServer, rsa_key: rsa.RSAPrivateKey) -> AsymmetricDecryption:
    """A key pair whose certificate the server has."""
    certificate = server.ca.issue(new_request(rsa_key))
    server.key_generation.recipients[b"recipient"] = certificate
    return AsymmetricDecryption(identifier=b"recipient", private_key=rsa_key, certificate=certificate)


@pytest.mark.parametrize("key_first", [pytest.param(True, id="key-first"), pytest.param(False, id="key-last")])
async def test_a_plain_key_and_its_certificate(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, *, key_first: bool
) -> None:
    server.key_generation.sends_key_first = key_first
    outcome = await client.serverkeygen(csr(key))
    assert isinstance(outcome, ServerGenerated)
    assert outcome.split()[0] == server.issued[0]
    assert spki(outcome.private_key) == spki(server.key_generation.keys[0]) != spki(key)
    assert "PrivateKey" not in repr(outcome)


async def test_one_encrypted_to_a_shared_secret(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.key_generation.shared[SHARED.identifier] = SHARED.key
    outcome = await client.serverkeygen(csr(key, attributes=SHARED.csr_attributes()), decryption=SHARED)
    assert isinstance(outcome, ServerGenerated)
    assert spki(outcome.private_key) == spki(server.key_generation.keys[0])


async def test_one_encrypted_to_a_certificate(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey, recipient: AsymmetricDecryption
) -> None:
    outcome = await client.serverkeygen(csr(key, attributes=recipient.csr_attributes()), decryption=recipient)
    assert isinstance(outcome, ServerGenerated)
    assert spki(outcome.private_key) == spki(server.key_generation.keys[0])


async def test_an_identifier_that_the_server_does_not_know(client: ESTClient, key: ec.EllipticCurvePrivateKey) -> None:
    with pytest.raises(Refused, match="no key has that identifier"):
        await client.serverkeygen(csr(key, attributes=SHARED.csr_attributes()), decryption=SHARED)


async def test_a_plain_key_is_refused_where_an_encrypted_one_was_asked_for(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.key_generation.ignores_encryption = True
    with pytest.raises(MalformedAnswer, match="encrypted private key"):
        await client.serverkeygen(csr(key, attributes=SHARED.csr_attributes()), decryption=SHARED)


async def test_the_wrong_secret_opens_nothing(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.key_generation.shared[SHARED.identifier] = b"another key of16"
    with pytest.raises(MalformedAnswer, match="cannot be read"):
        await client.serverkeygen(csr(key, attributes=SHARED.csr_attributes()), decryption=SHARED)


async def test_it_may_take_its_time(client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey) -> None:
    server.deferrals = 1
    assert isinstance(await client.serverkeygen(csr(key)), Deferred)
    assert isinstance(await client.serverkeygen(csr(key)), ServerGenerated | Deferred)


def test_the_attributes_of_the_request() -> None:
    wrap, identifier = SHARED.csr_attributes()
    assert wrap.value.startswith(der.sequence(der.sequence(der.oid("2.16.840.1.101.3.4.1.5")))[:1])
    assert (identifier.oid, identifier.value) == (DECRYPT_KEY_ID.dotted_string, b"\x04\x05key 1")
    with pytest.raises(ValueError, match="16, 24 or 32"):
        SymmetricDecryption(identifier=b"", key=b"short")
    assert "0102" not in repr(SHARED)


TYPE = "multipart/mixed; boundary=b"


def multipart(*parts: tuple[str, bytes], boundary: str = "b", line: str = "\r\n") -> bytes:
    """Parts with their content types, an empty one for a part without headers."""
    body = b""
    for content_type, content in parts:
        header = f"Content-Type: {content_type}{line}" if content_type else ""
        body += f"--{boundary}{line}{header}{line}".encode() + content + line.encode()
    return body + f"--{boundary}--{line}".encode()


def certificates(certificate: x509.Certificate) -> bytes:
    return base64.b64encode(certs_only_message([certificate]))


@dataclass(frozen=True)
class Made:
    """A key in PKCS#8 and its certificate, as the bodies of the two parts."""

    key: bytes
    certificates: bytes


@pytest.fixture
def made(key: ec.EllipticCurvePrivateKey) -> Made:
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Made(base64.b64encode(plain), certificates(FakeCA(clock=clock).issue(new_request(key))))


def clock() -> datetime:
    return datetime(2030, 1, 1, tzinfo=UTC)


class TestParts:
    """How servers put the two parts together."""

    @pytest.mark.parametrize(
        ("key_type", "certificates_type"),
        [
            pytest.param("application/pkcs8", "application/pkcs7-mime; smime-type=certs-only", id="rfc"),
            pytest.param("application/pkcs8", "application/pkcs7-mime", id="bare"),
            pytest.param("application/octet-stream", "application/octet-stream", id="wrong"),
            pytest.param("", "", id="none"),
            pytest.param("APPLICATION/PKCS8", 'Application/Pkcs7-Mime; Smime-Type="CERTS-ONLY"', id="capitals"),
        ],
    )
    def test_which_is_which(self, made: Made, key_type: str, certificates_type: str) -> None:
        parts = [(key_type, made.key), (certificates_type, made.certificates)]
        for order in (parts, parts[::-1]):
            parse_generated(TYPE, multipart(*order))

    @pytest.mark.parametrize(
        "content_type",
        [
            pytest.param('multipart/mixed; boundary="b"', id="quoted"),
            pytest.param("multipart/mixed ; charset=x ;boundary=b", id="among-others"),
            pytest.param("multipart/mixed", id="missing"),
            pytest.param("", id="no-type"),
        ],
    )
    @pytest.mark.parametrize("line", ["\r\n", "\n"], ids=["crlf", "lf"])
    def test_where_a_part_ends(self, made: Made, content_type: str, line: str) -> None:
        parts = [("application/pkcs8", made.key), ("application/pkcs7-mime", made.certificates)]
        whole = multipart(*parts, line=line)
        for body in (whole, b"a preamble\n" + whole + b"an epilogue", whole.rpartition(b"--b--")[0]):
            parse_generated(content_type, body)

    def test_a_key_in_signed_data(self, made: Made, key: ec.EllipticCurvePrivateKey) -> None:
        """As globalsign's server sends one that is not encrypted: the message also holds its signer's certificate."""
        signer = FakeCA(clock=clock).issue(new_request(key))
        plain = base64.b64decode(made.key)
        packed = sign(der.sequence(plain), key=key, certificate=signer, content_type=ID_KEY_PACKAGE)
        kind = "application/pkcs7-mime"
        answer = multipart((kind, made.certificates), (kind, base64.b64encode(packed)))
        assert spki(parse_generated(TYPE, answer).private_key) == spki(key)

    def test_headers_may_be_folded(self, made: Made) -> None:
        answer = multipart(
            ("application/pkcs7-mime;\r\n smime-type=certs-only", made.certificates),
            ("application/pkcs8\r\nContent-Transfer-Encoding: base64", made.key),
        )
        parse_generated(TYPE, answer)

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param([], id="nothing"),
            pytest.param(["key"], id="key-alone"),
            pytest.param(["certificates"], id="certificates-alone"),
            pytest.param(["key", "key"], id="two-keys"),
            pytest.param(["key", "certificates", "certificates"], id="three"),
            pytest.param(["key", "certificates"] * 6, id="too-many"),
        ],
    )
    def test_what_is_not_two_parts_is_refused(self, made: Made, parts: list[str]) -> None:
        known = {"key": ("application/pkcs8", made.key), "certificates": ("", made.certificates)}
        with pytest.raises(MalformedAnswer):
            parse_generated(TYPE, multipart(*(known[name] for name in parts)))

    @given(content_type=st.text(max_size=80), body=st.binary(max_size=300))
    def test_any_answer_is_understood_or_malformed(self, content_type: str, body: bytes) -> None:
        with suppress(MalformedAnswer):
            parse_generated(content_type, body)

    @given(body=st.lists(st.sampled_from([b"--b", b"--", b"\r\n", b"\n", b"Content-Type: x", b";", b"MAA="])))
    def test_any_parts_are_understood_or_malformed(self, body: list[bytes]) -> None:
        with suppress(MalformedAnswer):
            assert 0 < len(parse_multipart(TYPE, b"".join(body))) <= 8
        with suppress(MalformedAnswer):
            parse_generated(TYPE, b"".join(body))

    @given(text=st.text(max_size=120))
    def test_any_content_type_is_read(self, text: str) -> None:
        assert MediaType.parse(text).name == MediaType.parse(text).name.lower()


class TestForms:
    """What servers send as a private key."""

    @pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM], ids=["der", "pem"])
    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["pkcs8", "older"])
    @pytest.mark.parametrize("kind", ["rsa", "ec"])
    def test_every_form_is_read(
        self,
        rsa_key: rsa.RSAPrivateKey,
        key: ec.EllipticCurvePrivateKey,
        kind: str,
        form: PrivateFormat,
        encoding: Encoding,
    ) -> None:
        made = rsa_key if kind == "rsa" else key
        body = made.private_bytes(encoding, form, NoEncryption())
        sent = body if encoding is Encoding.PEM else base64.b64encode(body)
        certificate = FakeCA(clock=clock).issue(new_request(made))
        answer = multipart(("application/pkcs8", sent), ("application/pkcs7-mime", certificates(certificate)))
        assert spki(parse_generated(TYPE, answer).private_key) == spki(made)

    def test_edwards_keys(self) -> None:
        made = ed25519.Ed25519PrivateKey.generate()
        raw = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        assert spki(parse_private_key(raw)) == spki(made)

    def test_the_key_of_another_certificate(self, key: ec.EllipticCurvePrivateKey, rsa_key: rsa.RSAPrivateKey) -> None:
        raw = base64.b64encode(rsa_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
        certificate = FakeCA(clock=clock).issue(new_request(key))
        answer = multipart(("application/pkcs8", raw), ("application/pkcs7-mime", certificates(certificate)))
        with pytest.raises(MalformedAnswer, match="has the key"):
            parse_generated(TYPE, answer)

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"0" * 10_000, id="long"),
            pytest.param(b"\x30\x00", id="empty"),
            pytest.param(b"\x30\x80\x00\x00", id="indefinite"),
        ],
    )
    def test_what_is_no_key(self, raw: bytes) -> None:
        with pytest.raises(MalformedAnswer):
            parse_private_key(raw)

    def test_one_with_a_passphrase_is_none(self, key: ec.EllipticCurvePrivateKey) -> None:
        raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        with pytest.raises(MalformedAnswer):
            parse_private_key(raw)

    @given(flipped=st.integers(0, 200), value=st.integers(0, 255))
    def test_a_damaged_one_is_read_or_malformed(
        self, key: ec.EllipticCurvePrivateKey, flipped: int, value: int
    ) -> None:
        raw = bytearray(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
        raw[flipped % len(raw)] = value
        with suppress(MalformedAnswer):
            parse_private_key(bytes(raw))
