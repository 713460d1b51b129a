"""What the CMP server does beside plain enrolments, and what its RA component does not do."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from certwright.protocols.cmp import (
    CertificateRequest,
    Confirmed,
    CRLStatus,
    ErrorMessage,
    Objection,
    Rejection,
    Revoked,
    Waiting,
    ask_ca_certs,
    ask_cert_req_template,
    ask_crls,
    ask_root_ca_update,
    read_ca_certs,
    read_cert_req_template,
    read_crls,
    read_root_ca_update,
)
from e2e.peers.cmp import CMPServer
from e2e.peers.cmp.clients import MakeClient, by_grant, by_pair, client_of, make_key, now, polled, serial
from tests.protocols.cmp.asking import enrol, granted, make_csr, make_request, waiting

AGREES = ("digital_signature", "key_agreement")


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


# General messages.


async def test_ca_certificates_and_the_template(server: CMPServer, make_client: MakeClient) -> None:
    client = make_client()

    certificates = read_ca_certs(granted_answer(await client.genm([ask_ca_certs()])))
    template = read_cert_req_template(granted_answer(await client.genm([ask_cert_req_template()])))

    assert certificates == tuple(x509.load_pem_x509_certificates(server.hierarchy.chain.encode()))
    assert template is not None
    assert template.rsa_key_length == 3072

    server.change(request_template=b"")
    assert read_cert_req_template(granted_answer(await client.genm([ask_cert_req_template()]))) is None


async def test_the_root_that_follows(server: CMPServer, make_client: MakeClient) -> None:
    (root,) = x509.load_pem_x509_certificates(server.ca_certificate.encode())
    assert read_root_ca_update(granted_answer(await make_client().genm([ask_root_ca_update(root)]))) is None
    rollover = server.hierarchy.roll_over()
    server.change(rollover=rollover)

    update = read_root_ca_update(granted_answer(await make_client().genm([ask_root_ca_update(root)])))

    assert update is not None
    update.verify(root, now=now())


async def test_the_revocation_list(server: CMPServer, make_client: MakeClient) -> None:
    certificate = granted(await enrol(make_client(), "ir", make_key())).certificate
    await make_client(by_pair(server.ra_certificate)).rr(certificate)
    status = CRLStatus(issuer=certificate.issuer, this_update=None)

    (crl,) = read_crls(granted_answer(await make_client().genm([ask_crls([status])])))

    assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


def granted_answer(outcome: Any) -> Any:
    assert not isinstance(outcome, Waiting)
    return outcome


# Keys made by the authority.


@pytest.mark.parametrize("url", ["url", "ours_url"])
@pytest.mark.parametrize("kind", [make_key(), rsa.generate_private_key(65537, 2048)], ids=["EC", "RSA"])
async def test_a_central_key_for_the_holder_of_a_secret(
    kind: Any, url: str, server: CMPServer, make_client: MakeClient
) -> None:
    request = CertificateRequest.for_central_key(make_csr(kind))

    outcome = granted(await make_client(url=getattr(server, url)).ir(request))

    assert type(outcome.private_key) is type(kind)


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_a_central_key_by_key_agreement(url: str, server: CMPServer, make_client: MakeClient) -> None:
    client = make_client(by_pair(server.hierarchy.issue("client", usages=AGREES)), url=getattr(server, url))

    outcome = granted(await client.ir(CertificateRequest.for_central_key(make_csr(make_key()))))

    assert outcome.private_key is not None


async def test_a_central_key_by_key_transport() -> None:
    async with httpx.AsyncClient() as http:
        with CMPServer(rsa_keys=True) as server:
            protection = by_pair(server.hierarchy.issue("client"))
            for url in (server.url, server.ours_url):
                client = client_of(server, http, protection, url=url)

                outcome = granted(await client.ir(CertificateRequest.for_central_key(make_csr(make_key()))))

                assert outcome.private_key is not None


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_central_keys_can_be_refused(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(central_keys=False)

    with pytest.raises(Rejection):
        await make_client(url=getattr(server, url)).ir(CertificateRequest.for_central_key(make_csr(make_key())))


async def test_ours_gives_an_archived_key_back(server: CMPServer, make_client: MakeClient) -> None:
    client = make_client(url=server.ours_url)
    outcome = granted(await client.ir(CertificateRequest.for_central_key(make_csr(make_key()))))
    foreign = granted(await client.ir(make_request(make_key())))

    recovered: Any = await client.krr(outcome.certificate)

    assert recovered.pairs[0].certificate == outcome.certificate
    assert recovered.pairs[0].private_key.public_key() == outcome.certificate.public_key()
    assert server.requests()[-1] == "krr krp accepted"
    with pytest.raises(Rejection, match="badCertId"):
        await client.krr(foreign.certificate)


# Delayed delivery, beyond what OpenSSL's client does.


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_what_waited_is_confirmed(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(polls=1, implicit_confirm=False)
    client = make_client(url=getattr(server, url))

    outcome = granted(await polled(client, waiting(await enrol(client, "cr", make_key()))))

    assert isinstance(await client.confirm(outcome.transaction), Confirmed)
    assert server.confirmed_serials()[-1] == serial(outcome.certificate)


@pytest.mark.parametrize("url", ["url", "ours_url"])
async def test_who_waits_can_be_answered_now(url: str, server: CMPServer, make_client: MakeClient) -> None:
    server.change(polls=1000, check_after=3600)
    asking = make_client(url=getattr(server, url))
    outcome = waiting(await asking.poll(waiting(await enrol(asking, "cr", make_key())).transaction))
    assert outcome.check_after == timedelta(hours=1)

    server.change(polls=0)

    assert granted(await asking.poll(outcome.transaction)).certificate


async def test_ours_polls_for_a_csr_and_a_revocation(server: CMPServer, make_client: MakeClient) -> None:
    """Both are spoken of with certReqId -1."""
    server.change(polls=1)
    key = make_key()
    client = make_client(url=server.ours_url)
    mine = granted(await polled(client, waiting(await enrol(client, "p10cr", key))))
    client = make_client(by_grant(mine, key), url=server.ours_url)

    assert isinstance(await polled(client, waiting(await client.rr(mine.certificate))), Revoked)


# What the RA component does not do, which is why there is an endpoint of ours.


async def test_the_component_recovers_no_keys(make_client: MakeClient) -> None:
    certificate = granted(await enrol(make_client(), "ir", make_key())).certificate

    with pytest.raises(ErrorMessage, match="KEY_RECOVERY_REQ not supported"):
        await make_client().krr(certificate)


async def test_the_component_takes_no_error_messages(server: CMPServer, make_client: MakeClient) -> None:
    server.change(implicit_confirm=False)
    outcome = granted(await enrol(make_client(), "ir", make_key()))

    with pytest.raises(ErrorMessage, match="ERROR not supported"):
        await make_client().error(outcome.transaction, Objection(text="no"))


async def test_the_component_passes_on_certificates_that_sign_and_no_others(make_client: MakeClient) -> None:
    """Its authority has issued it by then."""
    key = make_key()
    usage = x509.KeyUsage(*(position == 4 for position in range(9)))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device-1")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(usage, critical=True)
    request = CertificateRequest.from_csr(csr.sign(key, hashes.SHA256()), key=key)

    with pytest.raises(ErrorMessage, match="could not validate trust chain"):
        await make_client().ir(request)


async def test_the_component_cannot_delay_a_csr(server: CMPServer, make_client: MakeClient) -> None:
    server.change(polls=1)

    with pytest.raises(ErrorMessage, match="not answered by cert response"):
        await enrol(make_client(), "p10cr", make_key())
