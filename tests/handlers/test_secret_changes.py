"""What a change of a Secret that we wrote wakes."""

from datetime import timedelta
from typing import Any

import pytest

from certwright.kube.secret_watch import Seen
from certwright.model.enrolment import Pending
from certwright.model.metadata import Key
from tests.handlers.cluster import CA, WEB, Cluster

OURS = {"name": "web-tls", "role": "certificate", "certificate": "web"}


async def change(cluster: Cluster, *, is_gone: bool = False, **parts: str) -> set[Key]:
    """Tell of a change of web's Secret, but for ``parts``; the keys that it wakes."""
    record = cluster.operator.inventory.certificates.get(WEB)
    uid, version = (record.secret_uid, record.secret_version) if record else ("", "")
    told = {**OURS, "uid": uid, "resource_version": version, **parts}
    name = told.pop("name")
    assert cluster.operator.watch is not None
    cluster.operator.watch._notify("shop", name, Seen(**told), is_gone=is_gone)
    return await cluster.woken()


TABLE: dict[str, tuple[dict[str, Any], set[Key]]] = {
    "the version that was checked": ({}, set()),
    "another version": ({"resource_version": "9999"}, {WEB}),
    "made anew": ({"uid": "uid-9999"}, {WEB}),
    "deleted": ({"is_gone": True}, {WEB}),
    "one of an earlier name": ({"name": "old-tls", "resource_version": "9999"}, set()),
    "an earlier name's deletion": ({"name": "old-tls", "is_gone": True}, set()),
    "of a Certificate that is gone": ({"name": "gone-tls", "certificate": "gone", "resource_version": "9999"}, set()),
    "with another name put into it": ({"certificate": "gone", "resource_version": "9999"}, {WEB}),
    "with its name taken away": ({"certificate": "", "resource_version": "9999"}, {WEB}),
    "a record staged": ({"name": "certwright-uid", "role": "enrolment"}, set()),
    "a record lost": ({"name": "certwright-uid", "role": "enrolment", "is_gone": True}, {WEB}),
    "with its role taken away": ({"role": "", "resource_version": "9999"}, {WEB}),
    "of another role": ({"name": "other", "role": "somebody-else", "resource_version": "9999"}, set()),
}


@pytest.mark.parametrize(("parts", "woken"), TABLE.values(), ids=TABLE.keys())
async def test_only_news_wakes(cluster: Cluster, parts: dict[str, Any], woken: set[Key]) -> None:
    await cluster.issued()

    assert await change(cluster, **parts) == woken


@pytest.mark.parametrize("parts", [{"resource_version": "9999"}, {"is_gone": True}], ids=["changed", "deleted"])
async def test_an_enrolment_under_way_looks_again_when_it_goes_on(cluster: Cluster, parts: dict[str, Any]) -> None:
    cluster.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={}, message="queued"))
    await cluster.issuer()
    await cluster.certificate()
    await cluster.handle()
    await cluster.woken()
    assert cluster.operator.enrolments.resumable(WEB) is not None

    assert await change(cluster, **parts) == set()

    assert cluster.operator.enrolments.resumable(WEB) is None


async def test_our_own_issuance_wakes_nobody(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate()
    await cluster.woken()

    await cluster.handle()

    assert await cluster.woken() <= {WEB}
    cluster.server.requests.clear()
    await cluster.handle()
    assert cluster.server.requests == []


async def test_an_account_key_that_goes_and_comes_back_has_its_issuer_probed(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.woken()
    account: dict[str, Any] = {"name": "account", "role": "account", "certificate": ""}

    assert await change(cluster, **account) == set()
    assert await change(cluster, **account, is_gone=True) == {CA}
    cluster.operator.drivers.trust(CA)
    assert await change(cluster, **account) == {CA}
