"""An edited ``secretName``: the pair moves without an enrolment, and the former Secret follows ``deletion``."""

from datetime import timedelta
from typing import Any

import pytest

from certwright.runtime.workers import Retry
from tests.handlers.cluster import CA, WEB, Cluster, Killed, decoded
from tests.handlers.secrets import SECRETS, edit_secret, foreign_pair, notes, pair_data, pair_in, put_secret, told

DELETE: dict[str, Any] = {"deletion": "DeleteSecret"}


async def moved(cluster: Cluster, **spec: Any) -> tuple[bytes, bytes]:
    """An issued certificate whose Secret is to be called otherwise from now on; the pair."""
    await cluster.issued(**spec)
    pair = pair_in(cluster)
    await cluster.edit(spec={"secretName": "new-tls"})
    cluster.server.requests.clear()
    return pair


async def test_the_pair_is_copied_and_the_former_secret_stays(cluster: Cluster) -> None:
    pair = await moved(cluster)
    before = cluster.secret()

    await cluster.handle()

    assert cluster.writes() == ["PATCH secrets", "PATCH certificates/status", "POST events"]
    assert pair_in(cluster, "new-tls") == pair
    assert cluster.secret() == before
    assert len(cluster.ca.issued) == 1
    status = cluster.status()
    assert status["secret"]["name"] == "new-tls"
    assert status["revision"] == 1
    assert cluster.condition() == ("True", "Ready")
    (note,) = notes(cluster, "Copied")
    assert "from Secret web-tls to Secret new-tls without an enrolment; web-tls stays behind" in note


async def test_the_former_secret_is_deleted_where_that_is_wished(cluster: Cluster) -> None:
    pair = await moved(cluster, **DELETE)

    await cluster.handle()

    assert pair_in(cluster, "new-tls") == pair
    assert cluster.server.names("secrets") == ["new-tls"]
    assert len(cluster.ca.issued) == 1


async def test_it_rests_afterwards(cluster: Cluster) -> None:
    await moved(cluster)
    await cluster.handle()
    await cluster.woken()
    cluster.server.requests.clear()

    await cluster.handle()

    assert cluster.server.requests == []


@pytest.mark.parametrize(
    ("spec", "writes"),
    [
        *(pytest.param({}, writes, id=f"kept, after write {writes}") for writes in range(1, 4)),
        *(pytest.param(DELETE, writes, id=f"deleted, after write {writes}") for writes in range(1, 5)),
    ],
)
async def test_a_move_that_was_killed_is_ended_without_an_enrolment(
    cluster: Cluster, spec: dict[str, Any], writes: int
) -> None:
    pair = await moved(cluster, **spec)
    cluster.server.writes_left = writes
    with pytest.raises(Killed):
        await cluster.handle()
    await cluster.restart()

    await cluster.handle()

    assert pair_in(cluster, "new-tls") == pair
    assert cluster.server.names("secrets") == (["new-tls"] if spec else ["new-tls", "web-tls"])
    assert cluster.status()["secret"]["name"] == "new-tls"
    assert len(cluster.ca.issued) == 1


async def test_moving_back_takes_the_newest_pair_along(cluster: Cluster) -> None:
    await moved(cluster)
    await cluster.handle()
    await cluster.annotate(renew="one")
    await cluster.handle()
    newest = pair_in(cluster, "new-tls")

    await cluster.edit(spec={"secretName": "web-tls"})
    await cluster.handle()

    assert pair_in(cluster) == newest
    assert len(cluster.ca.issued) == 2
    assert cluster.condition() == ("True", "Ready")


async def test_a_move_waits_for_no_issuer_and_is_remembered_over_obstacles(cluster: Cluster) -> None:
    pair = await moved(cluster)
    await cluster.delete(CA)
    await put_secret(cluster, "new-tls", data={"theirs": b"x"}, type_="Opaque")
    await cluster.handle()
    assert cluster.condition() == ("False", "SecretNotOwned")
    await cluster.server.delete(f"{SECRETS}/new-tls")

    await cluster.handle()

    assert pair_in(cluster, "new-tls") == pair
    assert len(cluster.ca.issued) == 1


async def test_a_move_together_with_other_names_is_an_enrolment(cluster: Cluster) -> None:
    await cluster.issued(**DELETE)
    await cluster.edit(spec={"secretName": "new-tls", "dnsNames": ["other.example.com"]})

    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert cluster.ca.asked[-1].current is not None, "the former pair still proves who asks"
    assert cluster.server.names("secrets") == ["new-tls"]


