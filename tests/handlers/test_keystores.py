"""Keystores from the Certificate to the Secret: their passwords, their changes, and what a look at them costs."""

import base64
import logging
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from certwright.model.enrolment import Pending
from certwright.model.metadata import Key
from certwright.runtime.workers import Done
from tests.handlers.cluster import WEB, Cluster, decoded
from tests.model.keystores.reading import read_jks

SECRETS = "/api/v1/namespaces/shop/secrets"
REF = {"create": True, "passwordSecretRef": {"name": "store"}}
BOTH: dict[str, Any] = {"keystores": {"jks": REF, "pkcs12": REF}}
INLINE: dict[str, Any] = {"keystores": {"jks": {"create": True, "password": "inline"}}}
PERIOD = timedelta(minutes=10)


async def password(cluster: Cluster, value: bytes = b"changeit", *, key: str = "password") -> None:
    """Makes the Secret with it."""
    body = {"metadata": {"name": "store"}, "data": {key: base64.b64encode(value).decode()}}
    await cluster.server.request("POST", SECRETS, query={}, body=body)


async def other_password(cluster: Cluster, value: bytes) -> None:
    body = {"data": {"password": base64.b64encode(value).decode()}}
    await cluster.server.merge(f"{SECRETS}/store", body, manager="kubectl")


@pytest.fixture
async def settled(cluster: Cluster) -> Cluster:
    """A Certificate with its keystores, which were looked at once more."""
    await password(cluster)
    await cluster.issued(**BOTH)
    await look(cluster)
    return cluster


async def look(cluster: Cluster, key: Key = WEB) -> list[str]:
    """Ten minutes later; what was asked of the API server."""
    cluster.server.requests.clear()
    await cluster.clock.advance(PERIOD)
    await cluster.handle(key)
    return [f"{method} {path.rpartition('/')[2].partition('?')[0]}" for method, path in cluster.server.requests]


async def test_they_come_with_the_certificate_and_open_with_the_password(cluster: Cluster) -> None:
    await password(cluster)
    data = decoded(await cluster.issued(**BOTH))
    assert list(read_jks(data["keystore.jks"], "changeit").keys) == ["certificate"]
    assert pkcs12.load_pkcs12(data["keystore.p12"], b"changeit").key is not None
    assert cluster.condition() == ("True", "Ready")


async def test_a_password_in_the_spec_needs_no_secret(cluster: Cluster) -> None:
    data = decoded(await cluster.issued(**INLINE))
    assert read_jks(data["keystore.jks"], "inline").keys
    assert await look(cluster) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(None, "Secret shop/store does not exist: create it with the key 'password'", id="no Secret"),
        pytest.param({"pw": b"changeit"}, "Secret shop/store has no key 'password': add it", id="no such key"),
        pytest.param({"password": b"\xff\xfe"}, "is not UTF-8 text of 1 to 1024 characters", id="no text"),
        pytest.param({"password": b"x" * 1025}, "is not UTF-8 text of 1 to 1024 characters", id="endless"),
    ],
)
async def test_a_missing_password_is_told_before_the_ca_is_asked(
    cluster: Cluster, data: dict[str, bytes] | None, expected: str
) -> None:
    for key, value in (data or {}).items():
        await password(cluster, value, key=key)
    await cluster.issuer()
    await cluster.certificate(**BOTH)
    await cluster.handle()
    assert cluster.condition() == cluster.condition("Issuing") == ("False", "MissingReference")
    message = cluster.status()["conditions"][0]["message"]
    assert message.startswith("spec.keystores.jks.passwordSecretRef: ")
    assert expected in message
    assert cluster.ca.asked == []
    assert cluster.staged == []


