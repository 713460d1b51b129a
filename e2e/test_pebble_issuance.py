"""pebble and bind9 fit together: a name proved over DNS or HTTP gives one certificate, which pebble counts."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.acme import (
    AccountKey,
    ACMEClient,
    Challenge,
    ChallengeType,
    Identifier,
    IssuedChain,
    Order,
    OrderStatus,
    dns01_name,
    dns01_value,
    http01_path,
)
from e2e.peers import Bind9, Pebble

Prover = Callable[[Challenge, str], Awaitable[None]]


@pytest.fixture
async def client(pebble: Pebble) -> AsyncIterator[ACMEClient]:
    context = ssl.create_default_context(cadata=pebble.trust_anchor)
    async with httpx.AsyncClient(verify=context) as http:
        key = AccountKey(ec.generate_private_key(ec.SECP256R1()))
        client = ACMEClient(pebble.url, key, http=http, clock=lambda: datetime.now(tz=UTC))
        await client.new_account(terms_agreed=True)
        yield client


async def test_a_name_proved_by_a_dns_update(client: ACMEClient, pebble: Pebble, bind9: Bind9) -> None:
    async def prove(_: Challenge, key_authorization: str) -> None:
        await asyncio.to_thread(bind9.add, dns01_name("dns.example.test"), "TXT", f'"{dns01_value(key_authorization)}"')

    await _assert_one_certificate(client, pebble, "dns.example.test", by=ChallengeType.DNS_01, prove=prove)


async def test_a_name_proved_through_a_delegation(client: ACMEClient, pebble: Pebble, bind9: Bind9) -> None:
    bind9.add(dns01_name("far.example.test"), "CNAME", "far.delegated.test.")

    async def prove(_: Challenge, key_authorization: str) -> None:
        await asyncio.to_thread(bind9.add, "far.delegated.test", "TXT", f'"{dns01_value(key_authorization)}"')

    await _assert_one_certificate(client, pebble, "far.example.test", by=ChallengeType.DNS_01, prove=prove)


async def test_a_name_proved_over_http(client: ACMEClient, pebble: Pebble) -> None:
    async with _http_answers(pebble.http_port) as answers:

        async def prove(challenge: Challenge, key_authorization: str) -> None:
            assert challenge.token is not None
            answers[http01_path(challenge.token)] = key_authorization

        await _assert_one_certificate(client, pebble, "http.example.test", by=ChallengeType.HTTP_01, prove=prove)


async def _assert_one_certificate(
    client: ACMEClient,
    pebble: Pebble,
    name: str,
    *,
    by: ChallengeType,
    prove: Prover,
) -> None:
    before, requests = pebble.issued_serials(), pebble.request_count()

    issued = await _issue(client, name, by=by, prove=prove)

    assert [int(serial, 16) for serial in pebble.issued_serials()[len(before) :]] == [issued.leaf.serial_number]
    assert pebble.request_count() - requests >= 6
    assert pebble.certificate_status(pebble.issued_serials()[-1])["Status"] == "Valid"


async def _issue(client: ACMEClient, name: str, *, by: ChallengeType, prove: Prover) -> IssuedChain:
    order = await client.new_order([Identifier.dns(name)], profile="default")
    authorization = await client.get_authorization(order.authorizations[0])
    challenge = next(challenge for challenge in authorization.challenges if challenge.type == by)
    await prove(challenge, client.key.key_authorization(challenge.token or ""))
    await client.respond(challenge)
    order = await _reached(client, order, OrderStatus.READY)
    await client.finalize(order, _csr(name))
    order = await _reached(client, order, OrderStatus.VALID)
    assert order.certificate is not None
    return await client.download(order.certificate)


async def _reached(client: ACMEClient, order: Order, status: OrderStatus) -> Order:
    async with asyncio.timeout(20):
        while order.status is not status:
            assert order.status is not OrderStatus.INVALID, order.error
            await asyncio.sleep(0.05)
            order = await client.get_order(order.url)
    return order


def _csr(name: str) -> x509.CertificateSigningRequest:
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    builder = x509.CertificateSigningRequestBuilder(subject_name=x509.Name([])).add_extension(names, critical=True)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


@contextlib.asynccontextmanager
async def _http_answers(port: int) -> AsyncIterator[dict[str, str]]:
    answers: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=answers[request.path])

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield answers
    finally:
        await runner.cleanup()
