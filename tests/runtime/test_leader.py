"""One leads, the others wait; who cannot renew knows it in time."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from certwright.runtime.leader import (
    Elector,
    LeadershipLost,
    Timing,
    unique_identity,
)
from tests.fakes.clock import FakeClock
from tests.fakes.lease import FakeConnection, FakeLease


class Candidate:
    """An elector with what it did."""

    def __init__(self, name: str, lease: FakeLease, clock: FakeClock) -> None:
        self.connection = FakeConnection(lease, clock)
        self.elector = Elector(self.connection, identity=name, clock=clock, random=lambda: 0.0)
        self.stop = asyncio.Event()
        self.said: list[str] = []
        self.task = asyncio.create_task(
            self.elector.run(
                stop=self.stop,
                on_started=lambda: self.said.append("started"),
                on_lost=lambda: self.said.append("lost"),
            )
        )
        # Else asyncio complains when the task is collected, which in the middle of a compilation breaks CPython 3.11.
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def leads(self) -> bool:
        return self.elector.is_leader


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


async def test_the_first_makes_the_lease_and_renews_it(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(60)
    assert one.leads
    assert one.said == ["started"]
    assert lease.record is not None
    assert (lease.record.holder, lease.record.transitions) == ("one", 0)
    assert lease.record.acquired_at is not None
    assert lease.record.renewed_at is not None
    assert lease.record.renewed_at - lease.record.acquired_at == timedelta(seconds=60)
    assert lease.writes == 31


async def test_a_second_takes_over_only_after_the_first_was_silent_for_the_duration(
    lease: FakeLease, clock: FakeClock
) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(10)
    two = Candidate("two", lease, clock)
    await clock.advance(30)
    assert (one.leads, two.leads) == (True, False)
    assert two.elector.holder == "one"
    one.task.cancel()
    await clock.advance(14)
    assert (one.leads, two.leads) == (False, False)
    await clock.advance(3)
    assert two.leads
    assert lease.record is not None
    assert lease.record.transitions == 1
    assert one.said == ["started", "lost"]


@pytest.mark.parametrize("trouble", ["hangs", "refuses"])
async def test_a_leader_without_connection_gives_up_before_another_may_lead(
    trouble: Literal["hangs", "refuses"], lease: FakeLease, clock: FakeClock
) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(5)
    two = Candidate("two", lease, clock)
    await clock.advance(1)
    one.connection.trouble = trouble
    both = 0
    lost_at = None
    for tick in range(200):
        await clock.advance(0.1)
        both += one.leads and two.leads
        if lost_at is None and "lost" in one.said:
            lost_at = tick / 10
    assert both == 0
    assert lost_at is not None
    assert lost_at <= 10
    assert two.leads
    with pytest.raises(LeadershipLost, match="could not be renewed within 0:00:10"):
        await one.task


async def test_the_time_of_a_renewal_counts_from_its_request_and_not_from_its_answer(
    lease: FakeLease, clock: FakeClock
) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    one.connection.trouble = "answers late"
    # The request goes out at 2 s and is answered at 6 s.
    await clock.advance(5.5)
    one.connection.trouble = "hangs"
    await clock.advance(5.4)
    assert one.leads
    await clock.advance(0.2)
    assert not one.leads


async def test_a_short_outage_loses_nothing(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    one.connection.trouble = "hangs"
    await clock.advance(5)
    one.connection.trouble = None
    await clock.advance(30)
    assert one.leads
    assert one.said == ["started"]


async def test_a_renewal_whose_answer_was_lost_is_found_again(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    one.connection.trouble = "loses answers"
    await clock.advance(3)
    one.connection.trouble = None
    await clock.advance(30)
    assert one.said == ["started"]


async def test_a_take_over_whose_answer_was_lost_is_found_again(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    one.stop.set()
    await clock.advance(0)
    two = Candidate("two", lease, clock)
    two.connection.trouble = "loses answers"
    await clock.advance(1)
    assert not two.leads
    two.connection.trouble = None
    await clock.advance(2)
    assert two.leads


async def test_a_foreign_edit_of_the_lease_is_a_conflict_and_no_loss(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    for _ in range(10):
        await clock.advance(4)
        lease.annotate()
    await clock.advance(4)
    assert one.leads
    assert one.said == ["started"]


async def test_a_foreign_edit_is_no_sign_of_life(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    two = Candidate("two", lease, clock)
    await clock.advance(10)
    one.task.cancel()
    for _ in range(17):
        await clock.advance(1)
        lease.annotate()
    # The last edit may be a conflict for the take-over itself; the next attempt has it.
    await clock.advance(2)
    assert two.leads


async def test_a_leader_whose_lease_was_taken_gives_up_at_its_next_renewal(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    assert lease.record is not None
    lease.put(replace(lease.record, holder="intruder"))
    await clock.advance(4)
    assert one.said == ["started", "lost"]
    with pytest.raises(LeadershipLost, match="taken by 'intruder'"):
        await one.task


async def test_a_deleted_lease_never_makes_two_leaders(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(3)
    two = Candidate("two", lease, clock)
    await clock.advance(0.5)
    lease.record = None
    both = 0
    for _ in range(200):
        await clock.advance(0.1)
        both += one.leads and two.leads
    assert both == 0
    assert one.leads


async def test_release_hands_over_at_the_next_attempt(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    two = Candidate("two", lease, clock)
    await clock.advance(10)
    one.stop.set()
    await clock.advance(0)
    await one.task
    assert not one.leads
    assert one.said == ["started"]
    await clock.advance(2)
    assert two.leads


async def test_release_without_connection_still_ends(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    one.connection.trouble = "hangs"
    one.stop.set()
    await clock.advance(10)
    await one.task
    assert not one.leads


async def test_a_candidate_that_is_stopped_leaves_the_lease_alone(lease: FakeLease, clock: FakeClock) -> None:
    Candidate("one", lease, clock)
    two = Candidate("two", lease, clock)
    await clock.advance(1)
    two.stop.set()
    await clock.advance(0)
    await two.task
    assert two.said == []
    assert lease.record is not None
    assert lease.record.holder == "one"


@pytest.mark.parametrize("skew", [timedelta(hours=-9), timedelta(days=400)], ids=["behind", "ahead"])
async def test_clocks_that_differ_do_no_harm(skew: timedelta, lease: FakeLease, clock: FakeClock) -> None:
    clock.skew = skew
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    clock.skew = timedelta()
    two = Candidate("two", lease, clock)
    await clock.advance(60)
    assert (one.leads, two.leads) == (True, False)
    one.task.cancel()
    await clock.advance(17)
    assert two.leads


async def test_a_leader_that_was_frozen_knows_before_it_does_anything(lease: FakeLease, clock: FakeClock) -> None:
    one = Candidate("one", lease, clock)
    await clock.advance(1)
    clock.jump(20)
    assert not one.leads
    assert one.said == ["started"]


async def test_many_candidates_yield_one_leader_through_many_changes(lease: FakeLease, clock: FakeClock) -> None:
    candidates = [Candidate(f"c{number}", lease, clock) for number in range(5)]
    for number in range(5):
        for _ in range(40):
            await clock.advance(0.5)
            assert sum(candidate.leads for candidate in candidates) <= 1
        leader = next(candidate for candidate in candidates if candidate.leads)
        leader.connection.trouble = "hangs" if number % 2 else "refuses"
    lost = [candidate for candidate in candidates if "lost" in candidate.said]
    assert len(lost) == 4


def test_times_must_leave_room_for_each_other() -> None:
    with pytest.raises(ValueError, match="must exceed"):
        Timing(duration=timedelta(seconds=10))


def test_identities_differ_between_two_starts() -> None:
    assert unique_identity("pod") != unique_identity("pod")
