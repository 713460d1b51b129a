"""What a tenant cannot do, whatever he writes into his Issuers and Certificates: each boundary on a real API server.

``test_delivery`` has what protects the Secrets of others, ``test_secrecy`` what is told to nobody.
"""

import json
from collections.abc import Callable

import pytest

from e2e.controlplane.kubectl import KubectlError
from e2e.issuers import DIRECT
from e2e.launching import Launcher
from e2e.tenant import Object, condition_of, of_cluster_issuer, secret
from e2e.world import World

Edit = Callable[[Object], object]


# Names.


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
    assert world.published() == []
    assert world.issued() == issued
    assert world.staged() == []
    assert ("Warning", "NotAllowed") in [event[:2] for event in world.events("www")]

    world.apply(serving(name))
    world.retry("www")
    world.wait_ready("www")
    assert world.published() == []
    world.control_plane.kubectl("delete", "namespace", elsewhere, "--wait=false")


@pytest.mark.usefixtures("operator")
def test_one_name_that_is_not_served_stops_the_order(world: World) -> None:
    served, other = f"www-{world.namespace}.example.test", f"api-{world.namespace}.example.test"
    world.apply(serving_ingress(served), world.issuer(solvers=[DIRECT]), world.certificate("www", served, other))
    condition = world.wait_condition("Certificate", "www", reason="NotAllowed", type_="Issuing")
    assert other in condition["message"]
    assert served not in condition["message"]
    assert world.published() == []
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
    world.apply(world.certificate("www", **{**spec, **of_cluster_issuer(name)}))
    condition = world.wait_condition("Certificate", "www", reason="NotAllowed")
    assert f"ClusterIssuer {name} does not allow this" in condition["message"]
    assert expected.format(ns=world.namespace) in condition["message"]
    assert world.staged() == []
    assert not world.exists("Secret", "www-tls")


@pytest.mark.usefixtures("operator")
def test_what_a_cluster_issuer_allows_is_issued_at_once(world: World, cluster_issuer: Callable[..., str]) -> None:
    allow = {"namespaces": [world.namespace], "dnsNames": ["*.example.test"], "keyAlgorithms": ["ECDSA"]}
    name = cluster_issuer(allow={"namespaces": ["elsewhere"]})
    world.apply(world.certificate("www", **of_cluster_issuer(name)))
    world.wait_condition("Certificate", "www", reason="NotAllowed")
    patch = json.dumps({"spec": {"allow": allow}})
    world.kubectl("patch", f"clusterissuers.certwright.io/{name}", "--type=merge", f"--patch={patch}")
    world.wait_ready("www", seconds=20)


# Secrets.


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
    world.apply(world.certificate("www", **of_cluster_issuer(issuer)))
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
    world.apply(world.certificate("www", **of_cluster_issuer(cluster_issuer())))
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
        world.certificate("cluster", name, **of_cluster_issuer(cluster_issuer())),
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
