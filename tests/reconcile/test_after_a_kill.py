"""Killed between the write of the Secret and that of the status, the operator never enrols again."""

from dataclasses import replace
from typing import Any

import pytest

from certwright.model.chain import fingerprint
from certwright.model.metadata import ANNOTATION_RENEW
from certwright.model.observed import Absent, AsRecorded, Observed
from certwright.model.resources import CertificateStatus
from certwright.reconcile.certificate import next_step
from certwright.reconcile.steps import Begin, Drop, GoOn, Report, Sleep
from tests.model.builders import (
    CA,
    DAY,
    NOW,
    certificate_of,
    issuer_of,
    key_of,
    observed_of,
    pair_of,
    secret_of,
    spec_of,
    staged_metadata,
    staged_of,
    with_status,
)
from tests.reconcile.states import MINUTE, RENEWAL, as_recorded, on_record, settle


class TestAfterAKillBetweenTheTwoWrites:
    """The Secret holds the staged key with a good certificate, and the status does not know it."""

    def delivered(self, before: CertificateStatus | None, **changes: Any) -> Observed:
        annotations = {ANNOTATION_RENEW: "now"}
        certificate = certificate_of(None, before, annotations=annotations)
        key = key_of(number=7)
        secret = secret_of(certificate, pair_of(certificate.spec, key))
        staged = staged_of(key=key, renew_request="now", resume={"order": "o"})
        observed = Observed(
            certificate=certificate,
            secret=secret,
            issuer=issuer_of(),
            now=NOW + MINUTE,
            staged=staged,
            staged_metadata=staged_metadata(),
        )
        return replace(observed, **changes)

    @pytest.mark.parametrize(
        ("before", "revision"),
        [
            pytest.param(None, 1, id="a first certificate"),
            pytest.param(observed_of().certificate.status, 2, id="a renewal"),
            pytest.param(
                observed_of().certificate.status.model_copy(update={"fingerprint_sha256": None}),
                2,
                id="a status without a fingerprint",
            ),
        ],
    )
    def test_only_status_and_unstage_remain(self, before: CertificateStatus | None, revision: int) -> None:
        observed = self.delivered(before)
        step = next_step(observed)
        assert isinstance(step, Report)
        assert step.again is None
        assert not isinstance(observed.secret, Absent | AsRecorded)
        assert observed.secret.leaf is not None
        assert fingerprint(observed.secret.leaf) == step.status.fingerprint_sha256
        assert revision == step.status.revision
        assert step.status.last_renew_request == "now"
        told = with_status(observed, step.status)
        assert Drop(staged_metadata(), None) == next_step(told)
        unstaged = replace(told, staged=None, staged_metadata=None)
        assert isinstance(next_step(unstaged), Sleep)
        assert isinstance(next_step(as_recorded(unstaged)), Sleep)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"issuer": None}, id="the issuer is gone"),
            pytest.param({"issuer": issuer_of(obstacle="away")}, id="the issuer is not ready"),
            pytest.param({"refusal": "no"}, id="it is no longer allowed"),
        ],
    )
    def test_nothing_that_only_a_new_request_needs_stands_in_the_way(self, changes: dict[str, Any]) -> None:
        assert isinstance(next_step(self.delivered(None, **changes)), Report)
        observed = self.delivered(None, **changes)
        assert settle(observed).certificate.status.revision == 1

    def test_suspending_does_not_hide_what_was_delivered(self) -> None:
        observed = self.delivered(None)
        suspended = replace(observed.certificate, spec=spec_of(suspend=True))
        assert settle(replace(observed, certificate=suspended)).certificate.status.revision == 1

    def test_a_spec_that_was_changed_meanwhile_is_enrolled_anew(self) -> None:
        observed = self.delivered(observed_of().certificate.status)
        spec = spec_of(dnsNames=["b.example.com"])
        changed = replace(observed, certificate=certificate_of(spec, observed.certificate.status, generation=2))
        assert Drop(staged_metadata(), changed.staged) == next_step(changed)

    def test_a_certificate_that_came_too_late_is_not_called_ready(self) -> None:
        observed = replace(self.delivered(None), now=NOW + 91 * DAY)
        assert not isinstance(next_step(observed), Report)

    def test_a_key_that_is_kept_is_no_proof_of_delivery(self) -> None:
        """rotationPolicy Never: the staged key is the Secret's own before anything is issued."""
        spec = spec_of(privateKey={"rotationPolicy": "Never"})
        due = replace(observed_of(certificate_of(spec)), now=NOW + RENEWAL)
        staged = on_record(due, key=key_of())
        assert isinstance(next_step(staged), GoOn)

    def test_a_kept_key_with_a_new_certificate_is_delivered(self) -> None:
        spec = spec_of(privateKey={"rotationPolicy": "Never"})
        renewed = replace(observed_of(certificate_of(spec)), now=NOW + RENEWAL)
        leaf = CA.issue(spec, not_before=NOW + RENEWAL, not_after=NOW + RENEWAL + 90 * DAY)
        secret = secret_of(renewed.certificate, pair_of(spec, leaf=leaf))
        step = next_step(on_record(replace(renewed, secret=secret), key=key_of()))
        assert isinstance(step, Report)
        assert step.status.revision == 2
        assert step.status.fingerprint_sha256 == fingerprint(leaf)

    def test_another_key_in_the_secret_is_no_delivery(self) -> None:
        observed = self.delivered(None, staged=staged_of(key=key_of(number=8)))
        assert not isinstance(next_step(settle(observed)), GoOn | Begin)
        assert settle(observed).certificate.status.last_renew_request == "now", "an empty status counts it as done"


class TestAfterAKillWithAKeyThatTheCAMade:
    """The staged key is a throw-away: what came is known by the fingerprint that was written with it."""

    def delivered(self, *, is_tampered: bool = False, is_renewal: bool = False) -> Observed:
        before = observed_of().certificate.status if is_renewal else None
        certificate = certificate_of(spec_of(est={"serverKeyGeneration": True}), before)
        secret = secret_of(certificate, pair_of(certificate.spec, key_of(number=3)))
        if is_tampered:
            other = pair_of(certificate.spec, key_of(number=4))
            data = {**secret.data, **secret_of(certificate, other).data}
            secret = replace(secret, data=data)
        return Observed(
            certificate=certificate,
            secret=secret,
            issuer=issuer_of(),
            now=NOW + MINUTE,
            staged=staged_of(key=key_of(number=7)),
            staged_metadata=staged_metadata(),
        )

    @pytest.mark.parametrize("is_renewal", [False, True], ids=["a first certificate", "a renewal"])
    def test_only_status_and_unstage_remain(self, *, is_renewal: bool) -> None:
        assert isinstance(next_step(self.delivered(is_renewal=is_renewal)), Report)

    def test_a_pair_that_somebody_put_there_is_none_of_ours(self) -> None:
        step = next_step(self.delivered(is_tampered=True, is_renewal=True))
        assert not isinstance(step, Report)
