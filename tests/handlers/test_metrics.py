"""What Prometheus reads of a cluster."""

from datetime import datetime

from prometheus_client import generate_latest

from certwright.handlers.metrics import InventoryCollector
from certwright.model.errors import RejectedError, TransientError
from tests.handlers.cluster import CA, WEB, Cluster

LABELS = {
    "namespace": "shop",
    "name": "web",
    "issuer_kind": "Issuer",
    "issuer_name": "ca",
    "protocol": "acme",
}
ISSUER_LABELS = {"issuer_kind": "Issuer", "issuer_name": "ca", "protocol": "acme"}


def value(cluster: Cluster, series: str, /, **labels: str) -> float | None:
    """One sample of a scrape; None where there is no such series."""
    registry = cluster.operator.metrics.registry
    collector = InventoryCollector(
        cluster.operator.inventory, gauges=[("certwright_queue_depth", "Keys.", lambda: 7.0)]
    )
    registry.register(collector)
    try:
        return registry.get_sample_value(series, labels)
    finally:
        registry.unregister(collector)


async def test_a_certificate_tells_its_times(cluster: Cluster) -> None:
    await cluster.issued()

    for name, field in (("not_before", "notBefore"), ("not_after", "notAfter"), ("renewal", "renewalTime")):
        expected = datetime.fromisoformat(cluster.status()[field]).timestamp()
        assert expected == value(cluster, f"certwright_certificate_{name}_timestamp_seconds", **LABELS)


def readiness(cluster: Cluster) -> dict[str, float | None]:
    series = "certwright_certificate_ready_status"
    return {condition: value(cluster, series, **LABELS, condition=condition) for condition in ("True", "False")}


async def test_readiness_is_one_for_the_condition_that_holds(cluster: Cluster) -> None:
    await cluster.issued()
    name = "certwright_certificate_ready_status"
    assert (value(cluster, name, **LABELS, condition="True"), value(cluster, name, **LABELS, condition="False")) == (
        1,
        0,
    )

    await cluster.edit(status={"conditions": []})
    await cluster.woken()

    assert (value(cluster, name, **LABELS, condition="True"), value(cluster, name, **LABELS, condition="False")) == (
        0,
        1,
    )


async def test_a_deleted_certificate_leaves_no_series(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.delete(WEB)
    await cluster.handle()

    assert value(cluster, "certwright_certificate_not_after_timestamp_seconds", **LABELS) is None
    assert b'name="web"' not in generate_latest(cluster.operator.metrics.registry)


async def test_attempts_are_counted_by_how_they_ended(cluster: Cluster) -> None:
    cluster.ca.script.extend([TransientError("away"), RejectedError("no")])
    await cluster.issuer()
    await cluster.certificate()
    for _ in range(2):
        await cluster.clock.advance(2)
        await cluster.handle()
    await cluster.clock.advance(60)
    await cluster.handle()

    name = "certwright_issuance_total"
    assert value(cluster, name, **ISSUER_LABELS, result="failure", reason="Unreachable") == 1
    assert value(cluster, name, **ISSUER_LABELS, result="failure", reason="Rejected") == 1
    assert value(cluster, name, **ISSUER_LABELS, result="success", reason="DoesNotExist") == 1
    assert value(cluster, "certwright_issuance_duration_seconds_count", **ISSUER_LABELS) == 1


async def test_an_issuer_tells_whether_it_is_ready(cluster: Cluster) -> None:
    await cluster.issuer(status={})
    await cluster.handle(CA)

    assert value(cluster, "certwright_issuer_ready", namespace="shop", **ISSUER_LABELS) == 1


async def test_the_process_tells_of_itself(cluster: Cluster) -> None:
    assert value(cluster, "certwright_queue_depth") == 7
