"""Requests that are tied to their TLS connection (RFC 7030 §3.5), at a server in memory that verifies the tie.

The server is tests.fakes.est; what OpenSSL says about real connections is in test_connections.
"""

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.est import (
    CSRAttributes,
    Deferred,
    Enrolled,
    ESTClient,
    NoChannelBinding,
    Operation,
    Refused,
)
from tests.fakes.est import FakeESTServer
from tests.protocols.est.conftest import Connect
from tests.protocols.est.csrs import csr

CHALLENGE_PASSWORD = x509.ObjectIdentifier("1.2.840.113549.1.9.7")
ASKS_FOR_IT = bytes.fromhex("300b06092a864886f70d010907")


async def test_the_request_holds_the_binding_of_its_connection(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.requires_binding, server.csrattrs = True, ASKS_FOR_IT
    told: list[CSRAttributes | None] = []

    async def build(password: str, attributes: CSRAttributes | None) -> bytes:
        told.append(attributes)
        return csr(key, password=password)

    assert isinstance(await client.bound_enrol(Operation.SIMPLEENROLL, build), Enrolled)
    assert [attributes.wants_challenge_password for attributes in told if attributes is not None] == [True]
    assert server.requests == ["GET /.well-known/est/csrattrs", "POST /.well-known/est/simpleenroll"]


async def test_a_deferred_one_is_built_anew_with_the_same_key(
    connect: Connect, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.requires_binding, server.deferrals = True, 1
    first, second = connect(), connect()

    def build(password: str, _: CSRAttributes | None) -> bytes:
        return csr(key, password=password)

    assert isinstance(await first.bound_enrol(Operation.SIMPLEENROLL, build), Deferred)
    assert isinstance(await second.bound_enrol(Operation.SIMPLEENROLL, build), Enrolled)
    sent = [x509.load_der_x509_csr(each) for each in server.received]
    passwords = {each.attributes.get_attribute_for_oid(CHALLENGE_PASSWORD).value for each in sent}
    assert len(passwords) == 2
    assert all(each.public_key() == key.public_key() for each in sent)


async def test_without_it_a_server_that_wants_it_refuses(
    client: ESTClient, server: FakeESTServer, key: ec.EllipticCurvePrivateKey
) -> None:
    server.requires_binding = True
    with pytest.raises(Refused, match="linking of identity and POP"):
        await client.simpleenroll(csr(key))


async def test_tls_1_3_has_none(client: ESTClient, server: FakeESTServer) -> None:
    server.tls_version = "TLSv1.3"
    async with server.opener().open(anchors=None) as http:
        bound = ESTClient(client.url, http=http, clock=server.clock)
        with pytest.raises(NoChannelBinding, match=r"TLS 1\.3"):
            await bound.bound_enrol(Operation.SIMPLEENROLL, lambda _password, _attributes: b"")
    assert server.requests == ["GET /.well-known/est/csrattrs"]


async def test_without_tls_there_is_none(server: FakeESTServer) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(204))) as http:
        with pytest.raises(NoChannelBinding, match="TLS connection of its own"):
            await ESTClient("https://est.test", http=http, clock=server.clock).bound_enrol(
                Operation.SIMPLEENROLL, lambda _password, _attributes: b""
            )
