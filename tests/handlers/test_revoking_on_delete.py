"""``revocation.onDelete``: the certificate of a deleted Certificate is revoked, then the Certificate goes."""

from datetime import timedelta

import pytest
from cryptography import x509

from certwright.model.errors import TransientError
from certwright.model.keys import public_der
from certwright.runtime.workers import Done
from tests.handlers.cluster import WEB, Cluster, Killed
from tests.handlers.revoking import BOTH, FINALIZER, ON_DELETE, deleted, finalizers, is_gone, issued, told, warnings


async def test_the_finalizer_is_there_before_the_first_certificate(cluster: Cluster) -> None:
    cluster.ca.makes_orders = False
    await cluster.issuer()
    await cluster.certificate(**ON_DELETE)
    cluster.writes()
    await cluster.handle()
    writes = ["POST secrets", "PATCH secrets", "PATCH certificates/status", "POST events", "DELETE secrets"]
    assert cluster.writes() == ["PATCH certificates", *writes]
    assert finalizers(cluster) == [FINALIZER]


async def test_the_finalizer_comes_and_goes_with_the_policy(cluster: Cluster) -> None:
    await issued(cluster, {})
    assert finalizers(cluster) == []
    await cluster.edit(metadata={"finalizers": ["example.com/other"]}, spec=ON_DELETE)
    await cluster.handle()
    assert finalizers(cluster) == ["example.com/other", FINALIZER]
    await cluster.edit(spec={"revocation": {"onDelete": False}})
    await cluster.handle()
    assert finalizers(cluster) == ["example.com/other"]
    assert len(cluster.ca.issued) == 1


async def test_without_the_policy_a_deletion_is_nobodys_business(cluster: Cluster) -> None:
    await issued(cluster, {})
    assert await deleted(cluster) is None
    assert cluster.writes() == ["DELETE certificates"]
    assert cluster.ca.revocations == []


async def test_a_deletion_revokes_then_lets_go(cluster: Cluster) -> None:
    await issued(cluster)
    cluster.writes()
    assert await deleted(cluster) is None
    ((revocation, _),) = cluster.ca.revocations
    assert revocation.certificate == cluster.ca.issued[0]
    assert revocation.key is not None
    assert public_der(revocation.key) == public_der(cluster.ca.asked[0].key)
    assert revocation.reason is x509.ReasonFlags.cessation_of_operation
    assert cluster.writes() == ["DELETE certificates", "POST events", "PATCH certificates"]
    assert cluster.events()[-1] == ("Normal", "Revoked")
    assert is_gone(cluster)


async def test_the_user_may_name_another_reason(cluster: Cluster) -> None:
    await issued(cluster, {"revocation": {"onDelete": True, "reason": "privilegeWithdrawn"}})
    await deleted(cluster)
    assert list(cluster.ca.revoked.values()) == [x509.ReasonFlags.privilege_withdrawn]


async def test_finalizers_of_others_stay(cluster: Cluster) -> None:
    await issued(cluster)
    await cluster.edit(metadata={"finalizers": [FINALIZER, "example.com/other"]})
    await deleted(cluster)
    assert finalizers(cluster) == ["example.com/other"]
    await cluster.handle()
    assert len(cluster.ca.revocations) == 1


async def test_what_was_superseded_does_not_wait_any_longer(cluster: Cluster) -> None:
    await issued(cluster, BOTH)
    await cluster.annotate(renew="now")
    await cluster.handle()
    await deleted(cluster)
    first, second = cluster.ca.issued
    assert cluster.ca.revoked == {
        first.serial_number: x509.ReasonFlags.superseded,
        second.serial_number: x509.ReasonFlags.cessation_of_operation,
    }
    assert is_gone(cluster)


async def test_a_certificate_that_was_never_issued_goes_without_a_word(cluster: Cluster) -> None:
    await cluster.certificate(**ON_DELETE)
    await cluster.handle()
    await deleted(cluster)
    assert is_gone(cluster)
    assert "RevocationImpossible" not in warnings(cluster)


async def test_an_expired_certificate_needs_no_revocation(cluster: Cluster) -> None:
    await issued(cluster, {**ON_DELETE, "renewal": {"policy": "Disabled"}})
    await cluster.clock.advance(timedelta(days=90))
    await deleted(cluster)
    assert is_gone(cluster)
    assert cluster.ca.revocations == []
    assert warnings(cluster) == []


async def test_who_asks_late_hears_at_once_that_nothing_can_be_had(cluster: Cluster) -> None:
    cluster.workshop.can_revoke = False
    await issued(cluster, {})
    await cluster.edit(spec=ON_DELETE)
    await cluster.handle()
    assert warnings(cluster) == ["RevocationImpossible"]
    assert "spec.revocation will have no effect: Issuer shop/ca speaks ACME" in told(cluster)


async def test_a_ca_that_comes_back_in_time_is_heard(cluster: Cluster) -> None:
    await issued(cluster)
    cluster.ca.revocation_script.append(TransientError("No answer."))
    assert await deleted(cluster) == 5
    await cluster.clock.advance(5)
    await cluster.handle()
    assert is_gone(cluster)
    assert list(cluster.ca.revoked) == [cluster.ca.issued[0].serial_number]


async def test_what_is_revoked_already_is_not_asked_for_again(cluster: Cluster) -> None:
    await issued(cluster, BOTH)
    await cluster.annotate(renew="now")
    await cluster.handle()
    cluster.ca.revocation_script += [TransientError("No answer.")]
    delay = await deleted(cluster)
    await cluster.clock.advance(delay or 0)
    await cluster.handle()
    assert len(cluster.ca.revocations) == 3
    assert is_gone(cluster)


async def test_a_deletion_while_nobody_worked_is_attended_to_once(cluster: Cluster) -> None:
    await issued(cluster)
    await cluster.stop()
    await cluster.delete()
    await cluster.clock.advance(timedelta(hours=1))
    await cluster.start()
    await cluster.handle()
    assert is_gone(cluster)
    assert len(cluster.ca.revoked) == 1


async def test_a_conflict_is_no_reason_to_ask_twice(cluster: Cluster) -> None:
    await issued(cluster)
    await cluster.delete()
    with cluster.answering("PATCH certificates", 409):
        await cluster.handle()
    await cluster.handle()
    assert is_gone(cluster)
    assert len(cluster.ca.revocations) == 1
    assert [reason for _, reason in cluster.events()].count("Revoked") == 1


async def test_a_certificate_that_went_meanwhile_is_no_error(cluster: Cluster) -> None:
    await issued(cluster)
    await cluster.delete()
    with cluster.answering("PATCH certificates", 404):
        assert await cluster.handle(WEB) == Done()


async def test_a_certificate_delivered_just_before_a_kill_is_the_one_that_is_revoked(cluster: Cluster) -> None:
    await issued(cluster)
    await cluster.annotate(renew="now")
    cluster.server.writes_left = 2
    with pytest.raises(Killed):
        await cluster.handle()
    await cluster.stop()
    await cluster.delete()
    await cluster.start()
    await cluster.handle()
    assert list(cluster.ca.revoked) == [cluster.ca.issued[1].serial_number]
    assert is_gone(cluster)
