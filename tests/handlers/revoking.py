"""Certificates with ``spec.revocation``, and what became of them, for the tests of both policies."""

from datetime import timedelta
from typing import Any

from cryptography import x509

from certwright.model.superseded import from_data
from tests.handlers.cluster import Cluster, decoded

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEB_TLS = "/api/v1/namespaces/shop/secrets/web-tls"
FINALIZER = "certwright.io/revocation"

LATER: dict[str, Any] = {"revocation": {"onSupersede": {"after": "1h"}}}
AT_ONCE: dict[str, Any] = {"revocation": {"onSupersede": {}}}
ON_DELETE: dict[str, Any] = {"revocation": {"onDelete": True}}
BOTH: dict[str, Any] = {"revocation": {"onDelete": True, "onSupersede": {"after": "24h"}}}


async def renewed(cluster: Cluster, *, number: int = 1, spec: dict[str, Any] = LATER) -> None:
    """An issued Certificate that was renewed so many times."""
    cluster.ca.makes_orders = False
    await cluster.issued(**spec)
    for count in range(number):
        await cluster.clock.advance(1 if count else 0)
        await cluster.annotate(renew=str(count))
        await cluster.handle()


async def issued(cluster: Cluster, spec: dict[str, Any] = ON_DELETE) -> None:
    """An issued Certificate."""
    await renewed(cluster, number=0, spec=spec)


async def deleted(cluster: Cluster) -> float | None:
    """The seconds until it is looked at again, after it was deleted."""
    await cluster.delete()
    return await cluster.delay()


def kept(cluster: Cluster) -> list[str]:
    """The serial numbers of what waits in the enrolment Secret."""
    (name,) = cluster.staged
    return [one.serial_number for one in from_data(decoded(cluster.secret(name)))]


def revoked(cluster: Cluster) -> list[x509.Certificate]:
    """In the order in which they were issued."""
    return [leaf for leaf in cluster.ca.issued if leaf.serial_number in cluster.ca.revoked]


def warnings(cluster: Cluster) -> list[str]:
    """The reasons of the Warnings."""
    return [reason for kind, reason in cluster.events() if kind == "Warning"]


def told(cluster: Cluster) -> str:
    """The last Event's words."""
    found = [stored.body for key, stored in cluster.server.objects.items() if key[1] == "events"]
    return str(found[-1]["note"])


def finalizers(cluster: Cluster) -> list[str]:
    """Those of the Certificate."""
    found: list[str] = cluster.server.body("certificates", "web")["metadata"].get("finalizers", [])
    return found


def is_gone(cluster: Cluster) -> bool:
    """Whether the API server has let go of the Certificate."""
    return "web" not in cluster.server.names("certificates")
