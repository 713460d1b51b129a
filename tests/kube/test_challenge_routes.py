"""Which routes a solver gets, and one sweep for all of them."""

from typing import Any

import pytest

from certwright.kube.challenge_routes import ChallengeRouting, cluster_domain
from certwright.kube.ingress_routes import ingresses
from certwright.kube.route_objects import ResponderService
from certwright.model.errors import IssuerError
from certwright.model.resources import HTTP01
from tests.fakes.api_server import FakeAPIServer
from tests.kube.proofs import make_proof

GATEWAY = {"gateway": {"parentRefs": [{"name": "edge"}]}}
TEMPLATE = {"ingress": {"ingressTemplate": {"metadata": {"annotations": {"a": "b"}}}}}


@pytest.fixture
def routing(server: FakeAPIServer, service: ResponderService) -> ChallengeRouting:
    return ChallengeRouting(server, service)


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        pytest.param({"ingress": {"className": "nginx"}}, ["ingresses"], id="ingress"),
        pytest.param({"ingress": {}}, ["ingresses"], id="default class"),
        pytest.param(GATEWAY, ["httproutes", "referencegrants"], id="gateway"),
        pytest.param({"ingress": {"name": "web"}}, ["ingresses", "services"], id="named ingress"),
    ],
)
async def test_a_solver_gets_the_routes_that_it_names(
    server: FakeAPIServer, routing: ChallengeRouting, spec: dict[str, Any], kinds: list[str]
) -> None:
    if "name" in spec.get("ingress", {}):
        await server.create(ingresses("shop"), {"metadata": {"name": "web"}, "spec": {}})
    routes = routing.of(HTTP01.model_validate(spec), is_trusted=False)
    assert routes is not None

    await routes.ensure(make_proof())

    assert sorted({identity[1] for identity in server.objects}) == kinds


def test_direct_needs_no_routes(routing: ChallengeRouting) -> None:
    assert routing.of(HTTP01.model_validate({"direct": {}}), is_trusted=False) is None


def test_a_tenant_annotates_nothing_in_the_operators_namespace(routing: ChallengeRouting) -> None:
    with pytest.raises(IssuerError, match="use a ClusterIssuer"):
        routing.of(HTTP01.model_validate(TEMPLATE), is_trusted=False)


async def test_the_cluster_administrator_does(server: FakeAPIServer, routing: ChallengeRouting) -> None:
    routes = routing.of(HTTP01.model_validate(TEMPLATE), is_trusted=True)
    assert routes is not None

    await routes.ensure(make_proof())

    (name,) = server.names("ingresses")
    assert server.body("ingresses", name)["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize("namespaces", [(), ("shop", "other")], ids=["all namespaces", "some namespaces"])
async def test_one_sweep_finds_everything(
    server: FakeAPIServer, service: ResponderService, namespaces: tuple[str, ...]
) -> None:
    web = {"metadata": {"name": "web"}, "spec": {"ingressClassName": "nginx"}}
    await server.create(ingresses("shop"), web)
    routing = ChallengeRouting(server, service, namespaces=namespaces)
    specs: list[dict[str, Any]] = [{"ingress": {}}, {"ingress": {"name": "web"}}, GATEWAY]
    for spec in specs:
        routes = routing.of(HTTP01.model_validate(spec), is_trusted=False)
        assert routes is not None
        await routes.ensure(make_proof())

    assert await routing.sweep(lambda: ["uid-a"]) == 0
    assert await routing.sweep(list) == 3

    assert [identity[1:] for identity in server.objects] == [("ingresses", "shop", "web")]
    assert server.body("ingresses", "web")["spec"] == {"ingressClassName": "nginx"}


async def test_the_sweep_does_without_the_gateway_api(service: ResponderService) -> None:
    assert await ChallengeRouting(FakeAPIServer(), service).sweep(list) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "search shop.svc.corp.test svc.corp.test corp.test\nnameserver 10.0.0.10\n", "corp.test", id="pod"
        ),
        pytest.param("search svc.corp.test.\n", "corp.test", id="with a dot"),
        pytest.param("search example.com\n", "cluster.local", id="laptop"),
        pytest.param("\n# nothing\n", "cluster.local", id="empty"),
    ],
)
def test_the_cluster_domain_stands_in_the_pods_resolver_configuration(text: str, expected: str) -> None:
    assert expected == cluster_domain(text)
