"""A Certificate's own credential serves one enrolment, and is read from the Certificate's own namespace."""

import base64
from typing import Any

import pytest

from certwright.model.errors import RejectedError
from certwright.model.metadata import Kind
from tests.handlers.cluster import WEB, Cluster

EST = {"est": {"url": "https://est.example.com"}}
PASSWORD = {"password": {"username": "dev1", "passwordSecretRef": {"name": "otp"}}}


async def otp(cluster: Cluster, value: bytes = b"one-time", *, plural: str = "secrets") -> None:
    body = {"metadata": {"name": "otp"}, "data": {"password": base64.b64encode(value).decode()}}
    await cluster.server.request("POST", f"/api/v1/namespaces/shop/{plural}", query={}, body=body)


@pytest.fixture
async def enrolling(cluster: Cluster) -> Cluster:
    """A Certificate with a password of its own, whose Secret is not there yet."""
    cluster.ca.makes_orders = False
    cluster.ca.wants_credential = True
    await cluster.issuer(spec=EST)
    await cluster.certificate(est=PASSWORD)
    await cluster.woken()
    return cluster


async def test_it_goes_into_the_request_and_is_remembered_as_used(enrolling: Cluster) -> None:
    await otp(enrolling)
    await enrolling.handle()
    assert [asked.secret for asked in enrolling.ca.asked] == [b"one-time"]
    used = enrolling.server.body("secrets", "otp")["metadata"]
    assert enrolling.status()["usedCredential"] == f"{used['uid']}/{used['resourceVersion']}"


async def test_a_missing_one_is_told_with_the_field(enrolling: Cluster) -> None:
    await enrolling.handle()
    assert enrolling.condition() == ("False", "MissingReference")
    assert "spec.est.password: Secret shop/otp" in enrolling.status()["lastError"]["message"]
    await otp(enrolling)
    await enrolling.clock.advance(10)
    await enrolling.handle()
    assert enrolling.condition() == ("True", "Ready")


async def test_it_is_not_used_twice_until_the_secret_changes(enrolling: Cluster) -> None:
    await otp(enrolling)
    await enrolling.handle()
    await enrolling.annotate(renew="now")
    await enrolling.handle()
    assert enrolling.condition("Issuing") == ("False", "CredentialUsed")
    assert len(enrolling.ca.asked) == 1
    body = {"data": {"password": base64.b64encode(b"another").decode()}}
    await enrolling.server.merge("/api/v1/namespaces/shop/secrets/otp", body, manager="kubectl")
    await enrolling.clock.advance(10)
    await enrolling.handle()
    assert [asked.secret for asked in enrolling.ca.asked] == [b"one-time", b"another"]
    assert enrolling.status()["revision"] == 2


async def test_a_refusal_uses_it_too(enrolling: Cluster) -> None:
    enrolling.ca.script.append(RejectedError("wrong password"))
    await otp(enrolling)
    await enrolling.handle()
    assert enrolling.condition() == ("False", "Rejected")
    await enrolling.clock.advance(120)
    await enrolling.handle()
    assert enrolling.condition() == ("False", "CredentialUsed")
    assert len(enrolling.ca.asked) == 1


async def test_a_renewal_that_needs_none_does_not_care(enrolling: Cluster) -> None:
    await otp(enrolling)
    await enrolling.handle()
    await enrolling.server.delete("/api/v1/namespaces/shop/secrets/otp")
    enrolling.ca.wants_credential = False
    await enrolling.annotate(renew="now")
    await enrolling.handle()
    assert enrolling.status()["revision"] == 2


@pytest.mark.parametrize(
    ("issuer", "fields", "data_key"),
    [
        pytest.param(
            {"scep": {"url": "https://scep.example.com"}},
            {"scep": {"challengeSecretRef": {"name": "otp", "key": "password"}}},
            "password",
            id="SCEP",
        ),
        pytest.param(
            {"cmp": {"url": "https://cmp.example.com"}},
            {"cmp": {"mac": {"reference": "r", "secretRef": {"name": "otp", "key": "password"}}}},
            "password",
            id="CMP",
        ),
    ],
)
async def test_each_protocol_has_its_own(
    cluster: Cluster, issuer: dict[str, Any], fields: dict[str, Any], data_key: str
) -> None:
    cluster.ca.wants_credential = True
    await cluster.issuer(spec=issuer)
    await cluster.certificate(**fields)
    await otp(cluster)
    await cluster.handle()
    assert cluster.ca.asked[-1].secret == b"one-time", data_key


async def test_one_for_another_protocol_is_not_read(cluster: Cluster) -> None:
    cluster.ca.wants_credential = True
    await cluster.issuer()
    await cluster.certificate(est=PASSWORD)
    await cluster.handle()
    assert cluster.ca.asked[-1].secret is None
    assert (Kind.CERTIFICATE, cluster.condition()) == (WEB.kind, ("True", "Ready"))
