"""An Ingress of the operator's own for each challenge."""

import pytest

from certwright.kube import ingress_routes
from certwright.kube.ingress_routes import IngressRoutes
from certwright.kube.route_objects import ResponderService
from certwright.model.errors import IssuerError, TransientError
from certwright.model.resources import HTTP01Ingress
from tests.fakes.api_server import FakeAPIServer
from tests.kube.proofs import make_proof

TEMPLATE = {
    "className": "nginx",
    "ingressTemplate": {
        "metadata": {
            "labels": {"team": "edge", "certwright.io/managed": "no"},
            "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"},
        }
    },
}


@pytest.fixture
def routes(server: FakeAPIServer, service: ResponderService) -> IngressRoutes:
    return IngressRoutes(server=server, service=service, spec=HTTP01Ingress.model_validate(TEMPLATE))


async def test_the_ingress_leads_one_path_of_one_host_to_the_operator(
    server: FakeAPIServer, routes: IngressRoutes
) -> None:
    await routes.ensure(make_proof())

    (name,) = server.names("ingresses", "certwright")
    body = server.body("ingresses", name)
    assert body["spec"] == {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": "a.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/.well-known/acme-challenge/token-1",
                            "pathType": "Exact",
                            "backend": {"service": {"name": "certwright-http01", "port": {"number": 8089}}},
                        }
                    ]
                },
            }
        ],
    }
    assert body["metadata"]["labels"] == {
        "team": "edge",
        "certwright.io/managed": "true",
        "certwright.io/role": "http01-route",
        "certwright.io/certificate-uid": "uid-a",
    }
    assert body["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"], ids=["IPv4", "IPv6"])
async def test_an_address_is_no_host(server: FakeAPIServer, routes: IngressRoutes, address: str) -> None:
    await routes.ensure(make_proof(address))

    (name,) = server.names("ingresses")
    assert "host" not in server.body("ingresses", name)["spec"]["rules"][0]


async def test_two_challenges_of_one_host_stand_side_by_side(server: FakeAPIServer, routes: IngressRoutes) -> None:
    one, two = make_proof(token="token-1"), make_proof(token="token-2", uid="uid-b")
    await routes.ensure(one)
    await routes.ensure(two)
    assert len(server.names("ingresses")) == 2

    await routes.remove(one)

    (name,) = server.names("ingresses")
    assert server.body("ingresses", name)["metadata"]["labels"]["certwright.io/certificate-uid"] == "uid-b"


async def test_everything_may_be_repeated(server: FakeAPIServer, routes: IngressRoutes) -> None:
    await routes.ensure(make_proof())
    version = server.version
    await routes.ensure(make_proof())
    assert server.version == version

    await routes.remove(make_proof())
    await routes.remove(make_proof())
    assert server.names("ingresses") == []


async def test_the_sweep_keeps_what_is_live_and_what_is_not_ours(
    server: FakeAPIServer, routes: IngressRoutes, service: ResponderService
) -> None:
    await routes.ensure(make_proof(uid="uid-a"))
    await routes.ensure(make_proof("b.example.com", uid="uid-b"))
    labels = {"certwright.io/managed": "true", "certwright.io/role": "http01-route"}
    theirs = {"metadata": {"name": "theirs", "labels": labels}}
    await server.create(ingress_routes.ingresses("certwright"), theirs)

    assert await ingress_routes.sweep(server, service, lambda: ["uid-b"]) == 1

    left = server.names("ingresses")
    assert len(left) == 2
    assert "theirs" in left


@pytest.mark.parametrize(
    ("status", "expected"),
    [(0, TransientError), (403, TransientError), (409, TransientError), (422, IssuerError), (500, TransientError)],
    ids=["no answer", "forbidden", "conflict", "invalid", "broken"],
)
async def test_what_is_refused_is_told_to_who_can_act(
    server: FakeAPIServer, routes: IngressRoutes, status: int, expected: type[Exception]
) -> None:
    server.trouble = lambda _method, _path: status

    with pytest.raises(expected, match="Ingress certwright/certwright-http01-"):
        await routes.ensure(make_proof())
