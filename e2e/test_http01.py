"""HTTP-01 end to end: the operator itself answers, on any replica, and what leads there is gone afterwards."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from e2e.ingress_controller import IngressController
from e2e.issuers import DIRECT
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.tenant import Object, condition_of, of_cluster_issuer
from e2e.world import World

SERVICE = "certwright/certwright-http01:8089"
TRUSTING = "--http01-namespaced-issuers=any"


@pytest.fixture(scope="module")
def operator_flags() -> Sequence[str]:
    return (TRUSTING,)


def names(world: World, *labels: str) -> list[str]:
    return [f"{label}.{world.namespace}.example.test" for label in labels]


@pytest.mark.usefixtures("operator")
def test_several_names_are_proved_by_a_namespaced_issuer(world: World) -> None:
    world.apply(world.issuer(solvers=[DIRECT]), world.certificate("www", *names(world, "a", "b", "c", "d", "e")))
    world.wait_ready("www")
    assert world.published() == []


@pytest.mark.usefixtures("operator")
def test_a_cluster_issuer_proves_names_of_any_namespace(world: World, cluster_issuer: Callable[..., str]) -> None:
    name = cluster_issuer()
    world.apply(world.certificate("www", **of_cluster_issuer(name)))
    status = world.wait_ready("www")["status"]
    assert status["issuerRef"] == {"name": name, "kind": "ClusterIssuer", "group": "certwright.io"}
    assert world.published() == []
    assert not world.exists("Secret", f"{name}-account")


@pytest.mark.usefixtures("operator")
def test_a_wildcard_cannot_be_proved_over_http(world: World) -> None:
    world.apply(world.issuer(solvers=[DIRECT]), world.certificate("www", f"*.{world.namespace}.example.test"))
    condition = world.wait_condition("Certificate", "www", reason="InvalidConfiguration", type_="Issuing")
    assert f"No solver of the issuer can prove *.{world.namespace}.example.test by dns-01" in condition["message"]


@pytest.fixture
def unreachable(world: World) -> Iterator[str]:
    """A name whose address nobody answers at, until the record is removed: its proof stays pending."""
    (name,) = names(world, "pending")
    world.bind9.add(name, "A", "127.0.0.2")
    yield name
    world.bind9.remove(name, "A")


def pending_answer(world: World, name: str) -> Object:
    """A Certificate for the name is applied; what is published for it."""
    world.apply(world.issuer(solvers=[DIRECT]), world.certificate("www", name))
    world.wait("the answer", lambda: world.published() != [])
    (entry,) = world.published()
    return entry


def ask(port: int, host: str, path: str, *, method: str = "GET") -> httpx.Response:
    return httpx.request(method, f"http://127.0.0.1:{port}{path}", headers={"Host": host})


def path_of(token: str) -> str:
    return f"/.well-known/acme-challenge/{token}"


def test_exactly_the_pending_pairs_are_answered(world: World, operator: OperatorProcess, unreachable: str) -> None:
    entry, port = pending_answer(world, unreachable), operator.http01_port
    path = path_of(entry["token"])

    for host in (unreachable, unreachable.upper(), f"{unreachable}:{port}", f"{unreachable}."):
        answer = ask(port, host, path)
        assert (answer.status_code, answer.text) == (200, entry["keyAuthorization"]), host
    for host in ("127.0.0.1", f"other-{unreachable}", "example.test", "pending"):
        assert ask(port, host, path).status_code == 404, host
    for other in ("/", path_of(""), path_of(entry["token"][:-1]), path_of("x" * 43), f"{path}/", f"/x{path}", "/livez"):
        assert ask(port, unreachable, other).status_code == 404, other
    assert ask(port, unreachable, path, method="POST").status_code == 404

    condition = world.wait_condition("Certificate", "www", reason="DoesNotExist", type_="Issuing")
    assert condition["status"] == "True"
    assert unreachable in condition["message"]
    assert "did not get through" in condition["message"]
    world.bind9.remove(unreachable, "A")
    world.wait_ready("www")
    assert world.published() == []
    assert ask(port, unreachable, path).status_code == 404


def test_a_standby_answers_as_the_leader_does(
    world: World, operator: OperatorProcess, launch: Launcher, unreachable: str
) -> None:
    standby = launch(elects=True, flags=[TRUSTING])
    entry = pending_answer(world, unreachable)
    path = path_of(entry["token"])

    def answers() -> list[str]:
        return [ask(port, unreachable, path).text for port in (operator.http01_port, standby.http01_port)]

    world.wait("both replicas to know it", lambda: answers() == [entry["keyAuthorization"]] * 2)
    assert "certwright_leader 0.0" in standby.metrics()
    assert "certwright_leader 1.0" in operator.metrics()

    world.bind9.remove(unreachable, "A")
    world.wait_ready("www")
    world.wait("both replicas to forget it", lambda: answers() == ["not found\n"] * 2)


@pytest.mark.usefixtures("operator")
def test_a_certificate_deleted_halfway_leaves_no_answer(world: World, unreachable: str) -> None:
    pending_answer(world, unreachable)
    world.kubectl("delete", "certificates.certwright.io/www")
    world.wait("the answer to go", lambda: world.published() == [])


@pytest.mark.usefixtures("operator")
def test_an_issuer_deleted_halfway_leaves_no_answer(world: World, unreachable: str) -> None:
    pending_answer(world, unreachable)
    world.kubectl("delete", "issuers.certwright.io/pebble")
    world.wait_condition("Certificate", "www", reason="IssuerNotFound")
    world.wait("the answer to go", lambda: world.published() == [])
    assert world.staged() == []


@pytest.fixture
def edge(world: World, operator: OperatorProcess, launch: Launcher) -> Iterator[IngressController]:
    """What clients reach is the controller; the operator listens elsewhere, as behind a Service."""
    assert operator.stop() == 0
    port = world.pebble.http_port
    behind = launch(self_check_port=port, flags=[TRUSTING])
    responder = f"127.0.0.1:{behind.http01_port}"
    with IngressController(world.control_plane, port=port, responder=responder, service=SERVICE) as controller:
        yield controller
    behind.stop()
    operator.start()


def web(*hosts: str) -> Object:
    """A user's Ingress that serves these hosts."""
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}} for host in hosts]},
    }