async def test_a_password_that_comes_later_is_found(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate(**BOTH)
    assert await cluster.delay() == 30
    assert await cluster.delay() == 30
    await password(cluster)
    await cluster.handle()
    assert cluster.condition() == ("True", "Ready")
    assert "keystore.p12" in decoded(cluster.secret())


async def test_a_renewal_waits_for_its_password_and_the_certificate_stays_ready(settled: Cluster) -> None:
    await settled.server.delete(f"{SECRETS}/store")
    await settled.annotate(renew="now")
    await settled.handle()
    assert settled.condition() == ("True", "Ready")
    assert settled.condition("Issuing") == ("False", "MissingReference")
    assert len(settled.ca.issued) == 1
    await password(settled, b"new one")
    await settled.handle()
    assert len(settled.ca.issued) == 2
    assert read_jks(decoded(settled.secret())["keystore.jks"], "new one").keys


async def test_one_that_vanishes_while_the_ca_is_asked_keeps_what_is_staged(cluster: Cluster) -> None:
    await password(cluster)
    await cluster.issuer()
    await cluster.certificate(**BOTH)

    async def vanish() -> None:
        await cluster.server.delete(f"{SECRETS}/store")

    cluster.ca.meanwhile = vanish
    await cluster.handle()
    assert cluster.status()["lastError"]["reason"] == "MissingReference"
    assert len(cluster.staged) == 1
    await cluster.clock.advance(60)
    await cluster.handle()
    assert len(cluster.ca.asked) == 2, "the order, and its certificate: nothing more while the password is away"
    await password(cluster)
    await cluster.handle()
    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.issued) == 1


async def test_a_settled_certificate_without_its_password_is_left_alone(settled: Cluster) -> None:
    before = settled.secret()
    await settled.server.delete(f"{SECRETS}/store")
    settled.server.requests.clear()
    assert await look(settled) == ["GET store", "GET web", "GET store"]
    await settled.server.merge(f"{SECRETS}/web-tls", {"metadata": {"labels": {"a": "b"}}}, manager="kubectl")
    await settled.handle()
    assert settled.condition() == ("True", "Ready")
    assert settled.condition("Issuing") == ("", "")
    assert settled.secret()["data"] == before["data"]


