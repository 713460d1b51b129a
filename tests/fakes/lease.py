"""A Lease that many candidates share, and the ways in which a connection to it fails.

Ships beside ``certwright.runtime.leader.LeaseStore``; whoever runs an ``Elector`` in a test uses it.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from certwright.runtime.clock import Clock, sleep
from certwright.runtime.leader import LeaseConflict, LeaseRecord


class FakeLease:
    """A Lease with optimistic locking, as an API server keeps it."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.version = 0
        self.writes = 0

    def put(self, record: LeaseRecord) -> LeaseRecord:
        self.version += 1
        self.writes += 1
        self.record = replace(record, version=str(self.version))
        return self.record

    def annotate(self) -> None:
        """Change the version and nothing else."""
        assert self.record is not None
        self.put(self.record)


class FakeConnection:
    """One process's way to the Lease, which can fail, hang, or lose the answer of what it carried out."""

    def __init__(self, lease: FakeLease, clock: Clock) -> None:
        self.lease = lease
        self.clock = clock
        self.trouble: Literal["hangs", "refuses", "loses answers", "answers late"] | None = None

    async def get(self) -> LeaseRecord | None:
        await self._suffer()
        return self.lease.record

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        await self._suffer()
        if self.lease.record is not None:
            raise LeaseConflict
        return self.lease.put(record)

    async def update(self, record: LeaseRecord) -> LeaseRecord:
        await self._suffer()
        if self.lease.record is None or self.lease.record.version != record.version:
            raise LeaseConflict
        written = self.lease.put(record)
        if self.trouble == "loses answers":
            raise ConnectionResetError("connection reset")
        if self.trouble == "answers late":
            await sleep(self.clock, timedelta(seconds=4))
        return written

    async def _suffer(self) -> None:
        if self.trouble == "hangs":
            await asyncio.Event().wait()
        if self.trouble == "refuses":
            raise ConnectionRefusedError("connection refused")