@pytest.mark.parametrize("writes", range(1, 8))
async def test_such_an_enrolment_ends_the_same_when_it_was_killed(cluster: Cluster, writes: int) -> None:
    await cluster.issued(**DELETE)
    await cluster.edit(spec={"secretName": "new-tls", "dnsNames": ["other.example.com"]})
    cluster.server.writes_left = writes
    with pytest.raises(Killed):
        await cluster.handle()
    await cluster.restart()

    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert cluster.server.names("secrets") == ["new-tls"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"data": {"tls.crt": "bm9uc2Vuc2U="}}, id="tampered with"),
        pytest.param({"metadata": {"annotations": {"certwright.io/certificate-name": "other"}}}, id="given away"),
    ],
)
async def test_a_former_pair_that_is_not_good_is_not_copied(cluster: Cluster, change: dict[str, Any]) -> None:
    await cluster.issued()
    await edit_secret(cluster, **change)
    await cluster.edit(spec={"secretName": "new-tls"})

    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert cluster.condition() == ("True", "Ready")


async def test_a_secret_that_took_the_former_ones_place_is_not_deleted(cluster: Cluster) -> None:
    await cluster.issued(**DELETE)
    await cluster.server.delete(f"{SECRETS}/web-tls")
    before = await put_secret(cluster, data=pair_data(foreign_pair()))
    await cluster.edit(spec={"secretName": "new-tls"})

    await cluster.handle()

    assert cluster.secret() == before
    assert len(cluster.ca.issued) == 2


async def test_a_former_secret_that_changes_meanwhile_is_looked_at_again(cluster: Cluster) -> None:
    pair = await moved(cluster, **DELETE)
    with cluster.answering("DELETE secrets", 409):
        assert await cluster.handle() == Retry()

    await cluster.handle()

    assert pair_in(cluster, "new-tls") == pair
    assert cluster.server.names("secrets") == ["new-tls"]
    assert len(cluster.ca.issued) == 1


@pytest.mark.parametrize(("adoption", "issued"), [("Adopt", 1), ("Replace", 1), ("Refuse", 1)])
async def test_a_foreign_secret_under_the_new_name_is_taken_as_adoption_says(
    cluster: Cluster, adoption: str, issued: int
) -> None:
    theirs = pair_data(foreign_pair())
    await put_secret(cluster, "new-tls", data=theirs)
    pair = await moved(cluster, adoption=adoption)

    await cluster.handle()

    found = {"Adopt": (theirs["tls.crt"], theirs["tls.key"]), "Replace": pair}
    assert pair_in(cluster, "new-tls") == found.get(adoption, found["Adopt"])
    assert cluster.condition() == (("False", "SecretNotOwned") if adoption == "Refuse" else ("True", "Ready"))
    assert len(cluster.ca.issued) == issued


async def test_a_kept_secret_is_let_go_of_by_its_owner(cluster: Cluster) -> None:
    await cluster.issued(**DELETE)
    await cluster.edit(spec={"secretName": "new-tls", "deletion": "KeepSecret"})

    await cluster.handle()

    assert "ownerReferences" not in cluster.secret("web-tls")["metadata"]
    assert "ownerReferences" not in cluster.secret("new-tls")["metadata"]
    assert len(cluster.ca.issued) == 1


@pytest.mark.parametrize("deletion", ["KeepSecret", "DeleteSecret"], ids=["kept before", "bound before"])
async def test_keystores_move_along_and_stay_behind(cluster: Cluster, deletion: str) -> None:
    keystores = {"pkcs12": {"create": True, "password": "changeit", "profile": "Modern2023"}}
    await cluster.issued(keystores=keystores, deletion=deletion)
    before = decoded(cluster.secret())
    assert "keystore.p12" in before
    await cluster.edit(spec={"secretName": "new-tls", "deletion": "KeepSecret"})

    await cluster.handle()

    assert decoded(cluster.secret("new-tls")) == decoded(cluster.secret()) == before
    assert "ownerReferences" not in cluster.secret()["metadata"]
    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.issued) == 1


async def test_a_renewal_that_is_due_is_made_after_the_move(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.clock.advance(timedelta(days=80))
    await cluster.edit(spec={"secretName": "new-tls"})

    await cluster.handle()
    await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert notes(cluster, "Copied") != []
    assert cluster.status()["revision"] == 2


async def test_another_certificate_may_adopt_what_stayed_behind(cluster: Cluster) -> None:
    pair = await moved(cluster)
    other = WEB._replace(name="other")
    await cluster.certificate("other", secretName="web-tls", dnsNames=["web.example.com"], adoption="Adopt")
    await cluster.handle(other)
    assert "belongs to Certificate web" in told(cluster, "other"), "it has not moved out yet"

    await cluster.handle()
    await cluster.handle(other)

    assert pair_in(cluster) == pair
    assert cluster.condition(name="other") == ("True", "Ready")
    assert decoded(cluster.secret("new-tls"))["tls.crt"] == pair[0]
    assert len(cluster.ca.issued) == 1


async def test_a_name_in_the_status_that_is_none_is_not_asked_for(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.edit(status={"secret": {"name": "../../../../version"}})
    cluster.server.requests.clear()

    await cluster.handle()

    assert not [path for _, path in cluster.server.requests if "version" in path]
