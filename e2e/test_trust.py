"""What a tenant cannot do, whatever he writes into his Issuers and Certificates: each boundary on a real API server."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509

from e2e.controlplane import ControlPlane
from e2e.controlplane.kubectl import KubectlError
from e2e.gate import Gate, When
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble
from e2e.world import API, Object, World, condition_of

DIRECT: Object = {"http01": {"direct": {}}}
Edit = Callable[[Object], object]


@pytest.fixture
def alone(operator: OperatorProcess) -> Iterator[None]:
    """The module's operator rests, while a test runs one of its own."""
    assert operator.stop() == 0, operator.tail()
    yield
    operator.start()


@pytest.fixture
def cluster_issuer(control_plane: ControlPlane, world: World) -> Iterator[Callable[..., str]]:
    """Makes ClusterIssuers that prove over HTTP-01; answers their names."""
    made: list[str] = []

    def make(*, solvers: list[Object] | None = None, **spec: Any) -> str:
        name = f"cluster-{secrets.token_hex(4)}"
        issuer = world.issuer(name, solvers=solvers or [DIRECT]) | {"kind": "ClusterIssuer"}
        world.apply({**issuer, "spec": {**issuer["spec"], **spec}})
        made.append(name)
        return name

    yield make
    for name in made:
        control_plane.kubectl("delete", f"clusterissuers.certwright.io/{name}")
        control_plane.kubectl("delete", "secret", f"{name}-account", "--namespace=certwright", "--ignore-not-found")


def of(cluster_issuer: str) -> Object:
    return {"issuerRef": {"name": cluster_issuer, "kind": "ClusterIssuer"}}


def retry(world: World, name: str) -> None:
    world.kubectl("annotate", f"certificates.certwright.io/{name}", f"certwright.io/retry={secrets.token_hex(4)}")


def published(world: World) -> list[str]:
    """The hosts of this test's namespace that the operator answers for."""
    listed = json.loads(world.control_plane.kubectl("get", "configmaps", "--namespace=certwright", "--output=json"))
    values = [value for each in listed["items"] for value in each.get("data", {}).values() if '"keyAuth' in value]
    return [host for value in values if world.namespace in (host := json.loads(value)["host"])]


def serving_ingress(host: str) -> Object:
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}}]},
    }


def serving_route(host: str) -> Object:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"hostnames": [host]},
    }


# Names.


@pytest.mark.usefixtures("operator", "gateway_api")
@pytest.mark.parametrize("serving", [serving_ingress, serving_route], ids=["Ingress", "HTTPRoute"])
def test_a_tenant_proves_over_http_only_what_his_namespace_serves(
    world: World, serving: Callable[[str], Object]
) -> None:
    name = f"www-{world.namespace}.example.test"
    elsewhere = f"{world.namespace}-other"
    world.kubectl("create", "namespace", elsewhere)
    world.control_plane.kubectl(
        "apply", f"--namespace={elsewhere}", "--filename=-", stdin=json.dumps(serving_ingress(name))
    )
    issued = world.issued()
    world.apply(world.issuer(solvers=[DIRECT]), world.certificate("www", name))
    condition = world.wait_condition("Certificate", "www", reason="NotAllowed", type_="Issuing")
    assert f"No Ingress or HTTPRoute in namespace {world.namespace} has the host {name}" in condition["message"]
    assert "add one, use a ClusterIssuer or DNS-01" in condition["message"]
    assert published(world) == []
    assert world.issued() == issued
    assert world.staged() == []
    assert ("Warning", "NotAllowed") in [event[:2] for event in world.events("www")]

    world.apply(serving(name))
    retry(world, "www")
    world.wait_ready("www")
    assert published(world) == []
    world.control_plane.kubectl("delete", "namespace", elsewhere, "--wait=false")


@pytest.mark.usefixtures("operator")
def test_one_name_that_is_not_served_stops_the_order(world: World) -> None:
    served, other = f"www-{world.namespace}.example.test", f"api-{world.namespace}.example.test"
    world.apply(serving_ingress(served), world.issuer(solvers=[DIRECT]), world.certificate("www", served, other))
    condition = world.wait_condition("Certificate", "www", reason="NotAllowed", type_="Issuing")
    assert other in condition["message"]
    assert served not in condition["message"]
    assert published(world) == []
    assert not world.exists("Secret", "www-tls")


