"""Who serves a host: what users' Ingresses and HTTPRoutes of one namespace name."""

from typing import Any

import pytest

from certwright.kube.challenge_routes import ChallengeRouting
from certwright.kube.gateway_routes import routes
from certwright.kube.host_claims import IngressAndRouteClaims
from certwright.kube.ingress_routes import ingresses
from certwright.kube.route_objects import ResponderService
from certwright.model.errors import TransientError
from certwright.model.resources import HTTP01
from tests.fakes.api_server import FakeAPIServer
from tests.kube.proofs import make_proof


def ingress(*hosts: str, name: str = "web", tls: tuple[str, ...] = ()) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [{"host": host} if host else {} for host in hosts]
    return {"metadata": {"name": name}, "spec": {"rules": rules, "tls": [{"hosts": list(tls)}]}}


def route(*hosts: str) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": {"hostnames": list(hosts)} if hosts else {}}


@pytest.mark.parametrize(
    ("made", "host", "expected"),
    [
        pytest.param(ingress("a.example.com"), "a.example.com", ["Ingress web"], id="rule"),
        pytest.param(ingress(tls=("a.example.com",)), "a.example.com", ["Ingress web"], id="tls"),
        pytest.param(ingress("*.example.com"), "a.example.com", ["Ingress web"], id="wildcard"),
        pytest.param(ingress("*.example.com"), "b.a.example.com", [], id="wildcard for one label only"),
        pytest.param(ingress("*.example.com"), "example.com", [], id="wildcard without its apex"),
        pytest.param(ingress("b.example.com"), "a.example.com", [], id="another host"),
        pytest.param(ingress(""), "a.example.com", [], id="catch-all"),
        pytest.param({"metadata": {"name": "web"}}, "a.example.com", [], id="nothing"),
    ],
)
async def test_what_ingresses_claim(
    server: FakeAPIServer, made: dict[str, Any], host: str, expected: list[str]
) -> None:
    await server.create(ingresses("shop"), made)

    assert expected == await IngressAndRouteClaims(server).claimants("shop", host)
    assert await IngressAndRouteClaims(server).claimants("blog", host) == []


@pytest.mark.parametrize(
    ("made", "host", "expected"),
    [
        pytest.param(route("a.example.com"), "a.example.com", ["HTTPRoute web"], id="hostname"),
        pytest.param(route("*.example.com"), "a.example.com", ["HTTPRoute web"], id="wildcard"),
        pytest.param(route("*.example.com"), "b.a.example.com", ["HTTPRoute web"], id="wildcard for many labels"),
        pytest.param(route("*.example.com"), "example.com", [], id="wildcard without its apex"),
        pytest.param(route("*.example.com"), "badexample.com", [], id="another domain"),
        pytest.param(route(), "a.example.com", [], id="every host of the listener"),
    ],
)
async def test_what_routes_claim(server: FakeAPIServer, made: dict[str, Any], host: str, expected: list[str]) -> None:
    await server.create(routes("shop"), made)

    assert expected == await IngressAndRouteClaims(server).claimants("shop", host)


async def test_all_claimants_are_named(server: FakeAPIServer) -> None:
    await server.create(ingresses("shop"), ingress("a.example.com", name="one"))
    await server.create(ingresses("shop"), ingress("*.example.com", name="two"))
    await server.create(routes("shop"), route("a.example.com"))

    claimants = await IngressAndRouteClaims(server).claimants("shop", "a.example.com")

    assert claimants == ["Ingress one", "Ingress two", "HTTPRoute web"]


async def test_without_the_gateway_api_ingresses_count() -> None:
    server = FakeAPIServer()
    await server.create(ingresses("shop"), ingress("a.example.com"))

    assert await IngressAndRouteClaims(server).claimants("shop", "a.example.com") == ["Ingress web"]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"ingress": {}}, id="ingress"),
        pytest.param({"ingress": {"name": "web"}}, id="named ingress"),
        pytest.param({"gateway": {"parentRefs": [{"name": "edge"}]}}, id="gateway"),
    ],
)
@pytest.mark.parametrize("namespace", ["shop", "certwright"], ids=["a tenant's", "the operator's"])
async def test_what_was_made_for_a_challenge_claims_nothing(
    server: FakeAPIServer, service: ResponderService, spec: dict[str, Any], namespace: str
) -> None:
    await server.create(ingresses("shop"), ingress("other.example.com"))
    made = ChallengeRouting(server, service).of(HTTP01.model_validate(spec), is_trusted=False)
    assert made is not None
    await made.ensure(make_proof())

    assert await IngressAndRouteClaims(server).claimants(namespace, "a.example.com") == []


async def test_a_silent_api_server_is_transient(server: FakeAPIServer) -> None:
    server.trouble = lambda _method, _path: 503

    with pytest.raises(TransientError, match="Ingresses of namespace shop"):
        await IngressAndRouteClaims(server).claimants("shop", "a.example.com")
