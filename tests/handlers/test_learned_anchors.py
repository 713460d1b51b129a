"""What a CA hands over as its next anchors is kept in a Secret of the issuer's, and read again."""

from certwright.model.chain import fingerprint
from certwright.model.enrolment import LearnedAnchor
from certwright.model.learned import from_data
from tests.fakes.ca import FakeCA
from tests.handlers.cluster import CA, Cluster, decoded


def anchor(cluster: Cluster, name: str) -> LearnedAnchor:
    certificate = FakeCA(clock=cluster.clock.now, roots=(name,)).roots[name]
    return LearnedAnchor(certificate=certificate, source="NewWithOld", by="ab" * 32)


async def test_they_are_kept_with_how_they_were_learned(cluster: Cluster) -> None:
    first, second = anchor(cluster, "Root 1"), anchor(cluster, "Root 2")
    cluster.ca.learned = (first,)
    issuer = await cluster.issuer(status={})
    await cluster.handle(CA)
    name = f"certwright-{issuer['metadata']['uid']}-anchors"
    secret = cluster.secret(name)
    assert from_data(decoded(secret)) == (first,)
    assert secret["type"] == "certwright.io/anchors"
    assert [owner["kind"] for owner in secret["metadata"]["ownerReferences"]] == ["Issuer"]
    cluster.ca.learned = (first, second)
    await cluster.clock.advance(6 * 3600)
    await cluster.handle(CA)
    kept = from_data(decoded(cluster.secret(name)))
    assert [fingerprint(one.certificate) for one in kept] == [fingerprint(one.certificate) for one in (first, second)]


async def test_the_same_again_is_no_write(cluster: Cluster) -> None:
    cluster.ca.learned = (anchor(cluster, "Root 1"),)
    await cluster.issuer(status={})
    await cluster.handle(CA)
    cluster.writes()
    await cluster.clock.advance(6 * 3600)
    await cluster.handle(CA)
    assert [write for write in cluster.writes() if "secrets" in write] == []


async def test_a_ca_that_hands_over_nothing_costs_no_secret(cluster: Cluster) -> None:
    await cluster.issuer(status={})
    await cluster.handle(CA)
    assert cluster.staged == []


async def test_garbage_in_the_secret_was_never_learned() -> None:
    assert from_data({"anchors.json": b"[[[["}) == ()
    assert from_data({"anchors.json": b'[{"certificate": "x", "source": "Pinned", "by": ""}]'}) == ()
    assert from_data({}) == ()
