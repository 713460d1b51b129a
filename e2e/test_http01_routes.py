"""What leads HTTP-01 requests to the operator, on a real API server and with no more rights than the generated role.

Nothing here serves an Ingress or a Gateway: the API server's own schemas and its field ownership are the point.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from certwright.kube.challenge_board import ChallengeConfigMap, Entry
from certwright.kube.challenge_routes import ChallengeRouting
from certwright.kube.client import APIServer
from certwright.kube.connection import connect
from certwright.kube.host_claims import IngressAndRouteClaims
from certwright.kube.route_objects import ResponderService
from certwright.model.errors import IssuerError, TransientError
from certwright.model.metadata import ObjectMetadata
from certwright.model.resources import HTTP01
from certwright.model.solving import ChallengeRoutes, Proof
from e2e.controlplane import ControlPlane

OPERATOR_NAMESPACE = "certwright"
SERVICE = ResponderService(namespace=OPERATOR_NAMESPACE, name="certwright-http01", port=8089)

INGRESS = {
    "ingress": {
        "className": "nginx",
        "ingressTemplate": {
            "metadata": {
                "labels": {"team": "edge"},
                "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"},
            }
        },
    }
}
GATEWAY = {
    "gateway": {"parentRefs": [{"name": "edge", "namespace": "gateways", "sectionName": "http", "port": 80}]},
}
NAMED = {"ingress": {"name": "web"}}
SOLVERS = [
    pytest.param(INGRESS, id="ingress"),
    pytest.param(NAMED, id="named ingress"),
    pytest.param(GATEWAY, id="gateway"),
]
KINDS = "ingresses.networking.k8s.io,services,httproutes.gateway.networking.k8s.io"


def web(namespace: str) -> dict[str, Any]:
    """A user's Ingress with one rule of each sort."""
    shop = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "shop", "port": {"name": "http"}}}}
    static = {
        "path": "/static",
        "pathType": "Prefix",
        "backend": {"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "static"}},
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "namespace": namespace, "labels": {"app": "shop"}, "annotations": {"note": "kept"}},
        "spec": {
            "defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}},
            "tls": [{"hosts": ["a.example.com"], "secretName": "web"}],
            "rules": [
                {"host": "a.example.com", "http": {"paths": [static, shop]}},
                {"host": "*.example.com", "http": {"paths": [shop]}},
                {"host": "bare.example.com"},
            ],
        },
    }


@pytest.fixture
async def server(kubeconfig: Path) -> AsyncIterator[APIServer]:
    server = APIServer(await connect(kubeconfig=str(kubeconfig)))
    yield server
    await server.close()


@pytest.fixture
def namespace(control_plane: ControlPlane, gateway_api: None) -> Iterator[str]:  # noqa: ARG001 - installed is enough
    name = f"routes-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(web(name)))
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def routing(server: APIServer) -> ChallengeRouting:
    return ChallengeRouting(server, SERVICE)


def proof(namespace: str, host: str = "a.example.com", *, token: str = "token-1") -> Proof:  # noqa: S107 - an ACME token is public
    certificate = ObjectMetadata(namespace=namespace, name="web", uid=f"uid-of-{namespace}", resource_version="1")
    return Proof(certificate=certificate, name=host, token=token, key_authorization=f"{token}.thumb")


def routes(routing: ChallengeRouting, spec: dict[str, Any]) -> ChallengeRoutes:
    found = routing.of(HTTP01.model_validate(spec), is_trusted=True)
    assert found is not None
    return found


