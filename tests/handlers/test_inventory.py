"""What is remembered of the objects that the watches show."""

from collections.abc import Callable
from typing import Any

import pytest

from certwright.handlers.inventory import Inventory
from certwright.model.metadata import Key, Kind, metadata_of
from tests.handlers.cluster import CA, WEB, Cluster


def body(version: int = 1, uid: str = "uid-1", **spec: Any) -> dict[str, Any]:
    wanted = {"secretName": "web-tls", "issuerRef": {"name": "ca"}, "dnsNames": ["web.example.com"], **spec}
    metadata = {"namespace": "shop", "name": "web", "uid": uid, "resourceVersion": str(version), "generation": 1}
    return {"metadata": metadata, "spec": wanted}


@pytest.mark.parametrize(
    ("later", "version"),
    [
        pytest.param(body(11), 11, id="newer"),
        pytest.param(body(10), 10, id="same"),
        pytest.param(body(9), 10, id="older"),
        pytest.param(body(9, uid="uid-2"), 9, id="of another object"),
    ],
)
@pytest.mark.parametrize("key", [WEB, CA], ids=["certificate", "issuer"])
def test_an_older_version_of_the_same_object_is_ignored(key: Key, later: dict[str, Any], version: int) -> None:
    inventory = Inventory()
    for shown in (body(10), later):
        if key.kind == Kind.CERTIFICATE:
            inventory.upsert_certificate(key, shown)
        else:
            inventory.upsert_issuer(key, shown)

    assert inventory.holds(key, metadata_of(later))
    known = inventory.certificates.get(key)
    assert version == (known.version if known else int(inventory.issuers[key]["metadata"]["resourceVersion"]))


def test_what_was_not_shown_is_not_held() -> None:
    inventory = Inventory()
    assert not inventory.holds(WEB, metadata_of(body()))
    inventory.upsert_certificate(WEB, body(10))
    assert not inventory.holds(WEB, metadata_of(body(11)))
    assert not inventory.holds(WEB, metadata_of(body(10, uid="uid-2")))


async def test_the_body_of_a_settled_certificate_is_dropped(cluster: Cluster) -> None:
    await cluster.issued()

    record = cluster.operator.inventory.certificates[WEB]

    assert record.is_settled
    assert record.body is None
    assert record.is_ready
    assert record.due is not None


UNSETTLING: dict[str, dict[str, Any]] = {
    "a new spec": {"spec": {"dnsNames": ["other.example.com"]}},
    "a renew request": {"metadata": {"annotations": {"certwright.io/renew": "one"}}},
    "a retry request": {"metadata": {"annotations": {"certwright.io/retry": "one"}}},
    "not ready": {"status": {"conditions": []}},
    "a renewal that waits": {
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Issuing", "status": "False"}]}
    },
    "an enrolment": {"status": {"enrolment": {"protocol": "acme"}}},
    "a failure": {"status": {"lastError": {"class": "Transient", "reason": "Unreachable"}}},
    "other checks": {"status": {"secret": {"checks": 0}}},
    "no Secret checked": {"status": {"secret": None}},
    "no status": {"status": None},
    "a deletion": {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}},
}


@pytest.mark.parametrize("patch", UNSETTLING.values(), ids=UNSETTLING.keys())
async def test_what_is_to_be_looked_at_is_not_settled(cluster: Cluster, patch: dict[str, Any]) -> None:
    await cluster.issued()

    await cluster.edit(**patch)

    assert await cluster.woken() == {WEB}
    assert not cluster.operator.inventory.certificates[WEB].is_settled


@pytest.mark.parametrize(
    ("ref", "issuer"),
    [
        pytest.param({"name": "ca"}, CA, id="in the namespace"),
        pytest.param({"name": "ca", "kind": "ClusterIssuer"}, Key(Kind.CLUSTER_ISSUER, "", "ca"), id="of the cluster"),
        pytest.param({"name": "ca", "group": "cert-manager.io"}, None, id="of somebody else"),
    ],
)
def test_users_are_found_by_their_issuer(ref: dict[str, str], issuer: Key | None) -> None:
    inventory = Inventory()
    inventory.upsert_certificate(WEB, body(issuerRef=ref))

    assert inventory.certificates[WEB].issuer == issuer
    assert issuer is None or list(inventory.users_of(issuer)) == [WEB]


def test_what_is_forgotten_is_gone() -> None:
    inventory = Inventory()
    inventory.upsert_certificate(WEB, body())
    inventory.upsert_issuer(CA, body())

    inventory.forget(WEB)
    inventory.forget(CA)

    assert not inventory.certificates
    assert list(inventory.keys(Kind.ISSUER)) == []


OTHER = WEB._replace(name="other")


def writers(inventory: Inventory) -> dict[str, tuple[Key, ...]]:
    found = {name: inventory.writers_of("shop", name) for name in ("web-tls", "new-tls")}
    return {name: keys for name, keys in found.items() if keys}


def test_who_names_a_secret_is_found_by_its_name_in_the_order_of_coming() -> None:
    inventory = Inventory()
    inventory.upsert_certificate(WEB, body(10))
    inventory.upsert_certificate(OTHER, body(11, uid="uid-2"))
    assert writers(inventory) == {"web-tls": (WEB, OTHER)}

    inventory.upsert_certificate(WEB, body(12))
    assert writers(inventory) == {"web-tls": (WEB, OTHER)}

    inventory.upsert_certificate(WEB, body(13, secretName="new-tls"))
    assert writers(inventory) == {"web-tls": (OTHER,), "new-tls": (WEB,)}

    inventory.forget(OTHER)
    inventory.forget(WEB)
    assert writers(inventory) == {}


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        pytest.param(lambda inventory: inventory.forget(WEB), [OTHER], id="one goes"),
        pytest.param(
            lambda inventory: inventory.upsert_certificate(WEB, body(13, secretName="new-tls")), [OTHER], id="one moves"
        ),
        pytest.param(lambda inventory: inventory.upsert_certificate(WEB, body(13)), [], id="one is edited otherwise"),
        pytest.param(lambda inventory: inventory.forget(CA), [], id="an issuer goes"),
    ],
)
def test_whoever_names_the_same_secret_is_woken_when_one_lets_go_of_it(
    happens: Callable[[Inventory], object], expected: list[Key]
) -> None:
    inventory = Inventory()
    woken: list[Key] = []
    inventory.wake = woken.append
    inventory.upsert_certificate(WEB, body(10))
    inventory.upsert_certificate(OTHER, body(11, uid="uid-2"))

    happens(inventory)

    assert woken == expected
