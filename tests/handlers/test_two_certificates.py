"""Two Certificates that name one Secret: one of them writes it, the other asks no CA and names the first."""

from typing import Any

import pytest

from certwright.model.metadata import Key
from tests.handlers.cluster import WEB, Cluster
from tests.handlers.secrets import SECRETS, pair_in, told

OTHER = WEB._replace(name="other")
SHARED: dict[str, Any] = {"secretName": "shared-tls"}


async def both(cluster: Cluster, **second: Any) -> None:
    """The older one has its certificate."""
    await cluster.issuer()
    await cluster.certificate(**SHARED)
    await cluster.handle()
    await cluster.clock.advance(60)
    await cluster.certificate("other", **{**SHARED, **second})
    await cluster.woken()


@pytest.mark.parametrize("adoption", ["Refuse", "Adopt", "Replace"])
async def test_the_younger_one_names_the_older_and_asks_no_ca(cluster: Cluster, adoption: str) -> None:
    await both(cluster, adoption=adoption)
    before = cluster.secret("shared-tls")

    assert await cluster.delay(OTHER) == 30

    assert cluster.condition(name="other") == ("False", "IncorrectCertificate")
    assert "Secret shared-tls belongs to Certificate web, which names it too" in told(cluster, "other")
    assert cluster.secret("shared-tls") == before
    assert len(cluster.ca.issued) == 1


@pytest.mark.parametrize("first", [WEB, OTHER], ids=["the older", "the younger"])
async def test_before_there_is_a_secret_the_older_one_makes_it(cluster: Cluster, first: Key) -> None:
    await cluster.issuer()
    metadata = {"creationTimestamp": "2029-12-31T00:00:00Z"}
    await cluster.certificate("other", **SHARED, metadata={"creationTimestamp": "2029-12-31T00:00:01Z"})
    await cluster.certificate(metadata=metadata, **SHARED)

    await cluster.handle(first)
    await cluster.handle(OTHER if first == WEB else WEB)

    assert cluster.condition() == ("True", "Ready")
    assert "Certificate web" in told(cluster, "other")
    assert len(cluster.ca.issued) == 1


async def test_of_the_same_second_it_is_the_one_that_came_first(cluster: Cluster) -> None:
    await cluster.issuer()
    same = {"creationTimestamp": "2029-12-31T00:00:00Z"}
    await cluster.certificate(**SHARED, metadata=same)
    await cluster.certificate("other", **SHARED, metadata=same)

    await cluster.handle(OTHER)

    assert "Certificate web" in told(cluster, "other")
    assert cluster.ca.asked == []


async def test_the_secret_stays_with_whom_it_was_written_for(cluster: Cluster) -> None:
    """An older Certificate that comes by later finds it taken."""
    await cluster.issuer()
    await cluster.certificate("other", secretName="other-tls", metadata={"creationTimestamp": "2029-12-31T00:00:00Z"})
    await cluster.certificate(**SHARED, metadata={"creationTimestamp": "2029-12-31T00:00:09Z"})
    await cluster.handle()
    await cluster.edit(OTHER, spec=SHARED)

    await cluster.handle(OTHER)

    assert "Certificate web" in told(cluster, "other")
    assert len(cluster.ca.issued) == 1


@pytest.mark.parametrize("deletion", ["KeepSecret", "DeleteSecret"])
async def test_the_younger_one_is_woken_when_the_older_goes(cluster: Cluster, deletion: str) -> None:
    await both(cluster)
    await cluster.handle(OTHER)
    await cluster.delete()
    if deletion == "DeleteSecret":
        await cluster.server.delete(f"{SECRETS}/shared-tls")
    assert OTHER in await cluster.woken()
    await cluster.handle()

    await cluster.handle(OTHER)

    if deletion == "DeleteSecret":
        assert cluster.condition(name="other") == ("True", "Ready")
        return
    assert cluster.condition(name="other") == ("False", "SecretNotOwned")
    assert "was written for Certificate web, which does not write it any more" in told(cluster, "other")
    assert "spec.adoption" in told(cluster, "other")


@pytest.mark.parametrize(
    ("adoption", "issued"),
    [
        pytest.param("Adopt", 2, id="adopted, though for other names"),
        pytest.param("Replace", 2, id="replaced"),
    ],
)
async def test_what_a_deleted_certificate_left_can_be_taken_over(cluster: Cluster, adoption: str, issued: int) -> None:
    await both(cluster, adoption=adoption)
    await cluster.delete()
    await cluster.handle()

    await cluster.handle(OTHER)

    assert cluster.condition(name="other") == ("True", "Ready")
    assert len(cluster.ca.issued) == issued
    assert cluster.secret("shared-tls")["metadata"]["annotations"]["certwright.io/certificate-name"] == "other"


async def test_the_younger_one_is_woken_when_the_older_moves_away(cluster: Cluster) -> None:
    await both(cluster, adoption="Replace")
    await cluster.handle(OTHER)
    pair = pair_in(cluster, "shared-tls")
    await cluster.edit(spec={"secretName": "new-tls"})
    assert await cluster.woken() == {WEB, OTHER}

    await cluster.handle(OTHER)
    assert cluster.condition(name="other") == ("False", "IncorrectCertificate")
    await cluster.handle()
    await cluster.handle(OTHER)

    assert pair_in(cluster, "new-tls") == pair
    assert cluster.condition(name="other") == ("True", "Ready")
    assert len(cluster.ca.issued) == 2


async def test_a_change_of_the_secret_wakes_both(cluster: Cluster) -> None:
    await both(cluster)
    await cluster.handle(OTHER)
    await cluster.woken()

    await cluster.server.delete(f"{SECRETS}/shared-tls")

    assert await cluster.woken() == {WEB, OTHER}


async def test_it_is_the_same_after_a_restart(cluster: Cluster) -> None:
    await both(cluster)
    await cluster.handle(OTHER)
    await cluster.restart()

    await cluster.handle(OTHER)
    await cluster.handle(WEB)

    assert cluster.condition(name="other") == ("False", "IncorrectCertificate")
    assert len(cluster.ca.issued) == 1
    assert cluster.server.writes() == []
