"""Issuers for the peers, as users write them: the manifest, and the Secrets that it needs.

Each function answers what ``Tenant.apply`` takes, the Issuer last. Its keyword arguments beside those named here are
fields of the protocol's block in the spec, which add to and replace what stands there otherwise.
"""

import base64
from typing import Any

from e2e.authority import KeyPair
from e2e.peers import Bind9, Pebble, SCEPServer, StepCA
from e2e.peers.cmp import CMPServer
from e2e.peers.est.endpoint import ESTEndpoint
from e2e.tenant import API, Object, secret

DIRECT: Object = {"http01": {"direct": {}}}
"""A solver for names whose port 80 leads to the operator already."""

LEGACY_ANSWERS: Object = {"accept": ["DES", "SHA-1"]}
"""What micromdm's scepserver answers with, whatever its clients send. It wants the challenge in renewals, too."""


def acme_issuer(name: str, server: Pebble, /, *, solvers: list[Object], **acme: Any) -> list[Object]:
    """An Issuer for pebble, with an account of its own."""
    spec: Object = {
        "server": server.url,
        "email": "pki@example.test",
        "termsOfServiceAgreed": True,
        "privateKeySecretRef": {"name": f"{name}-account"},
        "solvers": solvers,
    }
    return [_issuer(name, acme=spec | acme, tls=_trusting(server.trust_anchor))]


def dns01(bind9: Bind9) -> Object:
    """A solver that updates BIND with the key of ``tsig_secret``."""
    rfc2136 = {
        "nameserver": bind9.url,
        "tsigKeyName": bind9.key.name,
        "tsigSecretSecretRef": {"name": "tsig"},
    }
    return {"dns01": {"rfc2136": rfc2136}}


def tsig_secret(bind9: Bind9) -> Object:
    return secret("tsig", **{"tsig-secret": bind9.key.secret})


def est_issuer(
    name: str, server: ESTEndpoint, /, *, username: str = "", password: str = "", **est: Any
) -> list[Object]:
    """An Issuer for an EST server: with a password if there is a user name, trusted by its root unless pinned."""
    spec: Object = {"url": server.url}
    secrets = []
    if username:
        secrets.append(secret(f"{name}-password", password=password))
        reference = {"name": f"{name}-password"}
        spec["auth"] = {"password": {"username": username, "passwordSecretRef": reference}}
    trust = {} if "bootstrap" in est else {"tls": _trusting(server.trust_anchor)}
    return [*secrets, _issuer(name, est=spec | est, **trust)]


def scep_issuer(name: str, server: SCEPServer | StepCA, /, *, challenge: str = "", **scep: Any) -> list[Object]:
    """An Issuer for a SCEP server, whose CA is pinned; ``challenge`` is the same for every Certificate."""
    spec: Object = {"url": server.url, "caFingerprintSHA256": server.fingerprint}
    secrets = []
    if challenge:
        secrets.append(secret(f"{name}-challenge", challenge=challenge))
        spec["challenge"] = {"secretRef": {"name": f"{name}-challenge"}}
    if isinstance(server, SCEPServer):
        spec |= {"legacyAlgorithms": LEGACY_ANSWERS, "challengeOnRenewal": bool(challenge)}
    return [*secrets, _issuer(name, scep=spec | scep)]


def cmp_issuer(name: str, server: CMPServer, /, *, client: KeyPair | None = None, **cmp: Any) -> list[Object]:
    """An Issuer for a CMP server, trusted by its root: with its shared secret, or with the pair of a client."""
    if client is None:
        made = secret(f"{name}-mac", secret=server.secret)
        protection: Object = {"mac": {"reference": server.reference, "secretRef": {"name": f"{name}-mac"}}}
    else:
        pair = {"tls.crt": client.certificate, "tls.key": client.private_key}
        made = secret(f"{name}-client", "kubernetes.io/tls", **pair)
        protection = {"signature": {"secretRef": {"name": f"{name}-client"}}}
    spec: Object = {"url": server.url, "protection": protection, "trust": _trusting(server.ca_certificate)}
    return [made, _issuer(name, cmp=spec | cmp)]


def _issuer(name: str, **spec: Object) -> Object:
    return {"apiVersion": API, "kind": "Issuer", "metadata": {"name": name}, "spec": spec}


def _trusting(root: str) -> Object:
    return {"caBundle": base64.b64encode(root.encode()).decode()}
