"""An HTTPRoute for each challenge, and one ReferenceGrant for all of a namespace."""

import asyncio

import pytest

from certwright.kube import gateway_routes
from certwright.kube.gateway_routes import GatewayRoutes, ReferenceGrants
from certwright.kube.route_objects import ResponderService
from certwright.model.errors import IssuerError, TransientError
from certwright.model.resources import HTTP01Gateway
from tests.fakes.api_server import FakeAPIServer
from tests.kube.proofs import make_proof

SPEC = HTTP01Gateway.model_validate(
    {"parentRefs": [{"name": "edge", "namespace": "gateways", "sectionName": "http"}], "labels": {"team": "edge"}}
)


@pytest.fixture
def grants(server: FakeAPIServer, service: ResponderService) -> ReferenceGrants:
    return ReferenceGrants(server, service)


@pytest.fixture
def routes(server: FakeAPIServer, service: ResponderService, grants: ReferenceGrants) -> GatewayRoutes:
    return GatewayRoutes(server=server, service=service, spec=SPEC, grants=grants)


async def test_the_route_leads_one_path_of_one_host_to_the_operator(
    server: FakeAPIServer, routes: GatewayRoutes
) -> None:
    await routes.ensure(make_proof())

    (name,) = server.names("httproutes", "shop")
    body = server.body("httproutes", name)
    assert body["spec"] == {
        "parentRefs": [{"name": "edge", "namespace": "gateways", "sectionName": "http"}],
        "hostnames": ["a.example.com"],
        "rules": [
            {
                "matches": [{"path": {"type": "Exact", "value": "/.well-known/acme-challenge/token-1"}}],
                "backendRefs": [
                    {"kind": "Service", "name": "certwright-http01", "namespace": "certwright", "port": 8089}
                ],
            }
        ],
    }
    assert body["metadata"]["labels"]["team"] == "edge"
    assert body["metadata"]["labels"]["certwright.io/certificate-uid"] == "uid-a"


async def test_the_grant_is_for_the_routes_of_that_namespace_and_our_service(
    server: FakeAPIServer, routes: GatewayRoutes
) -> None:
    await routes.ensure(make_proof())

    assert server.names("referencegrants", "certwright") == ["certwright-http01-shop"]
    assert server.body("referencegrants", "certwright-http01-shop")["spec"] == {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}],
        "to": [{"group": "", "kind": "Service", "name": "certwright-http01"}],
    }


async def test_an_address_is_no_hostname(server: FakeAPIServer, routes: GatewayRoutes) -> None:
    await routes.ensure(make_proof("192.0.2.7"))

    (name,) = server.names("httproutes")
    assert "hostnames" not in server.body("httproutes", name)["spec"]


async def test_the_operators_own_namespace_needs_no_grant(server: FakeAPIServer, routes: GatewayRoutes) -> None:
    await routes.ensure(make_proof(at="certwright"))
    assert server.names("referencegrants") == []

    await routes.remove(make_proof(at="certwright"))
    assert server.names("httproutes") == []


async def test_the_grant_goes_with_the_last_route_of_its_namespace(
    server: FakeAPIServer, routes: GatewayRoutes
) -> None:
    here, too, there = make_proof(), make_proof(token="token-2"), make_proof(token="token-3", at="blog")
    for each in (here, too, there):
        await routes.ensure(each)

    await routes.remove(here)
    assert len(server.names("referencegrants")) == 2
    await routes.remove(too)

    assert server.names("referencegrants") == ["certwright-http01-blog"]
    assert server.names("httproutes") == server.names("httproutes", "blog")


async def test_a_grant_stays_while_a_route_from_before_the_restart_is_there(
    server: FakeAPIServer, routes: GatewayRoutes, service: ResponderService
) -> None:
    await routes.ensure(make_proof())
    after = GatewayRoutes(server=server, service=service, spec=SPEC, grants=ReferenceGrants(server, service))
    await after.ensure(make_proof(token="token-2"))

    await after.remove(make_proof(token="token-2"))
    assert server.names("referencegrants") == ["certwright-http01-shop"]

    await after.remove(make_proof())
    assert server.names("referencegrants") == []


async def test_everything_may_be_repeated(server: FakeAPIServer, routes: GatewayRoutes) -> None:
    await routes.ensure(make_proof())
    version = server.version
    await routes.ensure(make_proof())
    assert server.version == version

    await routes.remove(make_proof())
    await routes.remove(make_proof())
    assert server.names("httproutes") + server.names("referencegrants") == []


async def test_a_deleted_grant_is_made_again_when_the_proof_is_presented_again(
    server: FakeAPIServer, routes: GatewayRoutes
) -> None:
    await routes.ensure(make_proof())
    await server.delete(gateway_routes.grants("certwright", "certwright-http01-shop"))

    await routes.ensure(make_proof())

    assert server.names("referencegrants") == ["certwright-http01-shop"]


async def test_many_at_once_come_and_go_in_any_order(server: FakeAPIServer, routes: GatewayRoutes) -> None:
    first = [make_proof(token=f"first-{number}") for number in range(10)]
    second = [make_proof(token=f"second-{number}") for number in range(10)]
    await asyncio.gather(*(routes.ensure(each) for each in first))

    await asyncio.gather(*(routes.remove(each) for each in first), *(routes.ensure(each) for each in second))
    assert len(server.names("httproutes")) == 10
    assert server.names("referencegrants") == ["certwright-http01-shop"]

    await asyncio.gather(*(routes.remove(each) for each in second))
    assert server.names("referencegrants") == []


async def test_without_the_gateway_api_the_issuers_author_is_told_what_to_install(
    service: ResponderService,
) -> None:
    plain = FakeAPIServer()
    routes = GatewayRoutes(server=plain, service=service, spec=SPEC, grants=ReferenceGrants(plain, service))

    with pytest.raises(IssuerError, match="install the standard channel's CRDs"):
        await routes.ensure(make_proof())
    await routes.remove(make_proof())


async def test_a_silent_api_server_is_transient(server: FakeAPIServer, routes: GatewayRoutes) -> None:
    server.trouble = lambda _method, path: 0 if "httproutes" in path else None

    with pytest.raises(TransientError, match="HTTPRoute shop/"):
        await routes.ensure(make_proof())


async def test_the_sweep_deletes_routes_and_grants_that_nobody_needs(
    server: FakeAPIServer, routes: GatewayRoutes, service: ResponderService
) -> None:
    await routes.ensure(make_proof(uid="uid-a"))
    await routes.ensure(make_proof(token="token-2", uid="uid-b", at="blog"))
    await routes.ensure(make_proof(token="token-3", uid="uid-b", at="docs"))
    (orphan,) = server.names("httproutes", "docs")
    await server.delete(gateway_routes.routes("docs", orphan))
    after = ReferenceGrants(server, service)

    assert await gateway_routes.sweep(server, after, [""], lambda: ["uid-b"]) == 1

    assert server.names("httproutes") == server.names("httproutes", "blog")
    assert server.names("referencegrants") == ["certwright-http01-blog"]
