"""The whole of DNS-01: records written where they are looked for, and taken away again."""

import pytest

from certwright.model.errors import RejectedError
from certwright.model.metadata import ObjectMetadata
from certwright.model.solving import Proof
from certwright.solvers.dns01.exchange import Nameserver
from certwright.solvers.dns01.propagation import Propagation
from certwright.solvers.dns01.resolver import Resolver
from certwright.solvers.dns01.rfc2136 import RFC2136
from certwright.solvers.dns01.solver import DNS01Solver
from tests.fakes.dns import FakeDNS

SERVER = "192.0.2.1"
# The key authorization of RFC 8555 §8.1's shape, and its digest computed with another tool (openssl and basenc).
KEY_AUTHORIZATION = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.thumbprint"
VALUE = "sDVPWrWxT7TW2IBM0LL6b1r05x3GD7RY3yQKp_lXHFc"


def proof(name: str, key_authorization: str = KEY_AUTHORIZATION) -> Proof:
    certificate = ObjectMetadata("shop", "web", "uid", "1")
    return Proof(certificate=certificate, name=name, token="t", key_authorization=key_authorization)


@pytest.fixture
def world() -> FakeDNS:
    world = FakeDNS()
    world.zone("shop.test", SERVER)
    world.zone("proofs.test", SERVER)
    return world


def solver(world: FakeDNS, *, follows: bool = False) -> DNS01Solver:
    resolver = Resolver([Nameserver(SERVER)], exchange=world)
    provider = RFC2136(SERVER, exchange=world)
    return DNS01Solver(provider, Propagation(resolver, exchange=world), aliases=resolver if follows else None)


async def test_a_proof_is_presented_seen_and_taken_back(world: FakeDNS) -> None:
    dns01 = solver(world)
    assert await dns01.look(proof("www.shop.test")) is not None
    await dns01.present(proof("www.shop.test"))
    assert world.texts(SERVER, "_acme-challenge.www.shop.test") == [VALUE]
    assert await dns01.look(proof("www.shop.test")) is None
    await dns01.clean_up(proof("www.shop.test"))
    assert world.texts(SERVER, "_acme-challenge.www.shop.test") == []


async def test_apex_and_wildcard_share_a_name_and_not_a_value(world: FakeDNS) -> None:
    dns01 = solver(world)
    apex, wildcard = proof("shop.test", "apex"), proof("shop.test", "wildcard")
    await dns01.present(apex)
    await dns01.present(wildcard)
    await dns01.clean_up(apex)
    assert await dns01.look(apex) is not None
    assert await dns01.look(wildcard) is None


async def test_an_alias_is_followed_where_that_is_wanted(world: FakeDNS) -> None:
    world.put(SERVER, "_acme-challenge.www.shop.test", "CNAME", "www.proofs.test.")
    dns01 = solver(world, follows=True)
    await dns01.present(proof("www.shop.test"))
    assert world.texts(SERVER, "www.proofs.test") == [VALUE]
    assert await dns01.look(proof("www.shop.test")) is None
    await dns01.clean_up(proof("www.shop.test"))
    assert world.texts(SERVER, "www.proofs.test") == []


async def test_a_name_that_grows_too_long_is_refused(world: FakeDNS) -> None:
    long = ".".join(["a" * 60] * 4)
    with pytest.raises(RejectedError, match="is no DNS name"):
        await solver(world).present(proof(long))
