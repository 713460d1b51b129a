"""What ``spec.revocation`` makes of a Certificate: who is held, what is kept, when it is due, which reason is given."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from certwright.model.enrolment import CurrentCertificate
from certwright.model.metadata import Key, Kind
from certwright.model.observed import Absent, Certificate, Observed
from certwright.model.resources import CertificateStatus, RevocationReason
from certwright.model.superseded import Superseded
from certwright.reconcile.certificate import next_step
from certwright.reconcile.revocation import (
    MOST_OUTSTANDING,
    after_enrolment,
    bounded,
    departing,
    finalizers_wanted,
    is_due,
    is_outstanding,
    lost,
    next_action,
    reason_for,
    with_candidate,
)
from certwright.reconcile.steps import Bind
from tests.model.builders import (
    CA,
    DAY,
    HOUR,
    NOW,
    certificate_of,
    key_of,
    observed_of,
    secret_of,
    spec_of,
    with_annotations,
    with_status,
)

OURS, OTHER = "certwright.io/revocation", "example.com/other"
ISSUER = Key(Kind.ISSUER, "team", "ca")
ON_DELETE = {"onDelete": True}
ON_SUPERSEDE = {"onSupersede": {"after": "1h"}}


def entry(due: timedelta | None = timedelta(0), **changes: Any) -> Superseded:
    when = NOW + due if due is not None else None
    one = Superseded(certificate=CA.issue(spec_of()), key=key_of(), issuer=ISSUER, due=when)
    return replace(one, **changes)


def certificate(policy: dict[str, Any] | None, **changes: Any) -> Certificate:
    return certificate_of(spec_of(revocation=policy), **changes)


def observed(policy: dict[str, Any] | None) -> Observed:
    return observed_of(certificate(policy))


def current(world: Observed) -> CurrentCertificate:
    secret = secret_of(world.certificate) if isinstance(world.secret, Absent) else world.secret
    leaf, key = getattr(secret, "leaf", None), getattr(secret, "key", None)
    assert leaf is not None
    assert key is not None
    return CurrentCertificate(leaf, (), key)


@pytest.mark.parametrize(
    ("policy", "there", "is_deleting", "wanted"),
    [
        pytest.param(None, (), False, None, id="no policy"),
        pytest.param({"onDelete": False}, (OTHER,), False, None, id="a policy that says no"),
        pytest.param(ON_SUPERSEDE, (), False, None, id="only the other policy"),
        pytest.param(ON_DELETE, (OTHER,), False, (OTHER, OURS), id="ours is to come"),
        pytest.param(ON_DELETE, (OURS,), False, None, id="ours is there"),
        pytest.param(None, (OURS, OTHER), False, (OTHER,), id="ours is to go"),
        pytest.param(ON_DELETE, (), True, None, id="too late"),
        pytest.param(None, (OURS,), True, None, id="a deletion is not decided here"),
    ],
)
def test_who_is_held(
    policy: dict[str, Any] | None, there: tuple[str, ...], *, is_deleting: bool, wanted: tuple[str, ...] | None
) -> None:
    assert finalizers_wanted(certificate(policy, finalizers=there, is_deleting=is_deleting)) == wanted


def test_the_finalizer_comes_before_everything_else() -> None:
    assert next_step(observed(ON_DELETE)) == Bind((OURS,))
    assert next_step(observed_of(certificate(ON_DELETE), secret=Absent(), issuer=None)) == Bind((OURS,))


@pytest.mark.parametrize("reason", RevocationReason, ids=str)
def test_every_reason_has_its_flag(reason: RevocationReason) -> None:
    spec = spec_of(revocation={"reason": str(reason)})
    assert reason_for(spec, RevocationReason.UNSPECIFIED).value == str(reason)


def test_the_default_reason_is_the_callers() -> None:
    assert reason_for(spec_of(), RevocationReason.SUPERSEDED) is x509.ReasonFlags.superseded


class TestTheCandidate:
    def test_is_staged_with_its_key_and_its_issuer(self) -> None:
        world = observed(ON_SUPERSEDE)
        (one,) = with_candidate(world, (), current(world))
        assert (one.certificate, one.issuer, one.due) == (current(world).leaf, ISSUER, None)
        assert one.key is not None

    def test_is_nobody_without_the_policy(self) -> None:
        world = observed(ON_DELETE)
        assert with_candidate(world, (entry(),), current(world)) == ()

    def test_is_nobody_where_nothing_is_there(self) -> None:
        assert with_candidate(observed(ON_SUPERSEDE), (), None) == ()

    def test_is_never_what_somebody_put_there(self) -> None:
        foreign = CurrentCertificate(CA.issue(spec_of()), (), key_of())
        assert with_candidate(observed(ON_SUPERSEDE), (), foreign) == ()

    def test_is_never_expired(self) -> None:
        world = replace(observed(ON_SUPERSEDE), now=NOW + 90 * DAY)
        assert with_candidate(world, (), current(world)) == ()

    def test_is_what_is_there_where_the_status_was_lost(self) -> None:
        world = with_status(observed(ON_SUPERSEDE), CertificateStatus())
        (one,) = with_candidate(world, (), current(world))
        assert one.certificate == current(world).leaf

    def test_stands_beside_what_waits_already(self) -> None:
        world, waiting = observed(ON_SUPERSEDE), entry(HOUR)
        first, second = with_candidate(world, (waiting,), current(world))
        assert first == waiting
        assert second.due is None

    def test_is_asked_of_the_issuer_that_issued_it(self) -> None:
        world = observed(ON_SUPERSEDE)
        secret = with_annotations(secret_of(world.certificate), issuer_kind="ClusterIssuer", issuer_name="old")
        (one,) = with_candidate(replace(world, secret=secret), (), current(world))
        assert one.issuer == Key(Kind.CLUSTER_ISSUER, "", "old")


class TestAfterAnEnrolment:
    def test_what_was_replaced_is_due_later(self) -> None:
        (one,) = after_enrolment(certificate(ON_SUPERSEDE), (entry(None),), current="another", now=NOW)
        assert one.due == NOW + HOUR

    def test_it_is_due_at_once_without_a_delay(self) -> None:
        (one,) = after_enrolment(certificate({"onSupersede": {}}), (entry(None),), current="another", now=NOW)
        assert one.due == NOW

    def test_it_is_due_before_it_expires(self) -> None:
        (one,) = after_enrolment(
            certificate({"onSupersede": {"after": "9000h"}}), (entry(None),), current="another", now=NOW
        )
        assert one.due == one.certificate.not_valid_after_utc

    @pytest.mark.parametrize("is_known", [True, False], ids=["still there", "unknown"])
    def test_what_was_not_replaced_is_left_alone(self, *, is_known: bool) -> None:
        one = entry(None)
        current = one.fingerprint if is_known else None
        assert after_enrolment(certificate(ON_SUPERSEDE), (one,), current=current, now=NOW) == ()

    def test_what_waits_goes_on_waiting(self) -> None:
        one = entry(DAY)
        assert after_enrolment(certificate(ON_SUPERSEDE), (one,), current=one.fingerprint, now=NOW) == (one,)

    def test_without_the_policy_nothing_is_kept(self) -> None:
        assert after_enrolment(certificate(None), (entry(DAY), entry(None)), current="another", now=NOW) == ()

    def test_there_is_room_for_so_many(self) -> None:
        waiting = tuple(entry(number * HOUR) for number in range(MOST_OUTSTANDING + 2))
        candidate = entry(None)
        kept, excess = bounded((*waiting, candidate))
        assert kept == (*waiting[2:], candidate)
        assert excess == waiting[:2]


class TestWhatIsAsked:
    def test_it_is_due_when_its_time_has_come(self) -> None:
        world = observed(ON_SUPERSEDE)
        assert is_due(world, entry())
        assert not is_due(world, entry(HOUR))
        assert not is_due(world, entry(None))

    def test_nothing_is_due_while_it_is_suspended(self) -> None:
        spec = spec_of(revocation=ON_SUPERSEDE, suspend=True)
        assert not is_due(observed_of(certificate_of(spec)), entry())

    @pytest.mark.parametrize(
        ("policy", "age", "expected"),
        [
            pytest.param(ON_SUPERSEDE, 0, True, id="as it should be"),
            pytest.param(None, 0, False, id="a policy that was taken back"),
            pytest.param(ON_SUPERSEDE, 90, False, id="an expired certificate"),
        ],
    )
    def test_it_is_forgotten_where_it_serves_nothing(
        self, policy: dict[str, Any] | None, age: int, *, expected: bool
    ) -> None:
        world = replace(observed(policy), now=NOW + age * DAY)
        assert is_outstanding(world, entry()) is expected

    def test_the_candidate_belongs_to_its_enrolment(self) -> None:
        assert is_outstanding(observed(None), entry(None))


class TestADeparture:
    def test_revokes_what_is_there_and_what_waits(self) -> None:
        world, waiting = observed(ON_DELETE), entry(DAY)
        here, there = departing(world.certificate, world.secret, (waiting,), NOW)
        assert here.certificate == current(world).leaf
        assert there == waiting
        assert not lost(world.certificate, (here, there), NOW)

    def test_revokes_what_is_there_once(self) -> None:
        world = observed(ON_DELETE)
        candidate = entry(None, certificate=current(world).leaf)
        assert len(departing(world.certificate, world.secret, (candidate,), NOW)) == 1
        assert departing(world.certificate, Absent(), (candidate,), NOW) == (candidate,)

    def test_cannot_revoke_what_is_not_there(self) -> None:
        world = observed(ON_DELETE)
        assert departing(world.certificate, Absent(), (), NOW) == ()
        assert lost(world.certificate, (), NOW)

    def test_revokes_nothing_that_somebody_put_there(self) -> None:
        world, other = observed(ON_DELETE), observed(ON_DELETE)
        secret = with_annotations(secret_of(other.certificate), fingerprint=None)
        assert departing(world.certificate, secret, (), NOW) == ()

    def test_revokes_nothing_of_another_certificate(self) -> None:
        world, other = observed(ON_DELETE), observed(ON_DELETE)
        secret = with_annotations(secret_of(other.certificate), certificate_name="other")
        assert departing(world.certificate, secret, (), NOW) == ()

    def test_revokes_what_was_delivered_although_the_status_does_not_know_it(self) -> None:
        world = observed(ON_DELETE)
        newer = secret_of(world.certificate)
        (one,) = departing(world.certificate, newer, (), NOW)
        assert one.certificate == newer.leaf

    def test_has_no_key_where_it_is_another_ones(self) -> None:
        world = observed(ON_DELETE)
        whole = secret_of(world.certificate)
        secret = replace(whole, data={**whole.data, "tls.key": b"junk"})
        (one,) = departing(world.certificate, secret, (), NOW)
        assert one.key is None

    def test_leaves_what_has_expired(self) -> None:
        world = observed(ON_DELETE)
        assert departing(world.certificate, world.secret, (entry(),), NOW + 90 * DAY) == ()
        assert not lost(world.certificate, (), NOW + 90 * DAY)

    def test_has_lost_nothing_that_was_never_there(self) -> None:
        assert not lost(certificate(ON_DELETE), (), NOW)


@pytest.mark.parametrize(
    ("renewal", "dues", "what"),
    [
        pytest.param(DAY, (), "renew the certificate", id="nothing waits"),
        pytest.param(DAY, (HOUR,), "revoke the superseded certificate", id="a revocation comes first"),
        pytest.param(HOUR, (DAY,), "renew the certificate", id="the renewal comes first"),
        pytest.param(None, (DAY,), "revoke the superseded certificate", id="renewal is off"),
        pytest.param(None, (None,), "nothing: renewal is off", id="only a candidate"),
    ],
)
def test_the_status_tells_what_comes_first(
    renewal: timedelta | None, dues: tuple[timedelta | None, ...], what: str
) -> None:
    action = next_action(
        NOW + renewal if renewal else None, tuple(entry(due) for due in dues), what="renew the certificate"
    )
    assert action.what.startswith(what)