@pytest.mark.usefixtures("operator")
def test_a_tenant_annotates_no_ingress_of_the_operators_namespace(world: World) -> None:
    template = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/configuration-snippet": "return 200;"}}}
    solver = {"http01": {"ingress": {"className": "nginx", "ingressTemplate": template}}}
    world.apply(world.issuer(solvers=[solver]))
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidConfiguration")
    assert "http01.ingress.ingressTemplate of a namespaced Issuer" in condition["message"]


ALLOW = [
    pytest.param({"namespaces": ["elsewhere"]}, {}, "namespace {ns} is in neither allow.namespaces", id="namespaces"),
    pytest.param(
        {"namespaceSelector": {"matchLabels": {"team": "edge"}}}, {}, "nor allow.namespaceSelector", id="selector"
    ),
    pytest.param({"dnsNames": ["*.example.net"]}, {}, "www-{ns}.example.test is not in allow.dnsNames", id="dnsNames"),
    pytest.param(
        {"ipRanges": ["10.0.0.0/8"]}, {"ipAddresses": ["192.0.2.7"]}, "192.0.2.7 is not in allow.ipRanges", id="ips"
    ),
    pytest.param(
        {"keyAlgorithms": ["ECDSA"]},
        {"privateKey": {"algorithm": "RSA"}},
        "privateKey.algorithm: RSA is not in allow.keyAlgorithms",
        id="keys",
    ),
    pytest.param(
        {"usages": ["server auth"]}, {"usages": ["client auth"]}, "client auth is not in allow.usages", id="usages"
    ),
    pytest.param({"maxDuration": "24h"}, {"duration": "48h"}, "is longer than allow.maxDuration", id="duration"),
    pytest.param({}, {"isCA": True}, "isCA is true, and allow.isCA is not", id="isCA"),
]


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(("allow", "spec", "expected"), ALLOW)
def test_a_cluster_issuer_serves_only_what_it_allows(
    world: World, cluster_issuer: Callable[..., str], allow: Object, spec: Object, expected: str
) -> None:
    name = cluster_issuer(allow=allow)
    world.apply(world.certificate("www", **{**spec, **of(name)}))
    condition = world.wait_condition("Certificate", "www", reason="NotAllowed")
    assert f"ClusterIssuer {name} does not allow this" in condition["message"]
    assert expected.format(ns=world.namespace) in condition["message"]
    assert world.staged() == []
    assert not world.exists("Secret", "www-tls")


@pytest.mark.usefixtures("operator")
def test_what_a_cluster_issuer_allows_is_issued_at_once(world: World, cluster_issuer: Callable[..., str]) -> None:
    allow = {"namespaces": [world.namespace], "dnsNames": ["*.example.test"], "keyAlgorithms": ["ECDSA"]}
    name = cluster_issuer(allow={"namespaces": ["elsewhere"]})
    world.apply(world.certificate("www", **of(name)))
    world.wait_condition("Certificate", "www", reason="NotAllowed")
    patch = json.dumps({"spec": {"allow": allow}})
    world.kubectl("patch", f"clusterissuers.certwright.io/{name}", "--type=merge", f"--patch={patch}")
    world.wait_ready("www", seconds=20)


# Secrets.


def secret(name: str, type_: str = "Opaque", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": type_, "stringData": data}


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    "type_", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1"]
)
def test_credentials_of_kubernetes_are_refused(world: World, type_: str) -> None:
    stolen = secret("stolen", type_, token="c2VjcmV0")
    stolen["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "default"}
    world.wait("the account", lambda: world.exists("ServiceAccount", "default"))
    world.apply(stolen)
    binding = {"keyID": "mine", "keySecretRef": {"name": "stolen", "key": "token"}}
    world.apply(world.issuer(externalAccountBinding=binding))
    condition = world.wait_condition("Issuer", "pebble", reason="MissingReference")
    assert f"Secret {world.namespace}/stolen has type {type_}, which no issuer may use" in condition["message"]


def _tsig(issuer: Object) -> None:
    issuer["spec"]["acme"]["solvers"][0]["dns01"]["rfc2136"]["tsigSecretSecretRef"] = {"name": "theirs"}


def _binding(issuer: Object) -> None:
    issuer["spec"]["acme"]["externalAccountBinding"] = {"keyID": "mine", "keySecretRef": {"name": "theirs"}}


def _bundle(issuer: Object) -> None:
    issuer["spec"]["tls"] = {"caBundleSecretRef": {"name": "theirs"}}


def _bundle_map(issuer: Object) -> None:
    issuer["spec"]["tls"] = {"caBundleConfigMapRef": {"name": "theirs"}}


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    "refer",
    [
        pytest.param(_tsig, id="tsig"),
        pytest.param(_binding, id="binding"),
        pytest.param(_bundle, id="bundle"),
        pytest.param(_bundle_map, id="bundle in a ConfigMap"),
    ],
)
def test_an_issuer_reads_only_its_own_namespace(world: World, refer: Edit) -> None:
    values = {"tsig-secret": world.bind9.key.secret, "secret": "c2VjcmV0", "ca.crt": world.pebble.trust_anchor}
    theirs = [
        secret("theirs", **values),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": values},
    ]
    items = {"apiVersion": "v1", "kind": "List", "items": theirs}
    world.control_plane.kubectl("apply", "--namespace=certwright", "--filename=-", stdin=json.dumps(items))
    issuer = world.issuer()
    refer(issuer)
    world.apply(issuer)
    condition = world.wait_condition("Issuer", "pebble", reason="MissingReference")
    assert f" {world.namespace}/theirs does not exist" in condition["message"]
    world.control_plane.kubectl("delete", "secret/theirs", "configmap/theirs", "--namespace=certwright")


