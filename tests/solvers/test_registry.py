"""From an issuer's settings to solvers."""

from typing import Any

import pytest

from certwright.model.errors import IssuerError
from certwright.model.metadata import ObjectMetadata
from certwright.model.reasons import Reason
from certwright.model.resources import Solver, TSIGAlgorithm
from certwright.model.resources.acme_dns01 import PROVIDERS
from certwright.model.solving import ChallengeType, Proof
from certwright.protocols.transport import LOCAL_NETWORKS, AddressPolicy
from certwright.solvers.dns01.exchange import Nameserver
from certwright.solvers.dns01.resolver import Resolver
from certwright.solvers.dns01.rfc2136 import TSIGKey
from certwright.solvers.registry import SecretReference, Surroundings, not_implemented, secrets_of, solver_for
from tests.fakes.dns import FakeDNS, absolute
from tests.solvers.http01.conftest import FakeBoard, looking_at

SERVER = "192.0.2.1"
SECRET = b"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
SIGNED = {"nameserver": SERVER, "tsigKeyName": "certwright", "tsigSecretSecretRef": {"name": "tsig"}}
PROOF = Proof(
    certificate=ObjectMetadata("shop", "web", "uid", "1"), name="www.shop.test", token="t", key_authorization="t.k"
)


def entry(**way: Any) -> Solver:
    return Solver.model_validate(way)


@pytest.fixture
def world() -> FakeDNS:
    world = FakeDNS()
    world.zone("shop.test", SERVER)
    return world


@pytest.fixture
def surroundings(world: FakeDNS) -> Surroundings:
    return Surroundings(
        board=FakeBoard(),
        self_check=looking_at({}),
        resolver=Resolver([Nameserver(SERVER)], exchange=world),
        addresses=AddressPolicy(denied=LOCAL_NETWORKS),
        exchange=world,
    )


async def test_an_update_solver_works_with_its_secret(world: FakeDNS, surroundings: Surroundings) -> None:
    key = TSIGKey.parse("certwright", SECRET, algorithm=TSIGAlgorithm.HMAC_SHA256)
    world.keys = {absolute("certwright"): key.for_dnspython()}
    spec = entry(dns01={"rfc2136": SIGNED})
    assert secrets_of(spec) == (SecretReference("tsig", "tsig-secret"),)
    solver = solver_for(spec, surroundings, secrets={SecretReference("tsig", "tsig-secret"): SECRET})
    await solver.present(PROOF)
    assert solver.challenge_type is ChallengeType.DNS_01
    assert await solver.look(PROOF) is None


async def test_http_needs_no_secret(surroundings: Surroundings) -> None:
    spec = entry(http01={"direct": {}})
    assert secrets_of(spec) == ()
    assert solver_for(spec, surroundings).challenge_type is ChallengeType.HTTP_01


def test_a_missing_secret_is_told(surroundings: Surroundings) -> None:
    with pytest.raises(IssuerError, match="TSIG key certwright cannot be used"):
        solver_for(entry(dns01={"rfc2136": SIGNED}), surroundings)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        pytest.param({"rfc2136": {"nameserver": "ns1:dns"}}, r"rfc2136\.nameserver is ns1:dns", id="nameserver"),
        pytest.param(
            {"rfc2136": {"nameserver": "ns1"}, "nameservers": ["ns1.shop.test:53"]}, "write an address", id="resolver"
        ),
    ],
)
def test_an_address_that_is_none_is_told(surroundings: Surroundings, settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(IssuerError, match=complaint) as caught:
        solver_for(entry(dns01=settings), surroundings)
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


async def test_a_tenants_nameserver_may_not_be_just_anywhere(surroundings: Surroundings, world: FakeDNS) -> None:
    solver = solver_for(entry(dns01={"rfc2136": {"nameserver": "127.0.0.1:10053"}}), surroundings)
    with pytest.raises(Exception, match="may not be asked from here"):
        await solver.present(PROOF)
    assert world.asked == []


async def test_a_solvers_own_nameservers_are_asked_instead_of_the_operators(
    surroundings: Surroundings, world: FakeDNS
) -> None:
    world.zone("shop.test", SERVER)
    world.records["192.0.2.99"], world.zones["192.0.2.99"] = world.records[SERVER], world.zones[SERVER]
    settings = {"rfc2136": {"nameserver": SERVER}, "nameservers": ["192.0.2.99"], "cnameStrategy": "Follow"}
    await solver_for(entry(dns01=settings), surroundings).present(PROOF)
    assert ("192.0.2.99", "_acme-challenge.www.shop.test. IN CNAME") in world.asked


async def test_a_fixed_wait_asks_nobody(surroundings: Surroundings, world: FakeDNS) -> None:
    settings = {"rfc2136": {"nameserver": SERVER}, "propagation": {"wait": "1m"}}
    verdict = await solver_for(entry(dns01=settings), surroundings).look(PROOF)
    assert verdict is not None
    assert world.asked == []


UNAVAILABLE = [name for name in PROVIDERS if name != "rfc2136"]
SETTINGS: dict[str, dict[str, Any]] = {
    "webhook": {"groupName": "g", "solverName": "s"},
    "acmeDNS": {"host": "https://dns.test", "accountSecretRef": {"name": "a"}},
    "akamai": {
        "serviceConsumerDomain": "a",
        "clientTokenSecretRef": {"name": "a"},
        "clientSecretSecretRef": {"name": "a"},
        "accessTokenSecretRef": {"name": "a"},
    },
    "azureDNS": {"subscriptionID": "s", "resourceGroupName": "r"},
    "cloudDNS": {"project": "p"},
    "cloudflare": {"apiTokenSecretRef": {"name": "a"}},
    "digitalocean": {"tokenSecretRef": {"name": "a"}},
    "route53": {},
}


@pytest.mark.parametrize("provider", UNAVAILABLE)
async def test_a_provider_that_is_not_there_yet_says_so_by_name(surroundings: Surroundings, provider: str) -> None:
    spec = entry(dns01={provider: SETTINGS[provider], "cnameStrategy": "Follow"})
    assert not_implemented([spec, spec]) == (f"dns01.{provider}",)
    solver = solver_for(spec, surroundings)
    with pytest.raises(IssuerError, match=rf"cannot prove www\.shop\.test by dns01\.{provider} yet") as caught:
        await solver.present(PROOF)
    assert caught.value.reason is Reason.NOT_IMPLEMENTED
    await solver.clean_up(PROOF)


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        pytest.param("tlsALPN01", ChallengeType.HTTP_01, id="TLS-ALPN-01"),
        pytest.param("dnsPersist01", ChallengeType.DNS_01, id="DNS-PERSIST-01"),
    ],
)
def test_a_way_that_is_not_there_yet_says_so(surroundings: Surroundings, way: str, kind: ChallengeType) -> None:
    spec = entry(**{way: {}})
    assert not_implemented([spec, entry(http01={"direct": {}})]) == (way,)
    assert solver_for(spec, surroundings).challenge_type is kind
