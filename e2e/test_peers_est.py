"""The EST servers answer as certwright's tests need them to."""

import base64
import email
import email.policy
import hashlib
import http.client
import os
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import AttributeOID, NameOID

from e2e.authority import Authority, KeyPair, private_key_pem
from e2e.peers.est import ClientCertificates, ESTServer, Failure, ScriptedESTServer
from e2e.peers.est.endpoint import ESTEndpoint

# The library does not sort the certificates of a set, as DER would have it.
pytestmark = pytest.mark.filterwarnings("ignore:PKCS#7 certificates could not be parsed as DER:UserWarning")

NAME = "www.example.test"
HEADERS = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
PASSWORD = ("alice", "secret")


def _context(server: ESTEndpoint, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=server.trust_anchor)
    if certificate:
        context.load_cert_chain(*certificate)
    return context


def _client(
    server: ESTEndpoint,
    *,
    certificate: tuple[Path, Path] | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Client:
    return httpx.Client(verify=_context(server, certificate), base_url=f"{server.url}/.well-known/est/", auth=auth)


def _csr(name: str = NAME, *, challenge: bytes | None = None) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder()
    builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    if challenge is not None:
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER), key


def _post(client: httpx.Client, operation: str, csr: bytes) -> httpx.Response:
    return client.post(operation, headers=HEADERS, content=base64.encodebytes(csr))


def _certificates(content: str | bytes) -> list[x509.Certificate]:
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(content))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _enrolled(server: ScriptedESTServer, directory: Path) -> tuple[Path, Path]:
    csr, key = _csr()
    with _client(server) as client:
        (issued,) = _certificates(_post(client, "simpleenroll", csr).text)
    return KeyPair(_pem(issued) + server.hierarchy.issuing.pem, private_key_pem(key)).write(directory, "enrolled")


@pytest.mark.parametrize(
    "make",
    [pytest.param(ESTServer, id="the stock server"), pytest.param(ScriptedESTServer, id="the scripted server")],
)
def test_a_server_comes_up_under_its_trust_anchor_and_leaves_nothing(make: Callable[[], ESTEndpoint]) -> None:
    with make() as server, _client(server) as client:
        assert server.request_count() == 0
        certificates = _certificates(client.get("cacerts").text)

        assert server.ca_certificate in {_pem(certificate) for certificate in certificates}
        assert server.requests() == ["GET /.well-known/est/cacerts 200"]
        pid, directory = server.pid, server.log.parent

    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_keeps_its_address_and_its_authority_when_it_comes_back() -> None:
    server = ScriptedESTServer()
    with server:
        before = (server.url, server.trust_anchor)

    with server, _client(server) as client:
        assert (server.url, server.trust_anchor) == before
        assert client.get("cacerts").is_success
        assert server.issued_serials() == []


def test_the_tls_certificate_may_come_from_another_authority() -> None:
    with ScriptedESTServer(https_authority=Authority.create("HTTPS")) as server, _client(server) as client:
        assert server.trust_anchor != server.ca_certificate
        assert client.get("cacerts").is_success


@pytest.mark.parametrize(
    ("name", "status", "retry_after"),
    [
        pytest.param("Trigger Error Forbidden", 403, None, id="forbidden"),
        pytest.param("Trigger Error Deferred", 202, "600", id="deferred"),
        pytest.param("Trigger Error Unknown", 500, None, id="broken"),
    ],
)
def test_a_label_of_the_stock_server_triggers(name: str, status: int, retry_after: str | None) -> None:
    with ESTServer() as server, _client(server) as client:
        answer = _post(client, "triggererrors/simpleenroll", _csr(name)[0])

    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)


def test_the_stock_server_renews_with_a_client_certificate(tmp_path: Path) -> None:
    with ESTServer() as server:
        pair = server.hierarchy.issue(NAME, names=[NAME]).write(tmp_path, "client")
        with _client(server, certificate=pair) as client:
            assert _post(client, "simplereenroll", _csr()[0]).status_code == 200
        with _client(server) as client:
            assert _post(client, "simplereenroll", _csr()[0]).status_code == 403


def test_the_password_is_enforced() -> None:
    with ScriptedESTServer(username="alice", password="secret") as server:
        with _client(server) as client:
            refused = _post(client, "simpleenroll", _csr()[0])
        with _client(server, auth=("alice", "guess")) as client:
            wrong = _post(client, "simpleenroll", _csr()[0])
        with _client(server, auth=PASSWORD) as client:
            accepted = _post(client, "simpleenroll", _csr()[0])

        (issued,) = _certificates(accepted.text)
        assert (refused.status_code, wrong.status_code) == (401, 401)
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        assert [int(serial, 16) for serial in server.issued_serials()] == [issued.serial_number]
        assert (server.request_count(), server.connection_count()) == (3, 3)


