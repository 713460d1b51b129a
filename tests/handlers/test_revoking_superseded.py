"""``revocation.onSupersede``: the CA is asked when it is due and as often as it takes, and nothing waits for that."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from certwright.model.chain import serial_number
from certwright.model.enrolment import Pending
from certwright.model.errors import IssuerError, RejectedError, TransientError
from certwright.model.keys import public_der
from certwright.model.metadata import Key, Kind
from certwright.model.superseded import from_data
from certwright.runtime.workers import Done
from tests.handlers.cluster import CA, SETTINGS, Cluster, decoded
from tests.handlers.revoking import AT_ONCE, DAY, HOUR, kept, renewed, revoked, warnings


async def test_it_is_revoked_when_it_is_due(cluster: Cluster) -> None:
    await renewed(cluster)
    await cluster.clock.advance(HOUR - timedelta(seconds=1))
    await cluster.handle()
    assert cluster.ca.revocations == []

    await cluster.clock.advance(1)
    await cluster.handle()

    ((revocation, resume),) = cluster.ca.revocations
    assert revocation.certificate == cluster.ca.issued[0]
    assert revocation.key is not None
    assert public_der(revocation.key) == public_der(cluster.ca.asked[0].key)
    assert revocation.reason is x509.ReasonFlags.superseded
    assert resume == {}
    assert cluster.staged == []
    assert cluster.events()[-1] == ("Normal", "Revoked")
    assert cluster.condition() == ("True", "Ready")


async def test_without_a_delay_it_is_revoked_at_once(cluster: Cluster) -> None:
    await renewed(cluster, number=0, spec=AT_ONCE)
    await cluster.annotate(renew="now")
    assert await cluster.delay() == 0
    cluster.writes()
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]
    assert cluster.writes() == ["POST events", "DELETE secrets"]


async def test_the_queue_wakes_it_up(cluster: Cluster) -> None:
    await renewed(cluster)
    await cluster.work()
    await cluster.restart()
    await cluster.work()
    await cluster.sync()
    await cluster.clock.advance(HOUR)
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_the_user_may_name_another_reason(cluster: Cluster) -> None:
    await renewed(cluster, spec={"revocation": {"onSupersede": {}, "reason": "keyCompromise"}})
    await cluster.handle()
    assert list(cluster.ca.revoked.values()) == [x509.ReasonFlags.key_compromise]


async def test_a_failure_is_told_once_and_tried_again_ever_later(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script += [TransientError("No answer.") for _ in range(3)]
    delays = []
    for _ in range(3):
        delays.append(await cluster.delay())
        await cluster.clock.advance(delays[-1] or 0)
    assert delays == [30, 60, 120]
    assert warnings(cluster) == ["RevocationFailed"]
    assert cluster.condition() == ("True", "Ready")
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_an_event_does_not_hurry_a_revocation(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script.append(TransientError("No answer.", retry_after=HOUR))
    await cluster.handle()
    await cluster.edit(metadata={"labels": {"a": "b"}})
    await cluster.handle()
    assert len(cluster.ca.revocations) == 1


async def test_a_renewal_does_not_wait_for_a_revocation(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script += [TransientError("No answer.") for _ in range(9)]
    await cluster.handle()
    await cluster.clock.advance(1)
    await cluster.annotate(renew="again")
    await cluster.handle()
    assert len(cluster.ca.issued) == 3
    assert kept(cluster) == [serial_number(leaf) for leaf in cluster.ca.issued[:2]]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(TransientError("No answer."), id="no answer"),
        pytest.param(IssuerError("The RA credential is wrong."), id="a wrong credential"),
        pytest.param(RuntimeError("a fault of ours"), id="a fault of ours"),
    ],
)
async def test_a_revocation_is_given_up_after_a_week(cluster: Cluster, error: Exception) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script += [error] * 300
    await cluster.handle()
    assert kept(cluster) == [serial_number(cluster.ca.issued[0])]
    await cluster.clock.advance(7 * DAY)
    await cluster.handle()
    assert warnings(cluster) == ["RevocationFailed", "RevocationImpossible"]
    assert cluster.staged == []


async def test_an_issuer_that_is_gone_may_come_back(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    await cluster.delete(CA)
    await cluster.handle()
    assert warnings(cluster) == ["RevocationFailed"]
    await cluster.issuer()
    await cluster.clock.advance(30)
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_a_refusal_ends_it(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script.append(RejectedError("It is not yours."))
    await cluster.handle()
    assert warnings(cluster) == ["RevocationImpossible"]
    assert cluster.staged == []
    assert await cluster.handle() != Done(after=timedelta(0))


async def test_an_issuer_that_cannot_revoke_is_told_at_the_beginning_and_when_it_matters(cluster: Cluster) -> None:
    cluster.workshop.can_revoke = False
    await renewed(cluster, spec=AT_ONCE)
    assert warnings(cluster) == ["RevocationImpossible"]
    await cluster.handle()
    assert warnings(cluster) == ["RevocationImpossible"] * 2
    assert cluster.staged == []


async def test_what_the_driver_must_remember_outlives_the_process(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script.append(Pending(retry_after=HOUR, resume={"transaction": ("t",)}, message="wait"))
    cluster.writes()
    assert await cluster.delay() == HOUR.total_seconds()
    assert cluster.writes() == ["PUT secrets", "PATCH certificates/status"]
    await cluster.restart()
    await cluster.handle()
    assert [resume for _, resume in cluster.ca.revocations] == [{}, {"transaction": ["t"]}]
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_too_much_to_remember_is_remembered_by_the_process(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    much = {"transaction": "t" * 20_000}
    cluster.ca.revocation_script.append(Pending(retry_after=HOUR, resume=much, message="wait"))
    await cluster.handle()
    await cluster.clock.advance(HOUR)
    await cluster.handle()
    assert [resume for _, resume in cluster.ca.revocations] == [{}, much]


async def test_however_long_the_ca_wants_to_be_left_alone_it_ends(cluster: Cluster) -> None:
    await renewed(cluster, spec=AT_ONCE)
    cluster.ca.revocation_script += [TransientError("No answer.", retry_after=99 * DAY)] * 9
    assert await cluster.delay() == (7 * DAY).total_seconds()
    await cluster.clock.advance(7 * DAY)
    await cluster.handle()
    assert warnings(cluster) == ["RevocationFailed", "RevocationImpossible"]


async def test_the_issuer_that_issued_is_asked(cluster: Cluster) -> None:
    await renewed(cluster, number=0, spec=AT_ONCE)
    await cluster.issuer("ca2")
    await cluster.edit(spec={"issuerRef": {"name": "ca2"}})
    await cluster.handle()
    (name,) = cluster.staged
    assert [one.issuer for one in from_data(decoded(cluster.secret(name)))] == [Key(Kind.ISSUER, "shop", "ca")]
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_while_it_is_suspended_nothing_is_asked(cluster: Cluster) -> None:
    await renewed(cluster)
    await cluster.edit(spec={"suspend": True})
    await cluster.clock.advance(HOUR)
    delay = await cluster.delay()
    assert delay is not None
    assert delay > DAY.total_seconds()
    assert cluster.ca.revocations == []
    await cluster.edit(spec={"suspend": None})
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]


async def test_a_revocation_that_falls_due_does_not_hurry_an_enrolment_that_waits(cluster: Cluster) -> None:
    await renewed(cluster)
    cluster.ca.script += [Pending(retry_after=timedelta(seconds=20), resume={"step": 1}, message="wait")] * 9
    cluster.ca.revocation_script += [TransientError("No answer.")] * 9
    await cluster.annotate(renew="again")
    await cluster.work()
    await cluster.clock.advance(HOUR - timedelta(seconds=3590))
    before = len(cluster.ca.asked)
    await cluster.clock.advance(40)
    assert len(cluster.ca.asked) - before <= 4


async def test_a_deletion_does_not_wait_for_the_backoff_of_what_was_due(cluster: Cluster) -> None:
    spec: dict[str, Any] = {"revocation": {"onDelete": True, "onSupersede": {}}}
    await renewed(cluster, spec=spec)
    cluster.ca.revocation_script += [TransientError("No answer."), TransientError("No answer.", retry_after=DAY)]
    await cluster.handle()
    await cluster.clock.advance(30)
    await cluster.handle()
    await cluster.clock.advance(1)
    await cluster.delete()
    assert await cluster.delay() is None
    assert len(cluster.ca.revoked) == 2


async def test_it_is_revoked_without_a_watch_of_secrets_too() -> None:
    cluster = Cluster(replace(SETTINGS, secret_watch=False))
    await cluster.start()
    await renewed(cluster)
    await cluster.clock.advance(HOUR)
    await cluster.handle()
    assert revoked(cluster) == cluster.ca.issued[:1]
    assert cluster.staged == []
    await cluster.stop()