def routes(world: World) -> list[str]:
    """Everything that leads HTTP-01 requests to the operator."""
    kinds = "ingresses,services,httproutes.gateway.networking.k8s.io,referencegrants.gateway.networking.k8s.io"
    selector = "--selector=certwright.io/role=http01-route"
    listed = world.control_plane.kubectl("get", kinds, "--all-namespaces", selector, "--output=json")
    return [f"{each['kind']} {each['metadata']['namespace']}" for each in json.loads(listed)["items"]]


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize(
    ("solver", "expected"),
    [
        pytest.param({"ingress": {"className": "nginx"}}, "Ingress certwright/certwright-http01-", id="ingress"),
        pytest.param({"ingress": {"name": "web"}}, "Ingress {namespace}/web", id="named ingress"),
        pytest.param(
            {"gateway": {"parentRefs": [{"name": "edge"}]}},
            "HTTPRoute {namespace}/certwright-http01-",
            id="gateway",
        ),
    ],
)
def test_a_route_leads_the_ca_to_the_operator_and_is_gone_afterwards(
    world: World, edge: IngressController, solver: dict[str, Any], expected: str
) -> None:
    wanted = names(world, "a", "b")
    world.apply(web(*wanted))
    before = world.get("Ingress", "web")["spec"]
    world.apply(world.issuer(solvers=[{"http01": solver}]), world.certificate("www", *wanted))
    world.wait_ready("www")
    assert edge.followed
    assert {name for name in edge.followed if not name.startswith(expected.format(namespace=world.namespace))} == set()
    assert routes(world) == []
    assert world.published() == []
    assert world.get("Ingress", "web")["spec"] == before


@pytest.mark.usefixtures("gateway_api", "edge")
def test_a_named_ingress_that_is_not_there_is_told(world: World) -> None:
    solver = {"http01": {"ingress": {"name": "web"}}}
    world.apply(world.issuer(solvers=[solver]), world.certificate("www"))
    condition = world.wait_condition("Certificate", "www", reason="MissingReference", type_="Issuing")
    assert f"Ingress {world.namespace}/web, which http01.ingress.name of the issuer names" in condition["message"]
    world.apply(web(f"www-{world.namespace}.example.test"))
    world.wait_ready("www")
    assert condition_of(world.get("Certificate", "www"), "Issuing") is None
    assert routes(world) == []