def test_the_same_request_waits_and_is_answered() -> None:
    csr, _ = _csr()
    with ScriptedESTServer(deferrals=2, retry_after=7) as server, _client(server) as client:
        answers = [_post(client, "simpleenroll", csr) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [202, 202, 200]
        assert answers[0].headers["Retry-After"] == "7"
        assert server.deferred() == [hashlib.sha256(csr).hexdigest()] * 2
        assert len(server.issued_serials()) == 1


def test_it_changes_its_mind_while_it_runs() -> None:
    with ScriptedESTServer(failures={NAME: Failure(503, "closed", retry_after=9)}) as server, _client(server) as client:
        closed = _post(client, "simpleenroll", _csr("another name")[0])
        server.change(failures={}, validity=timedelta(minutes=5))
        (issued,) = _certificates(_post(client, "simpleenroll", _csr()[0]).text)

    assert (closed.status_code, closed.headers["Retry-After"]) == (503, "9")
    assert closed.text == "503 closed\n"
    assert issued.not_valid_after_utc - issued.not_valid_before_utc == timedelta(minutes=5)


def test_a_certificate_is_issued_before_its_answer_arrives() -> None:
    with ScriptedESTServer(answer_delay=timedelta(minutes=1)) as server, _client(server) as client:
        client.timeout = httpx.Timeout(0.5)
        with pytest.raises(httpx.ReadTimeout):
            _post(client, "simpleenroll", _csr()[0])

        assert len(server.issued_serials()) == 1


def test_renewal_needs_the_certificate_and_can_be_refused(tmp_path: Path) -> None:
    with ScriptedESTServer(username="alice", password="secret") as server:
        server.change(username="")
        pair = _enrolled(server, tmp_path)
        server.change(username="alice")
        with _client(server, certificate=pair) as client:
            assert _post(client, "simplereenroll", _csr()[0]).status_code == 200
            assert _post(client, "simplereenroll", _csr("changed")[0]).status_code == 403
            server.change(refuse_renewals=True)
            assert _post(client, "simplereenroll", _csr()[0]).status_code == 403


@pytest.mark.parametrize("max_tls", ["1.2", "1.3"])
def test_a_client_certificate_can_be_refused_in_the_handshake(max_tls: Literal["1.2", "1.3"], tmp_path: Path) -> None:
    with ScriptedESTServer(max_tls=max_tls) as server:
        pair = _enrolled(server, tmp_path)
        server.change(client_certificates=ClientCertificates.REFUSED)
        with _client(server, certificate=pair) as client, pytest.raises(httpx.TransportError, match=r"(?i)alert"):
            client.get("cacerts")
        with _client(server) as client:
            assert client.get("cacerts").is_success


def test_an_expired_client_certificate_is_refused_in_the_handshake(tmp_path: Path) -> None:
    with ScriptedESTServer() as server:
        pair = server.hierarchy.issue(NAME, validity=timedelta(hours=-1)).write(tmp_path, "expired")
        with _client(server, certificate=pair) as client, pytest.raises(httpx.TransportError, match=r"(?i)alert"):
            client.get("cacerts")


def test_client_certificates_of_another_authority_authenticate(tmp_path: Path) -> None:
    other = Authority.create("manufacturer")
    pair = other.issue("device").write(tmp_path, "device")
    with (
        ScriptedESTServer(username="alice", password="secret", client_cas=[other.pem]) as server,
        _client(server, certificate=pair) as client,
    ):
        assert _post(client, "simpleenroll", _csr()[0]).status_code == 200
        server.change(client_certificates=ClientCertificates.IGNORED)
        with _client(server, certificate=pair) as ignored:
            assert _post(ignored, "simpleenroll", _csr()[0]).status_code == 401


def test_csr_attributes_are_given_as_they_were_set() -> None:
    challenge_password, unknown = "06092a864886f70d010907", "060a2b060104018237140203"
    attributes = bytes.fromhex("3017" + challenge_password + unknown)
    with ScriptedESTServer(csr_attributes=attributes) as server, _client(server) as client:
        assert base64.b64decode(client.get("csrattrs").content) == attributes


def _parts(answer: httpx.Response) -> list[bytes]:
    """The decoded parts of a multipart answer."""
    head = f"Content-Type: {answer.headers['Content-Type']}\n\n".encode()
    message = email.message_from_bytes(head + answer.content, policy=email.policy.default)
    return [part.get_content() for part in message.iter_parts()]


def test_a_key_made_by_the_server_fits_its_certificate() -> None:
    with ScriptedESTServer() as server, _client(server) as client:
        key, certificates = _parts(_post(client, "serverkeygen", _csr()[0]))

    made = serialization.load_der_private_key(key, None)
    (issued,) = pkcs7.load_der_pkcs7_certificates(certificates)
    assert made.public_key() == issued.public_key()


def test_a_root_can_roll_over() -> None:
    with ScriptedESTServer() as server, _client(server) as client:
        rollover = server.hierarchy.roll_over()
        extra = [rollover.new.root.pem, rollover.new_with_old, rollover.old_with_new]
        server.change(extra_ca_certificates=extra)
        published = _certificates(client.get("cacerts").text)

    assert set(extra) < {_pem(certificate) for certificate in published}
    new_with_old = x509.load_pem_x509_certificate(rollover.new_with_old.encode())
    new_with_old.verify_directly_issued_by(server.hierarchy.root.certificate)
    assert new_with_old.public_key() == rollover.new.root.certificate.public_key()


def _bound(connection: http.client.HTTPSConnection, csr: bytes) -> int:
    connection.request("POST", "/.well-known/est/simpleenroll", base64.encodebytes(csr), HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_the_request_can_have_to_be_bound_to_its_connection() -> None:
    with ScriptedESTServer(max_tls="1.2", channel_binding=True) as server:
        host, _, port = server.address.partition(":")
        connection = http.client.HTTPSConnection(host, int(port), context=_context(server))
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        binding = base64.b64encode(connection.sock.get_channel_binding("tls-unique") or b"")

        assert _bound(connection, _csr()[0]) == 403
        assert _bound(connection, _csr(challenge=b"another")[0]) == 403
        assert _bound(connection, _csr(challenge=binding)[0]) == 200
        connection.close()
