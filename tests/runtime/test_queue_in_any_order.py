"""Whatever the order of events: no key is lost, and no two workers ever have the same one."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from certwright.runtime.queue import WorkQueue
from tests.fakes.clock import FakeClock, settle

T = TypeVar("T")
KEYS = st.sampled_from("abcd")
DELAYS = st.integers(1, 5)
URGENCIES = st.sampled_from([1.0, 2.0, float("inf")])


# Named, because hypothesis reads the source of a lambda, and CPython 3.11's parser sometimes fails deep in its stack.
def someone_waits(machine: "QueueMachine") -> bool:
    return bool(machine.waiting)


def someone_works(machine: "QueueMachine") -> bool:
    return bool(machine.processing)


class QueueMachine(RuleBasedStateMachine):
    """Drives a queue beside a model that is too simple to be wrong: sets and a table of due times."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.queue: WorkQueue[str] = WorkQueue(self.clock)
        self.schedule = self.loop.create_task(self.queue.run())
        self.time = 0
        self.waiting: dict[str, float] = {}
        self.processing: set[str] = set()
        self.dirty: dict[str, float] = {}
        self.due: dict[str, int] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def model_add(self, key: str, urgency: float) -> None:
        table = self.dirty if key in self.processing else self.waiting
        table[key] = min(urgency, table.get(key, urgency))

    @rule(key=KEYS, urgency=URGENCIES)
    def add(self, key: str, urgency: float) -> None:
        self.queue.add(key, urgency=urgency)
        self.model_add(key, urgency)

    @rule(key=KEYS, delay=DELAYS, replace=st.booleans())
    def add_after(self, key: str, delay: int, *, replace: bool) -> None:
        self.queue.add_after(key, timedelta(seconds=delay), replace=replace)
        when = self.time + delay
        self.due[key] = when if replace else min(when, self.due.get(key, when))

    @rule(key=KEYS)
    def discard(self, key: str) -> None:
        self.queue.discard(key)
        self.due.pop(key, None)

    @rule(seconds=DELAYS)
    def let_time_pass(self, seconds: int) -> None:
        self.do(self.clock.advance(seconds))
        self.time += seconds
        for key in [key for key, when in self.due.items() if when <= self.time]:
            del self.due[key]
            self.model_add(key, float("inf"))

    @precondition(someone_waits)
    @rule()
    def take(self) -> None:
        key = self.do(asyncio.wait_for(self.queue.get(), 1))
        assert key not in self.processing
        assert self.waiting.pop(key) <= min(self.waiting.values(), default=float("inf"))
        self.due.pop(key, None)
        self.processing.add(key)

    @precondition(someone_works)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.processing)))
        self.queue.done(key)
        self.processing.remove(key)
        if key in self.dirty:
            self.model_add(key, self.dirty.pop(key))

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.queue) == len(self.waiting)
        assert self.queue.processing == len(self.processing)
        assert self.queue.delayed == len(self.due)

    def teardown(self) -> None:
        owed = set(self.waiting) | set(self.dirty) | set(self.due)
        self.let_time_pass(10)
        for key in sorted(self.processing):
            self.queue.done(key)
        assert {self.do(self.queue.get()) for _ in range(len(self.queue))} == owed
        self.schedule.cancel()
        self.do(settle())
        self.loop.close()


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
