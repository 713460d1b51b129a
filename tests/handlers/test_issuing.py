"""A first certificate: what it costs, and in which order it is written down."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import AttributeOID

from certwright.model.enrolment import Pending, Prepared, StartAfresh
from certwright.model.keys import KeyKind, encode, kind_of, public_der
from certwright.model.resources import KeyAlgorithm, KeyEncoding
from certwright.model.staged import from_data
from certwright.runtime.workers import Retry
from tests.handlers.cluster import Cluster, decoded

WITHOUT_ORDER = [
    "POST secrets",
    "PATCH secrets",
    "PATCH certificates/status",
    "POST events",
    "DELETE secrets",
]
WITH_ORDER = ["POST secrets", "PUT secrets", *WITHOUT_ORDER[1:]]


@pytest.mark.parametrize(
    ("makes_orders", "budget"),
    [pytest.param(False, WITHOUT_ORDER, id="at once"), pytest.param(True, WITH_ORDER, id="over an order")],
)
async def test_a_certificate_costs_what_the_budget_says(
    cluster: Cluster, *, makes_orders: bool, budget: list[str]
) -> None:
    cluster.ca.makes_orders = makes_orders
    await cluster.issuer()
    await cluster.certificate()
    cluster.writes()

    await cluster.handle()

    assert cluster.writes() == budget
    assert cluster.events() == [("Normal", "Issued")]
    assert cluster.condition() == ("True", "Ready")
    assert cluster.staged == []


async def test_the_secret_holds_the_pair_and_names_the_issuer(cluster: Cluster) -> None:
    secret = await cluster.issued()

    chain = x509.load_pem_x509_certificates(decoded(secret)["tls.crt"])
    assert chain[0] == cluster.ca.issued[0]
    assert secret["type"] == "kubernetes.io/tls"
    assert secret["metadata"]["annotations"]["certwright.io/issuer-name"] == "ca"


async def test_the_record_is_staged_before_the_ca_is_asked(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.server.trouble = lambda method, path: 0 if (method, path.endswith("/secrets")) == ("POST", True) else None

    assert await cluster.handle() == Retry()

    assert cluster.ca.asked == []


async def test_a_checkpoint_is_stored_before_the_next_step(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.server.trouble = lambda method, _path: 0 if method == "PUT" else None

    assert await cluster.handle() == Retry()

    assert [asked.resume for asked in cluster.ca.asked] == [{}]
    assert cluster.ca.issued == []


async def test_every_step_is_taken_with_the_staged_key_and_request(cluster: Cluster) -> None:
    await cluster.issuer()
    await cluster.certificate()
    cluster.ca.script.append(Pending(retry_after=timedelta(seconds=1), resume={"step": 2}, message="wait"))

    await cluster.handle()
    staged = from_data(decoded(cluster.server.body("secrets", cluster.staged[0])))
    await cluster.handle()

    first, second, third = cluster.ca.asked
    assert {asked.csr for asked in cluster.ca.asked} == {staged.csr}
    assert {public_der(asked.key) for asked in cluster.ca.asked} == {public_der(staged.key)}
    assert (first.resume, second.resume) == ({}, {"order": "order-1"})
    assert third.resume == staged.resume == {"order": "order-1", "step": 2}
    assert decoded(cluster.secret())["tls.key"] == encode(staged.key, KeyEncoding.PKCS1)


async def test_a_renewal_is_given_the_pair_that_is_there(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.annotate(renew="now")
    await cluster.handle()
    current = cluster.ca.asked[-1].current
    assert current is not None
    assert current.leaf == cluster.ca.issued[0]
    assert public_der(current.key) == public_der(cluster.ca.asked[0].key)
    assert cluster.ca.asked[0].current is None


async def test_what_is_staged_is_thrown_away_where_it_cannot_be_sent_any_more(cluster: Cluster) -> None:
    cluster.ca.makes_orders = False
    cluster.ca.script.append(StartAfresh(message="The challenge has grown old."))
    await cluster.issuer()
    await cluster.certificate()
    await cluster.handle()
    first, second = cluster.ca.asked
    assert public_der(first.key) != public_der(second.key)
    assert cluster.condition() == ("True", "Ready")
    assert len(cluster.ca.issued) == 1
    assert cluster.staged == []


async def test_what_the_driver_notes_is_an_event(cluster: Cluster) -> None:
    cluster.ca.notes = ("The certificate had expired: the password was used.",)
    await cluster.issued()
    assert cluster.events()[-2:] == [("Normal", "Issued"), ("Warning", "EnrolledOtherwise")]


async def test_the_key_is_of_the_kind_that_the_ca_wants(cluster: Cluster) -> None:
    cluster.ca.prepared = Prepared(key_kind=KeyKind(KeyAlgorithm.RSA, 2048), challenge_password="one-time")
    await cluster.issued()
    assert kind_of(cluster.ca.asked[0].key) == KeyKind(KeyAlgorithm.RSA, 2048)
    request = x509.load_der_x509_csr(cluster.ca.asked[0].csr)
    assert request.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value == b"one-time"
