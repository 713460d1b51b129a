"""An Ingress of the user's that is edited while a challenge is pending."""

import asyncio
from typing import Any

import pytest

from certwright.kube import named_ingress_routes
from certwright.kube.ingress_routes import ingresses
from certwright.kube.named_ingress_routes import NamedIngressRoutes
from certwright.kube.route_objects import ResponderService, Turns
from certwright.model.errors import TransientError
from certwright.model.reasons import Reason
from tests.fakes.api_server import FakeAPIServer
from tests.kube.proofs import make_proof

WEB: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "labels": {"app": "shop"}, "annotations": {"note": "kept"}},
    "spec": {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["a.example.com"], "secretName": "web"}],
        "rules": [
            {
                "host": "a.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "shop", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    },
}


@pytest.fixture
async def server(server: FakeAPIServer) -> FakeAPIServer:
    await server.create(ingresses("shop"), WEB)
    return server


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def routes(server: FakeAPIServer, service: ResponderService, turns: Turns) -> NamedIngressRoutes:
    return NamedIngressRoutes(server=server, service=service, name="web", turns=turns)


def paths(server: FakeAPIServer) -> list[str]:
    return [each["path"] for each in server.body("ingresses", "web")["spec"]["rules"][0]["http"]["paths"]]


def is_as_before(server: FakeAPIServer) -> bool:
    body = server.body("ingresses", "web")
    names = ("labels", "annotations")
    return body["spec"] == WEB["spec"] and all(body["metadata"][name] == WEB["metadata"][name] for name in names)


async def test_the_path_leads_to_a_service_that_stands_for_the_operators(
    server: FakeAPIServer, routes: NamedIngressRoutes
) -> None:
    await routes.ensure(make_proof())

    assert paths(server) == ["/.well-known/acme-challenge/token-1", "/"]
    added = server.body("ingresses", "web")["spec"]["rules"][0]["http"]["paths"][0]
    service = server.body("services", added["backend"]["service"]["name"])
    assert service["spec"]["type"] == "ExternalName"
    assert service["spec"]["externalName"] == "certwright-http01.certwright.svc.cluster.local"
    assert service["metadata"]["labels"]["certwright.io/certificate-uid"] == "uid-a"
    assert service["metadata"]["namespace"] == "shop"


async def test_afterwards_everything_is_as_before(server: FakeAPIServer, routes: NamedIngressRoutes) -> None:
    await routes.ensure(make_proof())
    await routes.remove(make_proof())

    assert is_as_before(server)
    assert server.names("services") == []


async def test_everything_may_be_repeated(server: FakeAPIServer, routes: NamedIngressRoutes) -> None:
    await routes.ensure(make_proof())
    version = server.version
    await routes.ensure(make_proof())
    assert server.version == version

    await routes.remove(make_proof())
    version = server.version
    await routes.remove(make_proof())
    assert server.version == version


async def test_challenges_of_one_ingress_wait_for_each_other(server: FakeAPIServer, routes: NamedIngressRoutes) -> None:
    proofs = [make_proof(token=f"token-{number}") for number in range(20)]

    await asyncio.gather(*(routes.ensure(each) for each in proofs))
    assert len(paths(server)) == 21

    await asyncio.gather(*(routes.remove(each) for each in proofs))
    assert is_as_before(server)


async def test_an_edit_of_somebody_else_is_not_lost(server: FakeAPIServer, routes: NamedIngressRoutes) -> None:
    meddled: list[str] = []

    def meddle(method: str, path: str) -> None:
        if method == "PUT" and len(meddled) < 2:
            meddled.append(path)
            stored = next(each for key, each in server.objects.items() if key[3] == "web")
            server.version += 1
            stored.body["metadata"]["resourceVersion"] = str(server.version)
            stored.body["metadata"]["annotations"]["edited"] = str(len(meddled))

    server.trouble = meddle
    await routes.ensure(make_proof())

    assert server.body("ingresses", "web")["metadata"]["annotations"]["edited"] == "2"
    assert len(paths(server)) == 2


async def test_who_never_gets_a_turn_is_told_so(server: FakeAPIServer, routes: NamedIngressRoutes) -> None:
    server.trouble = lambda method, _path: 409 if method == "PUT" else None

    with pytest.raises(TransientError, match="Ingress shop/web"):
        await routes.ensure(make_proof())


async def test_a_missing_ingress_is_named_and_leaves_nothing(server: FakeAPIServer, routes: NamedIngressRoutes) -> None:
    await server.delete(ingresses("shop", "web"))

    with pytest.raises(TransientError, match=r"Ingress shop/web.*create it") as raised:
        await routes.ensure(make_proof())
    await routes.remove(make_proof())

    assert raised.value.reason is Reason.MISSING_REFERENCE
    assert server.names("services") == []


async def test_the_sweep_takes_back_what_a_crash_left(
    server: FakeAPIServer, routes: NamedIngressRoutes, turns: Turns
) -> None:
    await routes.ensure(make_proof(token="token-1", uid="uid-a"))
    await routes.ensure(make_proof(token="token-2", uid="uid-b"))

    assert await named_ingress_routes.sweep(server, turns, [""], lambda: ["uid-b"]) == 1
    assert paths(server) == ["/.well-known/acme-challenge/token-2", "/"]

    assert await named_ingress_routes.sweep(server, turns, ["shop"], list) == 1
    assert is_as_before(server)
    assert server.names("services") == []
