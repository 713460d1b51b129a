"""Private keys, MAC keys and tokens are told to nobody: not in the log, not in an object, not in an Event."""

import base64
import json
import secrets
from collections.abc import Callable
from functools import partial

from e2e.issuers import DIRECT, est_issuer, scep_issuer
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble
from e2e.peers.est import ScriptedESTServer
from e2e.peers.scep import SCEPServer
from e2e.tenant import API, Object, Tenant, condition_of, of_cluster_issuer, secret
from e2e.world import World

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
            world.certificate("cluster", **of_cluster_issuer(cluster_issuer())),
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
        assert leaks(world, operator, hidden) == set()
    assert len(hidden) > 12


def test_passwords_and_challenges_are_told_nowhere(tenant: Tenant, alone: None, launch: Launcher) -> None:
    del alone
    good, bad, own, store = (f"pass-{secrets.token_hex(12)}" for _ in range(4))
    reference = {"create": True, "passwordSecretRef": {"name": "store"}}
    with (
        ScriptedESTServer(username="device", password=good) as est,
        SCEPServer(challenge=good) as scep,
        SCEPServer(challenge=own) as once,
    ):
        operator = launch(flags=["--log-level=debug"])
        tenant.apply(
            secret("own", challenge=own),
            secret("store", password=store),
            *est_issuer("est", est, username="device", password=good),
            *est_issuer("est-bad", est, username="device", password=bad),
            *scep_issuer("scep", scep, challenge=good),
            *scep_issuer("scep-bad", scep, challenge=bad),
            *scep_issuer("scep-once", once),
            tenant.certificate("by-password", issuer="est", keystores={"jks": reference, "pkcs12": reference}),
            tenant.certificate("made-there", issuer="est", est={"serverKeyGeneration": True}),
            tenant.certificate("by-challenge", issuer="scep"),
            tenant.certificate("by-own", issuer="scep-once", scep={"challengeSecretRef": {"name": "own"}}),
            tenant.certificate("refused", issuer="est-bad"),
            tenant.certificate("rejected", issuer="scep-bad"),
        )
        issued = ("by-password", "made-there", "by-challenge", "by-own")
        for name in issued:
            tenant.wait_ready(name)
        for name in ("refused", "rejected"):
            tenant.wait("the error", partial(has_failed, tenant, name))
        hidden = {
            form for value in (good, bad, own, store) for form in (value, base64.b64encode(value.encode()).decode())
        }
        hidden |= {base64.b64encode(f"device:{value}".encode()).decode() for value in (good, bad)}
        for name in (*(f"{name}-tls" for name in issued), *tenant.staged()):
            hidden |= private_lines(tenant.data(name)["tls.key"])
        assert leaks(tenant, operator, hidden, f"--namespace={tenant.namespace}") == set()
    assert len(hidden) > 12


def has_failed(tenant: Tenant, name: str) -> bool:
    return "lastError" in tenant.get("Certificate", name).get("status", {})


def leaks(tenant: Tenant, operator: OperatorProcess, hidden: set[str], scope: str = "--all-namespaces") -> set[str]:
    """Where something is told that is not to be told, with its first letters."""
    told = {
        "the log": operator.log.read_text(),
        "the metrics": operator.metrics(),
        "the objects": tenant.kubectl("get", TALKING, scope, "--output=json"),
        "the metadata of Secrets": tenant.kubectl("get", "secrets", OURS, "--output=jsonpath={..metadata}"),
    }
    assert API in told["the objects"]
    return {f"{where}: {value[:6]}" for where, text in told.items() for value in hidden if value in text}