def test_a_reference_cannot_name_another_namespace(world: World) -> None:
    issuer = world.issuer()
    issuer["spec"]["acme"]["privateKeySecretRef"]["namespace"] = "kube-system"
    with pytest.raises(KubectlError, match=r"privateKeySecretRef.+unknown field"):
        world.apply(issuer)


@pytest.mark.usefixtures("operator")
def test_a_cluster_issuer_reads_only_the_operators_namespace(world: World, cluster_issuer: Callable[..., str]) -> None:
    name = f"tsig-{world.namespace}"
    world.apply(secret(name, **{"tsig-secret": world.bind9.key.secret}))
    solver = world.dns01()
    solver["dns01"]["rfc2136"]["tsigSecretSecretRef"] = {"name": name}
    issuer = cluster_issuer(solvers=[solver])
    condition = world.wait_condition("ClusterIssuer", issuer, reason="MissingReference")
    assert f"Secret certwright/{name} does not exist" in condition["message"]
    body = json.dumps(secret(name, **{"tsig-secret": world.bind9.key.secret}))
    world.control_plane.kubectl("apply", "--namespace=certwright", "--filename=-", stdin=body)
    world.apply(world.certificate("www", **of(issuer)))
    world.wait_ready("www")
    world.control_plane.kubectl("delete", f"secret/{name}", "--namespace=certwright")


# Addresses.


def test_a_tenant_reaches_neither_this_machine_nor_its_links(world: World, alone: None, launch: Launcher) -> None:
    del alone
    launch(flags=["--allow-cidrs="])
    port = world.pebble.url.rsplit(":", 1)[1]
    servers = {
        "loopback": f"https://127.0.0.1:{port}",
        "name": f"https://localhost:{port}",
        "mapped": f"https://[::ffff:127.0.0.1]:{port}",
        "other-loopback": f"https://[::1]:{port}",
        "unspecified": f"https://0.0.0.0:{port}",
        "metadata": "https://169.254.169.254/latest/meta-data",
        "links": "https://[fe80::1]/dir",
        "api-server": world.control_plane.url,
    }
    for name, url in servers.items():
        world.apply(world.issuer(name, server=url))
    for name in servers:
        condition = world.wait_condition("Issuer", name, reason="InvalidConfiguration")
        assert "may not be reached" in condition["message"] or "is not allowed" in condition["message"], name
        assert "--allow-cidrs" in condition["message"], name


def test_an_administrators_issuer_reaches_them(
    world: World, alone: None, launch: Launcher, cluster_issuer: Callable[..., str]
) -> None:
    del alone
    launch(flags=["--allow-cidrs="], http01_port=world.pebble.http_port, self_check_port=world.pebble.http_port)
    world.apply(world.certificate("www", **of(cluster_issuer())))
    world.wait_ready("www")


def test_denied_networks_are_denied_to_everyone(
    world: World, alone: None, launch: Launcher, cluster_issuer: Callable[..., str]
) -> None:
    del alone
    launch(flags=["--allow-cidrs=", "--deny-cidrs=127.0.0.0/8"])
    condition = world.wait_condition("ClusterIssuer", cluster_issuer(), reason="InvalidConfiguration")
    assert "--allow-cidrs" in condition["message"]