class Cluster:
    """What there is, as a user sees it."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._control_plane = control_plane
        self._namespace = namespace

    def ingress(self) -> dict[str, Any]:
        """The user's Ingress without what changes with every write."""
        body = self._get("ingress", "web", f"--namespace={self._namespace}")
        for name in ("resourceVersion", "generation", "managedFields"):
            body["metadata"].pop(name, None)
        return body

    def made(self) -> list[str]:
        """All route objects for Certificates of the namespace, and its grant."""
        label = f"--selector=certwright.io/certificate-uid=uid-of-{self._namespace}"
        found = self._get(KINDS, "--all-namespaces", label)["items"]
        grants = self._get("referencegrants", f"--namespace={OPERATOR_NAMESPACE}")["items"]
        ours = [each for each in grants if each["spec"]["from"][0]["namespace"] == self._namespace]
        return sorted(f"{each['kind']} {each['metadata']['namespace']}" for each in found + ours)

    def _get(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._control_plane.kubectl("get", *arguments, "--output=json"))
        return answer


@pytest.fixture
def cluster(control_plane: ControlPlane, namespace: str) -> Cluster:
    return Cluster(control_plane, namespace)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(INGRESS, ["Ingress certwright"] * 2, id="ingress"),
        pytest.param(NAMED, ["Service {0}"] * 2, id="named ingress"),
        pytest.param(GATEWAY, ["HTTPRoute {0}"] * 2 + ["ReferenceGrant certwright"], id="gateway"),
    ],
)
async def test_two_challenges_of_one_host_come_and_go(
    routing: ChallengeRouting, cluster: Cluster, namespace: str, spec: dict[str, Any], expected: list[str]
) -> None:
    made, before = routes(routing, spec), cluster.ingress()
    one, two = proof(namespace, token="token-1"), proof(namespace, token="token-2")

    for _ in range(2):
        await asyncio.gather(made.ensure(one), made.ensure(two))
    assert [each.format(namespace) for each in expected] == cluster.made()

    await made.remove(one)
    assert len(cluster.made()) == len(expected) - 1

    for _ in range(2):
        await made.remove(two)
    assert cluster.made() == []
    assert cluster.ingress() == before


@pytest.mark.parametrize("spec", SOLVERS)
@pytest.mark.parametrize(
    "host",
    [
        pytest.param("a.example.com", id="the host's rule"),
        pytest.param("b.example.com", id="a wildcard's rule"),
        pytest.param("bare.example.com", id="a rule without paths"),
        pytest.param("elsewhere.example.net", id="no rule"),
        pytest.param("192.0.2.7", id="IPv4"),
        pytest.param("2001:db8::7", id="IPv6"),
    ],
)
async def test_every_name_has_a_valid_route_and_leaves_no_trace(
    routing: ChallengeRouting, cluster: Cluster, namespace: str, spec: dict[str, Any], host: str
) -> None:
    made, before = routes(routing, spec), cluster.ingress()

    await made.ensure(proof(namespace, host))
    assert cluster.made() != []
    await made.remove(proof(namespace, host))

    assert cluster.made() == []
    assert cluster.ingress() == before


async def test_the_users_paths_stay_while_a_challenge_is_pending(
    routing: ChallengeRouting, cluster: Cluster, namespace: str
) -> None:
    made = routes(routing, NAMED)
    await made.ensure(proof(namespace))

    edited, original = cluster.ingress()["spec"]["rules"], web(namespace)["spec"]["rules"]

    assert edited[1:] == original[1:]
    assert edited[0]["http"]["paths"][1:] == original[0]["http"]["paths"]
    assert edited[0]["http"]["paths"][0]["path"] == "/.well-known/acme-challenge/token-1"
    await made.remove(proof(namespace))


async def test_many_edits_of_one_ingress_and_one_of_its_owner(
    routing: ChallengeRouting, cluster: Cluster, control_plane: ControlPlane, namespace: str
) -> None:
    made, before = routes(routing, NAMED), cluster.ingress()
    proofs = [proof(namespace, token=f"token-{number}") for number in range(10)]

    annotating = asyncio.to_thread(
        control_plane.kubectl, "annotate", "ingress", "web", "edited=yes", f"--namespace={namespace}"
    )
    await asyncio.gather(annotating, *(made.ensure(each) for each in proofs))
    await asyncio.gather(*(made.remove(each) for each in proofs))

    before["metadata"]["annotations"]["edited"] = "yes"
    assert cluster.ingress() == before


