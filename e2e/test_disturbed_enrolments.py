"""What happens to an enrolment while the CA takes its time, over every protocol.

Somebody edits, suspends or deletes the Certificate, the Secret, the Issuer or the operator: what was asked for goes on,
begins anew or ends, and never is anything delivered to whom it was not made for. All of it happens at once, each to a
Certificate with an Issuer of its own.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certwright.model.keys import PrivateKey, public_der
from e2e.operator_process import OperatorProcess
from e2e.peers.liars import ACMELiar, CMPLiar, ESTLiar, Liar, SCEPLiar
from e2e.tenant import Object, Tenant, condition_of, secret
from e2e.world import World

LIARS: Mapping[str, Callable[[World], Liar]] = {
    "ACME": lambda world: ACMELiar(world.dns01()),
    "CMP": lambda _: CMPLiar(),
    "EST": lambda _: ESTLiar(),
    "SCEP": lambda _: SCEPLiar(),
}
REST = 3
"""Seconds in which somebody who asks every second would have asked."""


class Fate(Enum):
    """What becomes of the enrolment."""

    GOES_ON = auto()
    BEGINS_ANEW = auto()
    ENDS = auto()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Enrolments under way, of which the CA has not decided yet."""

    tenant: Tenant
    liar: Liar

    def certificate(self, name: str, host: str = "", **spec: Any) -> Object:
        return self.tenant.certificate(name, f"{host or name}.example.test", issuer=f"ca-{name}", **spec)

    def issuer(self, name: str) -> list[Object]:
        return self.liar.issuer(f"ca-{name}")

    def listed(self, resource: str) -> dict[str, Object]:
        found = json.loads(self.tenant.kubectl("get", resource, "--output=json"))["items"]
        return {one["metadata"]["name"]: one for one in found}

    def staged_keys(self) -> dict[str, bytes]:
        """The key of each record, by its Certificate."""
        return {
            one["metadata"]["ownerReferences"][0]["name"]: public_key(one)
            for one in self.listed("secrets").values()
            if one["type"] == "certwright.io/enrolment"
        }


Act = Callable[[Scene, str], object]


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """What somebody does. ``reason`` is told until ``mend`` is done; ``host`` is the name that is wanted in the end."""

    do: Act
    fate: Fate
    is_noticed_first: bool = False
    mend: Act | None = None
    reason: str = ""
    host: str = ""


def editing(**spec: Any) -> Act:
    return lambda scene, name: scene.tenant.apply(scene.certificate(name, **spec))


def delete(scene: Scene, name: str) -> None:
    scene.tenant.kubectl("delete", f"certificates.certwright.io/{name}")


def make_anew(scene: Scene, name: str) -> None:
    delete(scene, name)
    scene.tenant.apply(scene.certificate(name))


def delete_issuer(scene: Scene, name: str) -> None:
    scene.tenant.kubectl("delete", f"issuers.certwright.io/ca-{name}")


def edit_issuer(scene: Scene, name: str) -> None:
    *_, issuer = scene.issuer(name)
    issuer["spec"]["timeouts"] = {"connect": "6s", "request": "6s"}
    scene.tenant.apply(issuer)


def make_foreign_secret(scene: Scene, name: str) -> None:
    scene.tenant.apply(secret(f"{name}-tls", mine="yes"))


def delete_foreign_secret(scene: Scene, name: str) -> None:
    """Untouched until now."""
    assert scene.tenant.data(f"{name}-tls") == {"mine": b"yes"}
    scene.tenant.kubectl("delete", "secret", f"{name}-tls")
    scene.tenant.retry(name)


DISTURBANCES: Mapping[str, Disturbance] = {
    "nothing": Disturbance(do=lambda *_: None, fate=Fate.GOES_ON),
    "names": Disturbance(do=editing(host="other"), fate=Fate.BEGINS_ANEW, host="other"),
    "key-kind": Disturbance(do=editing(privateKey={"algorithm": "RSA", "size": 3072}), fate=Fate.BEGINS_ANEW),
    "template": Disturbance(do=editing(secretTemplate={"labels": {"team": "web"}}), fate=Fate.GOES_ON),
    "renewal": Disturbance(do=editing(renewBefore="24h"), fate=Fate.GOES_ON),
    "label": Disturbance(
        do=lambda scene, name: scene.tenant.kubectl("label", f"certificates.certwright.io/{name}", "team=web"),
        fate=Fate.GOES_ON,
    ),
    "suspended": Disturbance(do=editing(suspend=True), mend=editing(), reason="Suspended", fate=Fate.GOES_ON),
    "deleted": Disturbance(do=delete, fate=Fate.ENDS),
    "made-anew": Disturbance(do=make_anew, fate=Fate.BEGINS_ANEW),
    "foreign": Disturbance(
        do=make_foreign_secret, mend=delete_foreign_secret, reason="SecretNotOwned", fate=Fate.GOES_ON
    ),
    "issuer-edited": Disturbance(do=edit_issuer, fate=Fate.GOES_ON),
    "issuer-deleted": Disturbance(
        do=delete_issuer,
        mend=lambda scene, name: scene.tenant.apply(*scene.issuer(name)),
        reason="IssuerNotFound",
        fate=Fate.BEGINS_ANEW,
        is_noticed_first=True,
    ),
}


