"""``revocation.onDelete``: whatever is missing, refuses or dies, a Certificate and its namespace go all the same."""

import logging
from datetime import timedelta

import pytest

from certwright.model.enrolment import Pending
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.reasons import Reason
from tests.handlers.cluster import CA, Cluster, Killed
from tests.handlers.revoking import BOTH, WEB_TLS, deleted, is_gone, issued, told, warnings

DEADLINE = timedelta(minutes=10)


class TestAtOnce:
    """What is not at hand will not come back: the namespace is perhaps going."""

    async def check(self, cluster: Cluster, why: str) -> None:
        assert await deleted(cluster) is None
        assert is_gone(cluster)
        assert warnings(cluster)[-1:] == ["RevocationImpossible"]
        assert why in told(cluster)

    async def test_the_secret_is_gone(self, cluster: Cluster) -> None:
        await issued(cluster)
        await cluster.server.delete(WEB_TLS)
        await self.check(cluster, "not in its Secret any more")

    async def test_the_secret_holds_something_else(self, cluster: Cluster) -> None:
        await issued(cluster)
        other = await cluster.issued("other")
        await cluster.server.merge(WEB_TLS, {"data": other["data"]}, manager="kubectl")
        await self.check(cluster, "not in its Secret any more")
        assert cluster.ca.revocations == []

    async def test_the_issuer_is_gone(self, cluster: Cluster) -> None:
        await issued(cluster)
        await cluster.delete(CA)
        await self.check(cluster, "does not exist any more")

    async def test_the_issuers_credentials_are_gone(self, cluster: Cluster) -> None:
        await issued(cluster)
        await cluster.clock.advance(timedelta(hours=1))
        cluster.workshop.missing = "Secret shop/ra does not exist"
        await self.check(cluster, "Secret shop/ra does not exist")

    async def test_the_issuers_protocol_is_not_implemented(self, cluster: Cluster) -> None:
        await issued(cluster)
        cluster.ca.revocation_script.append(IssuerError("not yet", reason=Reason.NOT_IMPLEMENTED))
        await self.check(cluster, "not yet")

    async def test_the_driver_cannot_revoke(self, cluster: Cluster) -> None:
        cluster.workshop.can_revoke = False
        await issued(cluster)
        await self.check(cluster, "speaks ACME, over which this version of certwright cannot revoke")

    async def test_the_ca_refuses_for_good(self, cluster: Cluster) -> None:
        await issued(cluster)
        cluster.ca.revocation_script.append(RejectedError("The certificate is not yours."))
        await self.check(cluster, "The certificate is not yours; revoke it at the CA by hand")

    async def test_this_version_cannot_read_the_spec(self, cluster: Cluster) -> None:
        await issued(cluster)
        await cluster.edit(spec={"revocation": {"onDelete": "with love"}})
        await self.check(cluster, "cannot read it")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(TransientError("No answer."), id="no answer"),
        pytest.param(TransientError("No answer.", retry_after=timedelta(days=1)), id="no answer for a day"),
        pytest.param(IssuerError("The credential is wrong."), id="a wrong credential"),
        pytest.param(RuntimeError("a fault of ours"), id="a fault of ours"),
        pytest.param(Pending(retry_after=timedelta(days=1), resume={}, message="An officer decides."), id="pending"),
    ],
)
async def test_no_ca_holds_a_deletion_longer_than_the_deadline(cluster: Cluster, error: Pending | Exception) -> None:
    await issued(cluster)
    cluster.ca.revocation_script += [error] * 100
    delay = await deleted(cluster)
    assert cluster.status()["nextAction"]["when"] == "2030-01-01T00:10:00Z"
    waited = timedelta(0)
    while delay is not None:
        assert delay > 0
        assert waited < DEADLINE
        waited += timedelta(seconds=delay)
        await cluster.clock.advance(delay)
        delay = await cluster.delay()
    assert waited == DEADLINE
    assert is_gone(cluster)
    assert warnings(cluster)[-1] == "RevocationImpossible"


@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_a_kill_does_not_hold_it(cluster: Cluster, writes: int) -> None:
    await issued(cluster)
    cluster.ca.revocation_script.append(TransientError("No answer."))
    await cluster.delete()
    cluster.server.writes_left = writes
    try:
        await cluster.handle()
        await cluster.clock.advance(5)
        await cluster.handle()
    except Killed:
        await cluster.restart()
    cluster.server.writes_left = None
    await cluster.handle()
    assert is_gone(cluster)
    assert len(cluster.ca.revoked) == 1


async def test_a_terminating_namespace_lets_nothing_be_made(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    await issued(cluster)
    caplog.set_level(logging.INFO)
    cluster.server.trouble = lambda method, _path: 403 if method == "POST" else None
    assert await deleted(cluster) is None
    assert is_gone(cluster)
    assert "Certificate shop/web: Revoked" in caplog.text


@pytest.mark.parametrize("order", [("secret", "issuer"), ("issuer", "secret"), ("secret",), ("issuer",)], ids="-".join)
async def test_a_namespace_goes_in_any_order(cluster: Cluster, order: tuple[str, ...]) -> None:
    await issued(cluster, BOTH)
    await cluster.annotate(renew="now")
    await cluster.handle()
    cluster.server.trouble = lambda method, _path: 403 if method == "POST" else None
    await cluster.delete()
    for what in order:
        if what == "issuer":
            await cluster.delete(CA)
        else:
            for name in cluster.server.names("secrets"):
                await cluster.server.delete(f"/api/v1/namespaces/shop/secrets/{name}")
    assert await cluster.delay() is None
    assert is_gone(cluster)


@pytest.mark.parametrize("call", ["GET secrets", "PATCH certificates/status"])
async def test_an_api_server_that_refuses_does_not_hold_it_for_ever(cluster: Cluster, call: str) -> None:
    await issued(cluster)
    cluster.ca.revocation_script += [TransientError("No answer.")] * 100
    await cluster.work()
    with cluster.answering(call, 403):
        await cluster.delete()
        if call == "GET secrets":
            await cluster.server.merge(WEB_TLS, {"metadata": {"labels": {"a": "b"}}}, manager="kubectl")
        await cluster.clock.advance(DEADLINE + timedelta(minutes=6))
        assert is_gone(cluster)
    assert warnings(cluster)[-1] == "RevocationImpossible"
