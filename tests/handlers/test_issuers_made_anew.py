"""An Issuer that is deleted and made anew under its name, and credentials that are changed under its enrolments."""

from datetime import timedelta

from certwright.model.enrolment import Pending
from certwright.model.errors import IssuerError
from certwright.runtime.workers import Done
from tests.handlers.cluster import CA, WEB, Cluster

LATER = Pending(retry_after=timedelta(seconds=1), resume={}, message="queued")


async def make_anew(cluster: Cluster) -> None:
    await cluster.delete(CA)
    await cluster.handle(CA)
    await cluster.handle(WEB)
    await cluster.issuer()
    await cluster.handle(CA)


async def test_certificates_at_rest_do_not_notice(cluster: Cluster) -> None:
    await cluster.issued()
    await make_anew(cluster)
    assert WEB not in await cluster.woken()
    cluster.server.requests.clear()

    await cluster.handle(WEB)

    assert cluster.writes() == []
    assert len(cluster.ca.issued) == 1


async def test_the_next_renewal_is_as_ever(cluster: Cluster) -> None:
    await cluster.issued()
    await make_anew(cluster)
    await cluster.annotate(renew="now")

    await cluster.handle(WEB)

    assert cluster.condition() == ("True", "Ready")
    assert cluster.ca.asked[-1].current is not None


async def test_an_enrolment_under_way_begins_anew_and_takes_back_what_it_presented(cluster: Cluster) -> None:
    cluster.ca.script.append(LATER)
    await cluster.issuer()
    await cluster.certificate()
    await cluster.handle(WEB)
    assert list(cluster.ca.orders) == ["order-1"]

    await make_anew(cluster)
    await cluster.handle(WEB)

    assert cluster.condition() == ("True", "Ready")
    assert cluster.ca.given_up == [{"order": "order-1"}]
    assert len(cluster.ca.issued) == 1
    assert cluster.staged == []


async def test_after_a_failure_of_the_issuers_the_next_attempt_reads_its_credentials_again(cluster: Cluster) -> None:
    cluster.ca.script.append(IssuerError("the password is wrong"))
    await cluster.issuer()
    await cluster.certificate()
    result = await cluster.handle(WEB)
    assert result == Done(after=timedelta(seconds=2))
    before = cluster.workshop.resolved

    await cluster.clock.advance(2)
    await cluster.handle(WEB)

    assert cluster.workshop.resolved == before + 1
    assert cluster.condition() == ("True", "Ready")
