"""Who may ask the CMP server for what, and how its answers are protected: asked by our own client."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import mldsa

from certwright.protocols.cmp import (
    CertificateRequest,
    Confirmed,
    ErrorMessage,
    Interop,
    MACAlgorithm,
    MACProtection,
    Objection,
    Rejection,
    Revoked,
    Settings,
    Unprotected,
)
from certwright.protocols.transport import TimedOut
from e2e.authority import Authority
from e2e.peers.cmp import Answers, CMPServer, Errors, Failure
from e2e.peers.cmp.clients import MakeClient, by_grant, by_pair, by_secret, client_of, make_key, now, serial
from e2e.processes import wait_until
from tests.protocols.cmp.asking import dns_names, enrol, granted, make_csr, make_request


@pytest.fixture(scope="module")
def running() -> Iterator[CMPServer]:
    with CMPServer() as server:
        yield server


@pytest.fixture
def server(running: CMPServer) -> CMPServer:
    """One for all tests, with nothing left of what the last one told it."""
    running.reset()
    return running


@pytest.fixture
async def make_client(server: CMPServer) -> AsyncIterator[MakeClient]:
    async with httpx.AsyncClient() as http:
        yield partial(client_of, server, http)


# Our client, for what OpenSSL 3.0 does not speak.


@pytest.mark.parametrize("operation", ["ir", "cr", "p10cr"])
@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_pbmac1(operation: str, url: str, server: CMPServer, make_client: MakeClient) -> None:
    client = make_client(by_secret(server, MACAlgorithm.PBMAC1), url=getattr(server, url))

    outcome = granted(await enrol(client, operation, make_key()))

    assert serial(outcome.certificate) == server.issued_serials()[-1]
    assert server.exchanges()[-1].protection == "PBMAC1"


async def test_what_is_asked_for_is_copied(server: CMPServer, make_client: MakeClient) -> None:
    server.change(validity=timedelta(days=7))

    outcome = granted(await make_client().ir(make_request(make_key(), "a.test", "b.test", profile="tls")))

    assert dns_names(outcome.certificate) == ["a.test", "b.test"]
    assert outcome.certificate.not_valid_after_utc - now() < timedelta(days=7)
    assert outcome.ca_pubs == tuple(x509.load_pem_x509_certificates(server.ca_certificate.encode()))
    assert server.exchanges()[-1].profile == "tls"


async def test_a_certificate_may_have_no_subject(make_client: MakeClient) -> None:
    key = make_key()
    request = CertificateRequest.from_csr(make_csr(key, common_name=None), key=key)

    assert not granted(await make_client().ir(request)).certificate.subject


async def test_ml_dsa(server: CMPServer, make_client: MakeClient) -> None:
    key = mldsa.MLDSA65PrivateKey.generate()
    first = granted(await enrol(make_client(), "ir", key))

    second = await enrol(make_client(by_grant(first, key)), "kur", key, old=first.certificate)

    assert granted(second).certificate.public_key() == key.public_key()
    assert server.requests()[-1] == "kur kup accepted"


async def test_another_certificate_cannot_be_updated(server: CMPServer, make_client: MakeClient) -> None:
    other = granted(await enrol(make_client(), "ir", make_key()))
    client = make_client(by_pair(server.hierarchy.issue("client")))

    with pytest.raises(Rejection, match="badCertId"):
        await enrol(client, "kur", make_key(), old=other.certificate)


async def test_certificates_of_other_roots_sign_requests() -> None:
    authority = Authority.create("vendor")
    async with httpx.AsyncClient() as http:
        with CMPServer(client_cas=[authority.pem]) as server:
            protection = by_pair(authority.issue("device"))
            client = client_of(server, http, protection)

            assert granted(await enrol(client, "ir", make_key())).certificate


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_a_revoked_certificate_signs_nothing(url: str, server: CMPServer, make_client: MakeClient) -> None:
    key = make_key()
    mine = granted(await enrol(make_client(), "ir", key))
    client = make_client(by_grant(mine, key), url=getattr(server, url))

    assert isinstance(await client.rr(mine.certificate), Revoked)

    assert server.revoked_serials()[-1] == serial(mine.certificate)
    with pytest.raises(ErrorMessage, match="signerNotTrusted"):
        await enrol(client, "cr", make_key())


async def test_an_ra_revokes_once(server: CMPServer, make_client: MakeClient) -> None:
    certificate = granted(await enrol(make_client(), "ir", make_key())).certificate
    client = make_client(by_pair(server.ra_certificate))

    assert isinstance(await client.rr(certificate), Revoked)

    with pytest.raises(Rejection, match="certRevoked"):
        await client.rr(certificate)


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_an_ra_nests_and_nobody_else(url: str, server: CMPServer, make_client: MakeClient) -> None:
    nesting = Settings(registration_authority=by_pair(server.ra_certificate))
    pretending = Settings(registration_authority=by_pair(server.hierarchy.issue("client")))

    outcome = await enrol(make_client(url=getattr(server, url), settings=nesting), "ir", make_key())

    assert granted(outcome).certificate
    assert server.exchanges()[-1].is_nested
    with pytest.raises(ErrorMessage):
        await enrol(make_client(url=getattr(server, url), settings=pretending), "ir", make_key())


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_ra_verified_is_for_an_ra(url: str, server: CMPServer, make_client: MakeClient) -> None:
    request = replace(make_request(make_key()), key=None, is_ra_verified=True)

    outcome = await make_client(by_pair(server.ra_certificate), url=getattr(server, url)).ir(request)

    assert granted(outcome).certificate
    with pytest.raises(Rejection, match="badPOP"):
        await make_client(by_pair(server.hierarchy.issue("client")), url=getattr(server, url)).ir(request)


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_a_certificate_is_refused_after_all(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(implicit_confirm=False)
    client = make_client(url=getattr(server, url))
    outcome = granted(await enrol(client, "ir", make_key()))

    ended = await client.refuse(outcome.transaction, Objection(text="not what was asked for"))

    assert isinstance(ended, Confirmed)
    assert server.rejected_serials()[-1] == serial(outcome.certificate)


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_failures(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(failures={"bad.test": Failure(), "worse.test": Failure("systemUnavail", "later", as_error=True)})
    client = make_client(url=getattr(server, url))

    with pytest.raises(Rejection, match=r"refused.*badCertTemplate"):
        await client.ir(make_request(make_key(), "bad.test"))
    with pytest.raises(ErrorMessage, match=r"later.*systemUnavail"):
        await client.ir(make_request(make_key(), "worse.test"))


async def test_key_updates_can_be_refused(server: CMPServer, make_client: MakeClient) -> None:
    key = make_key()
    mine = granted(await enrol(make_client(), "ir", key))
    server.change(refuse_key_updates=True)

    with pytest.raises(Rejection, match="notAuthorized"):
        await enrol(make_client(by_grant(mine, key)), "kur", make_key(), old=mine.certificate)


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_refusals_can_be_unprotected(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(failures={"bad.test": Failure()}, errors=Errors.UNPROTECTED)
    lenient = Settings(interop=Interop(allow_unprotected_errors=True))

    with pytest.raises(Unprotected):
        await make_client(url=getattr(server, url)).ir(make_request(make_key(), "bad.test"))
    with pytest.raises(Rejection) as refusal:
        await make_client(url=getattr(server, url), settings=lenient).ir(make_request(make_key(), "bad.test"))
    assert not refusal.value.authenticated


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_answers_to_macs_can_be_signed(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(answers=Answers.SIGNED)

    outcome = granted(await enrol(make_client(url=getattr(server, url)), "ir", make_key()))

    assert x509.load_pem_x509_certificate(server.signer.encode()) in outcome.extra_certs


async def test_a_wrong_secret_can_be_told_by_signature(server: CMPServer, make_client: MakeClient) -> None:
    server.change(errors=Errors.SIGNED)

    with pytest.raises(ErrorMessage, match="badMessageCheck"):
        await enrol(make_client(MACProtection(reference=server.reference, secret=b"wrong")), "ir", make_key())


async def test_a_secret_can_be_spent(server: CMPServer, make_client: MakeClient) -> None:
    server.change(more_secrets={"once": "only"}, one_time_secrets=True, implicit_confirm=False)
    client = make_client(MACProtection(reference="once", secret=b"only"))

    outcome = granted(await enrol(client, "ir", make_key()))

    assert isinstance(await client.confirm(outcome.transaction), Confirmed)
    with pytest.raises(ErrorMessage, match="notAuthorized"):
        await enrol(client, "ir", make_key())


async def test_an_algorithm_can_be_refused(server: CMPServer, make_client: MakeClient) -> None:
    server.change(macs=["PBMAC1"])

    with pytest.raises(ErrorMessage, match="notAuthorized"):
        await enrol(make_client(by_secret(server, MACAlgorithm.PBM)), "ir", make_key())


async def test_an_answer_can_be_late(server: CMPServer) -> None:
    """What a client leaves behind that is killed in between: a certificate that nobody heard of."""
    server.change(answer_delay=timedelta(seconds=30))
    issued = len(server.issued_serials())

    async with httpx.AsyncClient(timeout=httpx.Timeout(10, read=0.5)) as impatient:
        client = client_of(server, impatient)
        with pytest.raises(TimedOut):
            await client.ir(make_request(make_key()))

    wait_until(lambda: len(server.issued_serials()) == issued + 1, "the certificate is issued")
