"""Hands the Lease of ``kube`` to the elector of ``runtime``, which do not know each other."""

from datetime import timedelta

from certwright.kube.errors import ConflictError, NotFoundError
from certwright.kube.leases import Lease, Leases
from certwright.runtime.leader import LeaseConflict, LeaseRecord


class LeaseAdapter:
    """Implements ``runtime.leader.LeaseStore``."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def get(self) -> LeaseRecord | None:
        """The record as it stands."""
        lease = await self._leases.get()
        return _record(lease) if lease is not None else None

    async def create(self, record: LeaseRecord) -> LeaseRecord:
        """Make it."""
        try:
            return _record(await self._leases.create(_lease(record)))
        except ConflictError as error:
            raise LeaseConflict from error

    async def update(self, record: LeaseRecord) -> LeaseRecord:
        """Replace it."""
        try:
            return _record(await self._leases.update(_lease(record)))
        except (ConflictError, NotFoundError) as error:
            raise LeaseConflict from error


def _record(lease: Lease) -> LeaseRecord:
    return LeaseRecord(
        holder=lease.holder,
        duration=timedelta(seconds=lease.duration_seconds),
        acquired_at=lease.acquired_at,
        renewed_at=lease.renewed_at,
        transitions=lease.transitions,
        version=lease.version,
    )


def _lease(record: LeaseRecord) -> Lease:
    return Lease(
        holder=record.holder,
        duration_seconds=max(int(record.duration.total_seconds()), 1),
        acquired_at=record.acquired_at,
        renewed_at=record.renewed_at,
        transitions=record.transitions,
        version=record.version,
    )