def test_the_look_at_a_proof_reaches_no_further_than_the_issuer_may(
    world: World, alone: None, launch: Launcher, cluster_issuer: Callable[..., str]
) -> None:
    del alone
    launch(
        flags=["--allow-cidrs=127.0.0.1/32", "--http01-namespaced-issuers=any"],
        self_check_port=world.pebble.http_port,
    )
    name = f"elsewhere-{world.namespace}.example.test"
    world.bind9.add(name, "A", "127.0.0.2")
    world.apply(
        world.issuer(solvers=[DIRECT]),
        world.certificate("tenant", name),
        world.certificate("cluster", name, **of(cluster_issuer())),
    )

    def told(certificate: str) -> str:
        condition = condition_of(world.get("Certificate", certificate), "Issuing")
        return condition["message"] if condition else ""

    world.wait("the tenant's message", lambda: f"the operator may not look at {name} (127.0.0.2)" in told("tenant"))
    world.wait("the administrator's message", lambda: "connection refused" in told("cluster"))
    world.bind9.remove(name, "A")


def test_a_tenants_nameserver_is_reached_only_where_he_may(world: World, alone: None, launch: Launcher) -> None:
    del alone
    launch(flags=["--allow-cidrs=127.0.0.1/32"])
    solver = world.dns01()
    solver["dns01"]["rfc2136"]["nameserver"] = f"127.0.0.2:{world.bind9.port}"
    world.apply(world.issuer(solvers=[solver]), world.certificate("www"))

    def told() -> Object | None:
        error: Object | None = world.get("Certificate", "www").get("status", {}).get("lastError")
        return error

    error = world.wait("the failure", told)
    assert "127.0.0.2" in error["message"]
    assert error["class"] in {"Issuer", "Transient"}


# The target Secret.


@pytest.mark.parametrize("type_", ["Opaque", "kubernetes.io/tls"])
def test_a_foreign_secret_that_appears_at_the_last_moment_is_not_overwritten(
    world: World, alone: None, gate: Gate, launch: Launcher, type_: str
) -> None:
    del alone
    launch(gate)
    data = {"tls.crt": "theirs", "tls.key": "theirs"}
    gate.trap("PATCH", r"/secrets/www-tls\?", When.BEFORE, lambda: world.apply(secret("www-tls", type_, **data)))
    issued = world.issued()
    world.apply(world.issuer(), world.certificate("www"))
    condition = world.wait_condition("Certificate", "www", reason="SecretNotOwned")
    assert "Secret www-tls exists and was not written by certwright" in condition["message"]
    assert world.data("www-tls") == dict.fromkeys(data, b"theirs")
    assert world.issued() == issued + 1

    world.kubectl("delete", "secret", "www-tls")
    retry(world, "www")
    world.wait_ready("www")
    assert world.issued() == issued + 1
    assert world.staged() == []


@pytest.mark.usefixtures("operator")
def test_a_secret_of_another_certificate_is_not_taken_over(world: World) -> None:
    world.apply(world.issuer(), world.certificate("first", secretName="shared"))
    world.wait_ready("first")
    before = world.get("Secret", "shared")
    world.apply(world.certificate("second", secretName="shared"))
    condition = world.wait_condition("Certificate", "second", reason="SecretNotOwned")
    assert "Secret shared belongs to Certificate first" in condition["message"]
    assert world.get("Secret", "shared") == before


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("target", ["pebble-account", "tsig"])
def test_a_secret_of_the_issuer_is_not_taken_over(world: World, target: str) -> None:
    world.apply(world.issuer())
    world.wait_condition("Issuer", "pebble", reason="Ready")
    before = world.get("Secret", target)
    world.apply(world.certificate("www", secretName=target))
    world.wait_condition("Certificate", "www", reason="SecretNotOwned")
    assert world.get("Secret", target) == before


# A spec that changes under way.


@pytest.mark.parametrize(
    ("method", "path", "when"),
    [
        pytest.param("POST", r"/secrets(\?|$)", When.AFTER, id="after staging"),
        pytest.param("PUT", r"/secrets/certwright-", When.AFTER, id="after the order is recorded"),
        pytest.param("GET", r"/certificates/www", When.BEFORE, id="before the last look"),
        pytest.param("PATCH", r"/secrets/www-tls\?", When.BEFORE, id="before the Secret is written"),
        pytest.param("PATCH", r"/secrets/www-tls\?", When.AFTER, id="before the status is written"),
    ],
)
def test_what_is_delivered_fits_the_newest_spec(
    world: World, alone: None, gate: Gate, launch: Launcher, method: str, path: str, when: When
) -> None:
    del alone
    launch(gate)
    old, new = f"old-{world.namespace}.example.test", f"new-{world.namespace}.example.test"
    world.apply(world.issuer())
    world.wait_condition("Issuer", "pebble", reason="Ready")
    trap = gate.trap(method, path, when, lambda: world.apply(world.certificate("www", new)))
    world.apply(world.certificate("www", old))
    assert trap.sprung.wait(20)
    world.wait("the second generation", lambda: world.get("Certificate", "www")["metadata"]["generation"] == 2)
    status = world.wait_ready("www")["status"]
    leaf = world.leaf("www-tls")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [new]
    assert status["observedGeneration"] == 2
    assert status["serialNumber"] == f"{leaf.serial_number:x}"
    assert world.staged() == []
    assert world.bind9.query(f"_acme-challenge.{old}") == []