@pytest.mark.parametrize("spec", SOLVERS)
async def test_what_a_crash_left_is_swept(
    server: APIServer, routing: ChallengeRouting, cluster: Cluster, namespace: str, spec: dict[str, Any]
) -> None:
    before = cluster.ingress()
    await routes(routing, spec).ensure(proof(namespace))
    after_restart = ChallengeRouting(server, SERVICE)

    await after_restart.sweep(lambda: [f"uid-of-{namespace}"])
    assert cluster.made() != []

    assert await after_restart.sweep(list) == 1
    assert cluster.made() == []
    assert cluster.ingress() == before


async def test_a_namespace_that_is_gone_is_no_lack_of_the_gateway_api(
    routing: ChallengeRouting,
    gateway_api: None,  # noqa: ARG001 - installed is enough
) -> None:
    made = routes(routing, GATEWAY)

    with pytest.raises(TransientError, match="namespaces"):
        await made.ensure(proof("nowhere"))

    await made.remove(proof("nowhere"))


@pytest.mark.parametrize("spec", [pytest.param(INGRESS, id="ingress"), pytest.param(GATEWAY, id="gateway")])
async def test_what_the_schema_refuses_is_told_to_the_issuers_author(
    routing: ChallengeRouting, namespace: str, spec: dict[str, Any]
) -> None:
    made = routes(routing, spec)

    with pytest.raises(IssuerError, match=r"refuses .*under_score"):
        await made.ensure(proof(namespace, "under_score.example.com"))

    await made.remove(proof(namespace, "under_score.example.com"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("a.example.com", ["Ingress web"], id="rule"),
        pytest.param("b.example.com", ["Ingress web"], id="wildcard"),
        pytest.param("c.b.example.com", ["HTTPRoute web"], id="route"),
        pytest.param("example.net", [], id="nobody"),
    ],
)
async def test_who_serves_a_host(
    server: APIServer, control_plane: ControlPlane, namespace: str, host: str, expected: list[str]
) -> None:
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"hostnames": ["*.b.example.com"]},
    }
    control_plane.kubectl("apply", "--filename=-", stdin=json.dumps(route))

    assert expected == await IngressAndRouteClaims(server).claimants(namespace, host)


@pytest.fixture
async def boards(server: APIServer, control_plane: ControlPlane) -> AsyncIterator[list[ChallengeConfigMap]]:
    """Those of a leader and of a standby."""
    boards = [ChallengeConfigMap(server, namespace=OPERATOR_NAMESPACE) for _ in range(2)]
    running = [asyncio.create_task(board.run()) for board in boards]
    await asyncio.gather(*(board.synced.wait() for board in boards))
    yield boards
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    control_plane.kubectl(
        "delete", "configmap", "certwright-http01", f"--namespace={OPERATOR_NAMESPACE}", "--ignore-not-found"
    )


def entry(number: int) -> Entry:
    host, token = f"host-{number}.example.com", f"token-{number}"
    return Entry(host=host, token=token, key_authorization=f"{token}.thumb", certificate_uid=f"uid-{number % 2}")


async def until(board: ChallengeConfigMap, *, has: int) -> None:
    async with asyncio.timeout(10):
        while len(board.answers) != has:  # noqa: ASYNC110 - a board tells nobody when it changes
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("count", [1, 50, 2000], ids=["one", "some", "a large ConfigMap"])
async def test_every_replica_has_the_answers(boards: list[ChallengeConfigMap], count: int) -> None:
    leader, standby = boards
    entries = {each.pair: each for each in map(entry, range(count))}

    await leader.write(entries)
    assert len(leader.answers) == count
    await until(standby, has=count)
    assert standby.answers == leader.answers

    await leader.write(dict.fromkeys(list(entries)[: count // 2]))
    await until(standby, has=count - count // 2)
    await leader.sweep(list)
    await until(standby, has=0)
    assert leader.trouble is None
    assert standby.trouble is None
