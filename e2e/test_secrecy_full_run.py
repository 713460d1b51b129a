"""A full run over all four protocols, with every kind of secret that certwright is given or makes: none is told.

Debug level is on, and everything is there that makes programs talk: failures, renewals, a revocation, a restart.
``test_secrecy`` looks at ACME's and at passwords alone; here the values are looked for in all forms.
"""

import base64
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from e2e.authority import Authority
from e2e.issuers import est_issuer, scep_issuer
from e2e.launching import Launcher
from e2e.peers import Bind9, Pebble
from e2e.peers.est import ScriptedESTServer
from e2e.peers.liars import CMPLiar, ESTLiar, Loopback, SCEPLiar, now
from e2e.peers.scep import SCEPServer
from e2e.tenant import API, Object, Tenant, secret
from e2e.world import World
from tests.fakes.challenge_webhook import FakeChallengeWebhook
from tests.fakes.ndes import FakeNDES

TALKING = (
    "certificates.certwright.io,issuers.certwright.io,clusterissuers.certwright.io,events.events.k8s.io,configmaps,"
    "ingresses,leases"
)
OURS = "--selector=certwright.io/managed=true"
LONGEST_QUOTE = 24
"""Characters of a key that would already be too many."""


def a_secret(what: str) -> str:
    """One that is found again, and whose percent-encoded form is another."""
    return f"{what}/{secrets.token_urlsafe(18)}=+"