# What is secret stays secret.

TALKING = "certificates.certwright.io,issuers.certwright.io,clusterissuers.certwright.io,events.events.k8s.io"
OURS = "--selector=certwright.io/managed=true"


def private_lines(pem: bytes) -> set[str]:
    """The lines of a PEM key, and how it looks in an API object."""
    lines = [line for line in pem.decode().splitlines() if "-----" not in line and len(line) > 20]
    return {*lines, base64.b64encode(pem).decode()[60:120]}


def told_condition(world: World, issuer: str) -> Object:
    found: Object = world.wait("the condition", lambda: condition_of(world.get("Issuer", issuer), "Ready"))
    return found


def test_no_secret_is_told_anywhere(
    world: World, alone: None, launch: Launcher, bind9: Bind9, cluster_issuer: Callable[..., str]
) -> None:
    del alone
    mac, wrong = (base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode() for _ in range(2))
    token = "t0ken-of-kubernetes"
    with Pebble(bind9.url, eab_keys={"mine": mac}, authz_reuse=0) as bound:
        operator = launch(
            flags=["--log-level=debug", "--http01-namespaced-issuers=any"],
            http01_port=world.pebble.http_port,
            self_check_port=world.pebble.http_port,
        )
        world.apply(
            secret("right", secret=mac),
            secret("wrong", secret=wrong),
            secret("broken", secret=f"{mac}$"),
            secret("stolen", "helm.sh/release.v1", secret=token),
        )
        for name in ("right", "wrong", "broken", "stolen"):
            binding = {"keyID": "mine", "keySecretRef": {"name": name}}
            world.apply(world.issuer(name, pebble=bound, externalAccountBinding=binding))
        bad_tsig = world.dns01()
        bad_tsig["dns01"]["rfc2136"]["tsigSecretSecretRef"] = {"name": "bad-tsig"}
        bad_key = base64.b64encode(secrets.token_bytes(32)).decode()
        world.apply(
            secret("bad-tsig", **{"tsig-secret": bad_key}),
            world.issuer("bad-tsig", solvers=[bad_tsig]),
            world.issuer("direct", solvers=[DIRECT]),
            world.certificate("dns", issuer="right"),
            world.certificate("http", issuer="direct"),
            world.certificate("cluster", **of(cluster_issuer())),
            world.certificate("rsa", issuer="right", privateKey={"algorithm": "RSA", "encoding": "PKCS1"}),
            world.certificate("refused", "blocked.example.test", issuer="direct"),
            world.certificate("unsigned", issuer="bad-tsig"),
        )
        for name in ("dns", "http", "cluster", "rsa"):
            world.wait_ready(name)
        world.wait_condition("Certificate", "refused", reason="Rejected", type_="Issuing")
        world.wait("the refusal of the update", lambda: "lastError" in world.get("Certificate", "unsigned")["status"])
        for name in ("wrong", "broken", "stolen"):
            assert told_condition(world, name)["status"] == "False"
        hidden = {mac, wrong, token, bad_key, bind9.key.secret, base64.b64encode(token.encode()).decode()}
        for name in ("dns", "http", "cluster", "rsa"):
            hidden |= private_lines(world.data(f"{name}-tls")["tls.key"])
        for name in ("right", "direct", "bad-tsig"):
            hidden |= private_lines(world.data(f"{name}-account")["tls.key"])
        hidden |= private_lines(world.data(world.staged()[0])["tls.key"])
        hidden.add(json.loads(world.kubeconfig.read_text())["users"][0]["user"]["token"])
        told = {
            "the log": operator.log.read_text(),
            "the metrics": operator.metrics(),
            "the objects": world.kubectl("get", TALKING, "--all-namespaces", "--output=json"),
            "the metadata of Secrets": world.kubectl("get", "secrets", OURS, "--output=jsonpath={..metadata}"),
        }

    leaks = {(where, value[:6]) for where, text in told.items() for value in hidden if value in text}
    assert leaks == set()
    assert len(hidden) > 12
    assert API in told["the objects"]
