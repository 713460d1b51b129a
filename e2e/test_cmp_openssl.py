"""protocols.cmp against OpenSSL's CMP server: messages, protection and polling, judged by somebody else's code."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certwright.protocols.cmp import (
    CertificateRequest,
    CMPClient,
    Confirmed,
    ErrorMessage,
    FailInfo,
    GeneralAnswer,
    Granted,
    Interop,
    MACProtection,
    Objection,
    PKIStatus,
    Rejection,
    Revoked,
    Settings,
    SignatureProtection,
    Trust,
    Unprotected,
    Waiting,
    WrongKey,
    ask_ca_certs,
)
from e2e.peers.openssl_cmp import REFERENCE, SECRET, Files, KeptConnection, OpenSSLServer, find_openssl
from tests.fakes.cmp import Pair

MAC = MACProtection(reference=REFERENCE, secret=SECRET.encode())
LENIENT = Settings(interop=Interop(allow_unprotected_errors=True))


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def openssl() -> str:
    return find_openssl()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files.write(tmp_path_factory.mktemp("openssl"))


Serve = Callable[..., str]


@pytest.fixture
def serve(openssl: str, files: Files) -> Iterator[Serve]:
    """Starts a server by MAC unless told otherwise, and gives its URL."""
    with ExitStack() as stack:

        def start(*flags: str, signs: bool = False) -> str:
            by_signature = ("-srv_cert", str(files.server_cert), "-srv_key", str(files.server_key))
            by_mac = ("-srv_ref", REFERENCE, "-srv_secret", f"pass:{SECRET}")
            server = OpenSSLServer(openssl, files, (*(by_signature if signs else by_mac), *flags))
            server.start(stack)
            return server.url

        yield start


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=KeptConnection()) as http:
        yield http


MakeClient = Callable[..., CMPClient]


@pytest.fixture
def make_client(http: httpx.AsyncClient, files: Files) -> MakeClient:
    def make(url: str, protection: Any = MAC, settings: Settings | None = None) -> CMPClient:
        trust = Trust((files.authority.root.certificate,))
        return CMPClient(url, http=http, clock=now, protection=protection, trust=trust, settings=settings)

    return make


def by_certificate(pair: Pair, **more: Any) -> SignatureProtection:
    return SignatureProtection(key=pair.key, certificate=pair.certificate, chain=pair.chain, **more)


def csr(key: Any) -> x509.CertificateSigningRequest:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "new")])
    names = x509.SubjectAlternativeName([x509.DNSName("a.test")])
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(names, critical=False)
        .sign(key, digest)
    )


async def enrol(client: CMPClient, operation: str, pair: Pair) -> Granted | Waiting:
    request = CertificateRequest.from_csr(csr(pair.key), key=pair.key)
    match operation:
        case "p10cr":
            return await client.p10cr(csr(pair.key))
        case "kur":
            return await client.kur(request, old=pair.certificate)
        case "cr":
            return await client.cr(request)
    return await client.ir(request)


@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr"])
async def test_an_enrolment_by_mac(operation: str, serve: Serve, make_client: MakeClient, files: Files) -> None:
    client = make_client(serve())

    granted = await enrol(client, operation, files.new)

    assert isinstance(granted, Granted)
    granted.require_key(files.new.key.public_key())
    assert granted.certificate == files.new.certificate
    assert granted.chain == (files.authority.issuing.certificate, *granted.ca_pubs)
    assert isinstance(await client.confirm(granted.transaction), Confirmed)


@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr", "kur"])
async def test_an_enrolment_by_signature(operation: str, serve: Serve, make_client: MakeClient, files: Files) -> None:
    client = make_client(serve(signs=True), by_certificate(files.new if operation == "kur" else files.old))

    granted = await enrol(client, operation, files.new)

    assert isinstance(granted, Granted)
    assert isinstance(await client.confirm(granted.transaction), Confirmed)


@pytest.mark.parametrize("kind", ["RSA", "RSA-PSS", "P-384", "Ed25519"])
async def test_every_key_that_it_knows_protects(kind: str, serve: Serve, make_client: MakeClient, files: Files) -> None:
    keys: dict[str, Callable[[], Any]] = {
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    key = keys.get(kind, lambda: rsa.generate_private_key(65537, 2048))()
    device = by_certificate(files.authority.pair("device", key=key), use_pss=kind == "RSA-PSS")

    assert isinstance(await enrol(make_client(serve(signs=True), device), "cr", files.new), Granted)


@pytest.mark.parametrize("operation", ["ir", "p10cr"])
async def test_polling(operation: str, serve: Serve, make_client: MakeClient, files: Files) -> None:
    client = make_client(serve("-poll_count", "2", "-check_after", "7"))

    first = await enrol(client, operation, files.new)
    assert isinstance(first, Waiting)
    second = await client.poll(first.transaction)
    assert isinstance(second, Waiting)
    assert second.check_after == timedelta(seconds=7)
    granted = await client.poll(second.transaction)

    assert isinstance(granted, Granted)
    assert isinstance(await client.confirm(granted.transaction), Confirmed)


async def test_implicit_confirmation(serve: Serve, make_client: MakeClient, files: Files) -> None:
    granted = await enrol(make_client(serve("-grant_implicitconf")), "ir", files.new)

    assert isinstance(granted, Granted)
    assert not granted.needs_confirmation


async def test_a_certificate_for_another_key_is_refused(serve: Serve, make_client: MakeClient, files: Files) -> None:
    client = make_client(serve())

    granted = await enrol(client, "ir", files.old)

    assert isinstance(granted, Granted)
    with pytest.raises(WrongKey):
        granted.require_key(files.old.key.public_key())
    assert isinstance(await client.refuse(granted.transaction, Objection(text="another key")), Confirmed)


@pytest.mark.parametrize("reason", [x509.ReasonFlags.unspecified, x509.ReasonFlags.superseded])
async def test_a_revocation(reason: x509.ReasonFlags, serve: Serve, make_client: MakeClient, files: Files) -> None:
    client = make_client(serve(signs=True), by_certificate(files.new))

    assert isinstance(await client.rr(files.new.certificate, reason=reason), Revoked)


async def test_a_general_message_is_answered_with_its_own_types(serve: Serve, make_client: MakeClient) -> None:
    assert isinstance(await make_client(serve()).genm([ask_ca_certs()]), GeneralAnswer)


async def test_a_rejection(serve: Serve, make_client: MakeClient, files: Files) -> None:
    url = serve("-pkistatus", "2", "-failurebits", "524290", "-statusstring", "not today")

    with pytest.raises(Rejection, match="not today") as refused:
        await enrol(make_client(url), "ir", files.new)

    assert refused.value.authenticated
    assert refused.value.status.status is PKIStatus.REJECTION
    assert refused.value.status.fail_info == (FailInfo.BAD_MESSAGE_CHECK, FailInfo.BAD_CERT_TEMPLATE)


async def test_an_error_message(serve: Serve, make_client: MakeClient, files: Files) -> None:
    with pytest.raises(ErrorMessage) as refused:
        await enrol(make_client(serve("-send_error")), "ir", files.new)

    assert refused.value.authenticated
    assert refused.value.details


async def test_an_unprotected_error_is_shown_to_who_wants_it(
    serve: Serve, make_client: MakeClient, files: Files
) -> None:
    url = serve("-send_error", "-send_unprot_err")

    with pytest.raises(Unprotected):
        await enrol(make_client(url), "ir", files.new)
    with pytest.raises(ErrorMessage) as refused:
        await enrol(make_client(url, settings=LENIENT), "ir", files.new)

    assert not refused.value.authenticated


async def test_an_unprotected_grant_is_refused(serve: Serve, make_client: MakeClient, files: Files) -> None:
    with pytest.raises(Unprotected):
        await enrol(make_client(serve("-send_unprotected"), settings=LENIENT), "ir", files.new)