@dataclass(frozen=True)
class Hidden:
    """The values that are looked for, by what they are."""

    forms: dict[str, set[str]] = field(default_factory=dict)

    def add(self, what: str, value: str | bytes) -> None:
        raw = value.encode() if isinstance(value, str) else value
        encoded = {
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
            raw.hex(),
            quote(raw, safe=""),
        }
        plain = {value} if isinstance(value, str) else set()
        # At the other two offsets in a longer text, such as user:password, its base64 is another one.
        shifted = {base64.b64encode(b"\0" * by + raw).decode()[4:-4] for by in (1, 2)}
        self.forms.setdefault(what, set()).update(plain, {one.rstrip("=") for one in encoded}, shifted)

    def add_key(self, what: str, pem: bytes) -> None:
        """Each line of it, and what is secret in it in hexadecimal."""
        lines = [line for line in pem.decode().splitlines() if "-----" not in line and len(line) > LONGEST_QUOTE]
        key: Any = load_pem_private_key(pem, None)
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        middle = len(der) // 3
        within = base64.b64encode(pem).decode()[60:120]
        self.forms.setdefault(what, set()).update(lines, {within, der[middle : middle + LONGEST_QUOTE].hex()})

    def told_in(self, places: dict[str, str]) -> set[str]:
        """Where which of them is told, without telling it once more."""
        return {
            f"{what} in {where}"
            for where, text in places.items()
            for what, forms in self.forms.items()
            if any(one in text for one in forms)
        }


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Cast:
    """Puts servers, Issuers and Certificates together."""

    def __init__(self, world: World, servers: ExitStack, bind9: Bind9) -> None:
        self.world, self.servers, self.bind9 = world, servers, bind9
        self.hidden = Hidden()
        self.objects: list[Object] = []
        self.good: list[str] = []
        self.bad: list[str] = []

    def assemble(self) -> "Cast":
        self.acme()
        self.est()
        self.scep()
        self.cmp()
        return self

    def secret(self, what: str) -> str:
        value = a_secret(what)
        self.hidden.add(what, value)
        return value

    def enrols(self, name: str, issuer: str, *, is_good: bool = True, **spec: Any) -> None:
        self.objects.append(self.world.certificate(name, f"{name}.example.test", issuer=issuer, **spec))
        (self.good if is_good else self.bad).append(name)

    def acme(self) -> None:
        raw = secrets.token_bytes(32)
        mac = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        self.hidden.add("the key of the account binding", mac)
        self.hidden.add("the key of the account binding", raw)
        self.hidden.add("the TSIG key", self.bind9.key.secret)
        self.hidden.add("the TSIG key", base64.b64decode(self.bind9.key.secret))
        pebble = self.servers.enter_context(Pebble(self.bind9.url, eab_keys={"mine": mac}))
        binding = {"keyID": "mine", "keySecretRef": {"name": "eab"}}
        away = self.world.issuer("acme-away", pebble=pebble)
        away["spec"]["acme"]["server"] = "https://127.0.0.1:9/dir"
        self.objects += [
            secret("eab", secret=mac),
            self.world.issuer("acme", pebble=pebble, externalAccountBinding=binding),
            away,
        ]
        self.enrols("acme", "acme")
        self.enrols("acme-rsa", "acme", privateKey={"algorithm": "RSA", "encoding": "PKCS1"})
        self.enrols("acme-away", "acme-away", is_good=False)

    def est(self) -> None:
        password, wrong, bearer = self.secret("EST password"), self.secret("wrong password"), self.secret("bearer")
        self.hidden.add("EST password", f"device:{password}")
        server = self.servers.enter_context(ScriptedESTServer(username="device", password=password))
        pair = server.hierarchy.issue("registration authority")
        self.hidden.add_key("the key of EST's client", pair.private_key.encode())
        liar = self.servers.enter_context(ESTLiar())
        liar.fake.authentication.schemes, liar.fake.authentication.tokens = ("Bearer",), {bearer}
        client = {"clientCertificate": {"secretRef": {"name": "est-pair"}}}
        self.objects += [
            *est_issuer("est", server, username="device", password=password),
            *est_issuer("est-wrong", server, username="device", password=wrong),
            secret("est-pair", "kubernetes.io/tls", **{"tls.crt": pair.certificate, "tls.key": pair.private_key}),
            *est_issuer("est-client", server, auth=client),
            secret("bearer", token=bearer),
            *liar.issuer("est-bearer", auth={"bearer": {"secretRef": {"name": "bearer", "key": "token"}}}),
        ]
        store = self.secret("keystore password")
        self.objects.append(secret("store", password=store))
        reference = {"create": True, "passwordSecretRef": {"name": "store"}}
        self.enrols("est", "est", keystores={"jks": reference, "pkcs12": reference})
        self.enrols("est-made-there", "est", est={"serverKeyGeneration": True})
        self.enrols("est-client", "est-client")
        self.enrols("est-bearer", "est-bearer")
        self.enrols("est-wrong", "est-wrong", is_good=False)

    def scep(self) -> None:
        challenge, own, wrong = self.secret("challenge"), self.secret("own challenge"), self.secret("wrong challenge")
        server = self.servers.enter_context(SCEPServer(challenge=challenge))
        once = self.servers.enter_context(SCEPServer(challenge=own))
        liar = self.servers.enter_context(SCEPLiar())
        trust, ndes = Authority.create("pages"), FakeNDES(password=self.secret("NDES password"))
        hook = FakeChallengeWebhook(clock=now, key=self.secret("webhook key").encode())
        page = self.servers.enter_context(Loopback(ndes.handle, authority=trust))
        service = self.servers.enter_context(Loopback(hook.handle, authority=trust))
        bundle = base64.b64encode(trust.pem.encode()).decode()
        by_page = {"ndes": {"url": f"{page.origin}/certsrv/mscep_admin/", "credentialsSecretRef": {"name": "ndes"}}}
        by_hook = {
            "webhook": {"url": f"{service.origin}/", "hmacSecretRef": {"name": "hook"}, "caBundle": bundle},
        }
        (ndes_issuer,) = liar.issuer("scep-ndes", challenge=by_page)
        ndes_issuer["spec"]["tls"] = {"caBundle": bundle}
        self.objects += [
            *scep_issuer("scep", server, challenge=challenge),
            *scep_issuer("scep-wrong", server, challenge=wrong),
            *scep_issuer("scep-once", once),
            secret("own", challenge=own),
            secret("ndes", username=ndes.username, password=ndes.password),
            ndes_issuer,
            secret("hook", secret=(hook.key or b"").decode()),
            *liar.issuer("scep-hook", challenge=by_hook),
        ]
        self.hidden.add("a challenge of NDES", "0000000000000001")
        self.hidden.add("a challenge of the webhook", "hook-challenge-1")
        self.enrols("scep", "scep")
        self.enrols("scep-once", "scep-once", scep={"challengeSecretRef": {"name": "own"}})
        self.enrols("scep-ndes", "scep-ndes")
        self.enrols("scep-hook", "scep-hook")
        self.enrols("scep-wrong", "scep-wrong", is_good=False)

    def cmp(self) -> None:
        liar = self.servers.enter_context(CMPLiar())
        mac, own, wrong = self.secret("MAC secret"), self.secret("own MAC secret"), self.secret("wrong MAC secret")
        liar.fake.secrets |= {"device-1": mac.encode(), "device-2": own.encode()}
        pair = liar.fake.authority.pair("RA")
        key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.hidden.add_key("the key of CMP's RA", key)
        chain = [one.public_bytes(Encoding.PEM).decode() for one in (pair.certificate, *pair.chain)]
        protection = {"mac": {"reference": "device-1", "secretRef": {"name": "cmp-mac"}}}
        by_ra = protection | {"registrationAuthority": {"secretRef": {"name": "ra"}}}
        self.objects += [
            *liar.issuer("cmp", renewalOperation="kur"),
            *liar.issuer("cmp-wrong"),
            *liar.issuer("cmp-ra", protection=by_ra),
            # Over what the issuers' own manifests brought along.
            secret("cmp-mac", secret=mac),
            secret("cmp-wrong-mac", secret=wrong),
            secret("own-mac", secret=own),
            secret("ra", "kubernetes.io/tls", **{"tls.crt": "".join(chain), "tls.key": key.decode()}),
        ]
        self.enrols("cmp", "cmp", revocation={"onDelete": True})
        self.enrols("cmp-own", "cmp", cmp={"mac": {"reference": "device-2", "secretRef": {"name": "own-mac"}}})
        self.enrols("cmp-central", "cmp", cmp={"centralKeyGeneration": True})
        self.enrols("cmp-ra", "cmp-ra")
        self.enrols("cmp-wrong", "cmp-wrong", is_good=False)