async def test_keystores_that_are_asked_for_later_wait_for_their_password(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.edit(spec=BOTH)
    await cluster.handle()
    assert cluster.condition() == ("True", "Ready")
    assert cluster.condition("Issuing") == ("False", "MissingReference")
    await password(cluster)
    await cluster.handle()
    assert cluster.condition("Issuing") == ("", "")
    assert {"keystore.jks", "keystore.p12"} <= cluster.secret()["data"].keys()
    assert len(cluster.ca.issued) == 1


async def test_a_store_that_is_not_asked_for_any_more_disappears(settled: Cluster) -> None:
    await settled.edit(spec={"keystores": {"pkcs12": None}})
    await settled.handle()
    stores = {name for name in settled.secret()["data"] if name.startswith(("keystore", "truststore"))}
    assert stores == {"keystore.jks"}
    assert len(settled.ca.issued) == 1


async def test_a_new_password_is_applied_without_the_ca(settled: Cluster) -> None:
    await other_password(settled, b"another")
    assert await look(settled) == ["GET store", "GET web", "GET store", "GET web-tls", "PATCH web-tls", "PATCH status"]
    data = decoded(settled.secret())
    assert read_jks(data["keystore.jks"], "another").keys
    assert pkcs12.load_pkcs12(data["keystore.p12"], b"another").key is not None
    assert len(settled.ca.issued) == 1
    assert settled.condition() == ("True", "Ready")


async def test_a_look_at_what_is_well_is_one_get(settled: Cluster) -> None:
    assert await look(settled) == ["GET store"]
    assert await look(settled) == ["GET store"]


async def test_between_the_looks_nothing_is_asked(settled: Cluster) -> None:
    settled.server.requests.clear()
    result = await settled.handle()
    assert isinstance(result, Done)
    assert result.after is not None
    assert timedelta(0) < result.after <= PERIOD
    assert settled.server.requests == []


async def test_a_restart_asks_nothing_before_the_first_look(settled: Cluster) -> None:
    await settled.restart()
    await settled.handle()
    assert settled.server.requests == []
    assert await look(settled) == ["GET web", "GET store", "GET web-tls"]
    assert await look(settled) == ["GET store"]


async def test_one_without_keystores_is_not_looked_at(cluster: Cluster) -> None:
    await cluster.issued()
    assert await look(cluster) == []


async def test_the_looks_are_spread(cluster: Cluster) -> None:
    await password(cluster)
    names = [f"web-{number}" for number in range(8)]
    for name in names:
        await cluster.issued(name, **BOTH)
    delays = [await cluster.delay(WEB._replace(name=name)) for name in names]
    assert len({round(delay or 0) for delay in delays}) > 4


async def test_ten_touches_by_others_are_no_reason_to_write(settled: Cluster) -> None:
    before = settled.secret()["data"]
    for number in range(10):
        body = {"metadata": {"annotations": {"theirs": str(number)}}}
        await settled.server.merge(f"{SECRETS}/web-tls", body, manager="kubectl")
        settled.writes()
        await settled.handle()
        assert settled.writes() == ["PATCH certificates/status"]
    assert settled.secret()["data"] == before


@pytest.mark.parametrize("name", ["keystore.jks", "keystore.p12"])
@pytest.mark.parametrize("value", ["bm9uc2Vuc2U=", None], ids=["overwritten", "taken away"])
async def test_a_tampered_keystore_is_put_back_without_the_ca(settled: Cluster, name: str, value: str | None) -> None:
    before = settled.secret()["data"]
    await settled.server.merge(f"{SECRETS}/web-tls", {"data": {name: value}}, manager="kubectl")
    await settled.handle()
    assert settled.secret()["data"] == before
    assert len(settled.ca.issued) == 1


async def test_what_cannot_be_written_is_said_before_the_ca_is_asked(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate(keystores={"pkcs12": {"create": True, "password": "x", "profile": "LegacyRC2"}})
    await cluster.handle()
    assert cluster.condition() == ("False", "NotImplemented")
    assert "set LegacyDES or leave profile out" in cluster.status()["conditions"][0]["message"]
    assert cluster.ca.asked == []
    await cluster.edit(spec={"keystores": {"pkcs12": {"profile": None}}})
    await cluster.handle()
    assert cluster.condition() == ("True", "Ready")


async def test_no_password_is_told_to_anybody(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await password(cluster, b"hush-1\xff")
    await cluster.issuer()
    await cluster.certificate(**BOTH)
    await cluster.handle()
    await other_password(cluster, b"hush-2")
    await cluster.handle()
    await cluster.edit(spec={"keystores": {"jks": {"password": "hush-3", "passwordSecretRef": None}}})
    await cluster.handle()
    assert read_jks(decoded(cluster.secret())["keystore.jks"], "hush-3").keys
    told = [cluster.status(), cluster.secret()["metadata"]]
    told += [stored.body for key, stored in cluster.server.objects.items() if key[1] == "events"]
    observed = await cluster.operator._observer.observe(WEB)
    assert "hush" not in f"{told} {caplog.text} {observed!r}"


async def test_a_long_wait_for_the_ca_is_not_cut_short_again_and_again(cluster: Cluster) -> None:
    await password(cluster)
    await cluster.issuer()
    await cluster.certificate(**BOTH)
    cluster.ca.script.append(Pending(retry_after=timedelta(hours=1), resume={}, message="later"))
    await cluster.handle()
    cluster.operator.enrolments.suspend(WEB)
    await cluster.handle()
    for _ in range(2):
        await cluster.clock.advance(PERIOD)
        delay = await cluster.delay()
        assert delay is not None
        assert delay > 0
    assert len(cluster.ca.asked) == 2


async def test_they_move_with_the_pair_when_the_name_of_the_secret_changes(settled: Cluster) -> None:
    before = settled.secret()["data"]
    await settled.edit(spec={"secretName": "moved-tls"})
    await settled.handle()
    assert settled.secret("moved-tls")["data"] == before
    assert len(settled.ca.issued) == 1


async def test_a_pair_is_not_moved_without_its_keystores(settled: Cluster) -> None:
    await settled.server.delete(f"{SECRETS}/store")
    await settled.edit(spec={"secretName": "moved-tls"})
    await settled.handle()
    assert settled.condition("Issuing") == ("False", "MissingReference")
    await password(settled, b"another")
    await settled.handle()
    assert read_jks(decoded(settled.secret("moved-tls"))["keystore.jks"], "another").keys
    assert len(settled.ca.issued) == 1


async def test_an_adopted_pair_gets_its_keystores(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.delete()
    await cluster.handle()
    annotations = {"certwright.io/certificate-name": None}
    await cluster.server.merge(f"{SECRETS}/web-tls", {"metadata": {"annotations": annotations}}, manager="kubectl")
    await cluster.certificate(adoption="Adopt", **INLINE)
    await cluster.handle()
    assert read_jks(decoded(cluster.secret())["keystore.jks"], "inline").keys
    assert len(cluster.ca.issued) == 1