def public_key(found: Object) -> bytes:
    key = load_pem_private_key(base64.b64decode(found["data"]["tls.key"]), None)
    assert isinstance(key, PrivateKey)
    return public_der(key)


def reason_of(found: Object) -> str:
    """Why it is not Ready; empty where it is, for its newest generation."""
    condition = condition_of(found, "Ready") or {"status": "", "reason": "not seen yet"}
    is_new = condition.get("observedGeneration") == found["metadata"]["generation"]
    return "" if condition["status"] == "True" and is_new else str(condition["reason"])


@pytest.mark.parametrize("restarts", [pytest.param(False, id="same process"), pytest.param(True, id="restart")])
@pytest.mark.parametrize("protocol", sorted(LIARS))
def test_disturbed_enrolments(world: World, operator: OperatorProcess, protocol: str, *, restarts: bool) -> None:
    chosen = {name: one for name, one in DISTURBANCES.items() if not restarts or one.fate is Fate.GOES_ON}
    with LIARS[protocol](world) as liar:
        scene = Scene(tenant=world, liar=liar)
        world.apply(*(one for name in chosen for one in scene.issuer(name)))
        liar.hold()
        world.apply(*(scene.certificate(name) for name in chosen))
        world.wait("all to be under way", lambda: scene.staged_keys().keys() == chosen.keys(), seconds=60)
        staged = scene.staged_keys()
        for name, disturbance in chosen.items():
            disturbance.do(scene, name)
        if restarts:
            assert operator.stop() == 0
            operator.start()
        # A CA that decides in the very moment would have its certificate delivered, and rightly so.
        wait_for(scene, {name: one.reason for name, one in chosen.items() if one.is_noticed_first})
        liar.release()
        wait_for(scene, {name: one.reason for name, one in chosen.items() if one.fate is not Fate.ENDS})
        assert {name for name, one in chosen.items() if one.reason and liar.asked[name]} <= {"foreign"} | issued_early(
            protocol, chosen
        )
        for name, disturbance in chosen.items():
            if disturbance.mend is not None:
                disturbance.mend(scene, name)
        wait_for(scene, {name: "" for name, one in chosen.items() if one.fate is not Fate.ENDS})
        # The garbage collector of a cluster that has just been started takes half a minute to know our kinds.
        world.wait("the records to go", lambda: world.staged() == [], seconds=90)
        before = liar.received
        time.sleep(REST)
        assert liar.received == before
        check(scene, chosen, staged)


def issued_early(protocol: str, chosen: Mapping[str, Disturbance]) -> set[str]:
    """An ACME server has the request when it says that it is processing it."""
    return set(chosen) if protocol == "ACME" else set()


def wait_for(scene: Scene, reasons: Mapping[str, str]) -> None:
    found: dict[str, str] = {}

    def are_there() -> bool:
        there = scene.listed("certificates.certwright.io")
        found.update({name: reason_of(there[name]) for name in reasons})
        return all(found[name] == reason for name, reason in reasons.items())

    try:
        scene.tenant.wait("what is told of each", are_there, seconds=60)
    except Exception as error:
        error.add_note(str({name: found[name] for name, reason in reasons.items() if found[name] != reason}))
        raise


def check(scene: Scene, chosen: Mapping[str, Disturbance], staged: Mapping[str, bytes]) -> None:
    """What everybody has in the end, with which key, and how often the CA was asked for it."""
    certificates, secrets = scene.listed("certificates.certwright.io"), scene.listed("secrets")
    for name, disturbance in chosen.items():
        if disturbance.fate is Fate.ENDS:
            assert f"{name}-tls" not in secrets, name
            continue
        status, host = certificates[name]["status"], disturbance.host or name
        delivered = secrets[f"{name}-tls"]
        leaf = x509.load_pem_x509_certificates(base64.b64decode(delivered["data"]["tls.crt"]))[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [f"{host}.example.test"], name
        assert (public_key(delivered) == staged[name]) == (disturbance.fate is Fate.GOES_ON), name
        assert status["revision"] == 1, name
        assert {"enrolment", "lastError", "failedIssuanceAttempts"}.isdisjoint(status), name
        assert scene.liar.asked[host] == 1 or scene.liar.protocol == "ACME", name