def test_nothing_of_a_full_run_is_told(
    world: World, alone: None, launch: Launcher, servers: ExitStack, bind9: Bind9
) -> None:
    del alone
    cast = Cast(world, servers, bind9).assemble()
    hidden = cast.hidden
    operator = launch(flags=["--log-level=debug"])
    world.apply(*cast.objects)
    for name in cast.good:
        world.wait_ready(name, seconds=60)
    for name in cast.bad:
        world.wait(f"the failure of {name}", partial(is_told, world, name))
    add_keys(world, cast, hidden)
    for name in ("acme", "est", "scep", "cmp"):
        world.renew(name)
    add_keys(world, cast, hidden)
    world.kubectl("delete", "certificates.certwright.io/cmp", "--timeout=30s")
    places = {"the log": operator.log.read_text(), "the metrics": operator.metrics()}
    assert operator.stop() == 0
    operator.start()
    world.renew("est-client")
    add_keys(world, cast, hidden)
    places |= {
        "the log after the restart": operator.log.read_text(),
        "the metrics after the restart": operator.metrics(),
        "the objects": world.kubectl("get", TALKING, "--all-namespaces", "--output=json"),
        "the metadata of Secrets": world.kubectl("get", "secrets", OURS, "--output=jsonpath={..metadata}"),
    }
    assert API in places["the objects"]
    assert hidden.told_in(places) == set()
    assert len(hidden.forms) > 25


def is_told(tenant: Tenant, name: str) -> bool:
    """Whether the Certificate, or the Issuer before it, has said what is wrong."""
    conditions = tenant.get("Certificate", name).get("status", {}).get("conditions", [])
    return any(one["status"] == "False" and one["reason"] not in {"DoesNotExist", "Pending"} for one in conditions)


def add_keys(tenant: Tenant, cast: Cast, hidden: Hidden) -> None:
    """Those that are in Secrets now: of certificates, of accounts, and staged."""
    names = [f"{name}-tls" for name in cast.good if tenant.exists("Secret", f"{name}-tls")]
    accounts = [name for name in ("acme-account",) if tenant.exists("Secret", name)]
    for name in (*names, *accounts, *tenant.staged()):
        data = tenant.data(name)
        if "tls.key" in data:
            hidden.add_key(f"tls.key of {name}", data["tls.key"])
