"""Reserves attempts of ``limits.perDay`` in the status of their issuer, a block at a time, before they are made.

``admission`` asks here for each attempt. What is held in memory is what this process has reserved and not used; a
process that ends loses it, and another one begins with nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from certwright.handlers.inventory import Inventory
from certwright.kube.errors import ConflictError, NotFoundError
from certwright.kube.resources import Resources
from certwright.model.metadata import Key
from certwright.model.observed import KnownIssuer
from certwright.model.resources import DailyUsage
from certwright.reconcile.daily_budget import Day, current_day
from certwright.reconcile.issuer import known_issuer
from certwright.runtime.clock import Clock

TRIES = 5
"""How often a reservation is tried against others who write the same status."""


@dataclass(slots=True)
class _Held:
    """What this process may still use of what it reserved for an issuer on a day."""

    uid: str
    day: Day
    left: int


class Budgets:
    """The daily budgets of all issuers."""

    def __init__(self, *, inventory: Inventory, resources: Resources, clock: Clock) -> None:
        self._inventory = inventory
        self._resources = resources
        self._clock = clock
        self._held: dict[Key, _Held] = {}
        self._locks: dict[Key, asyncio.Lock] = {}

    def used_up_until(self, issuer: KnownIssuer) -> datetime | None:
        """When attempts may be made again; None: one may be made now, as far as is known without asking."""
        if not _is_limited(issuer):
            return None
        newest = self._newest(issuer)
        day = self._day(newest)
        return day.end if day is not None and not self._left(newest, day) and not day.block() else None

    async def take(self, issuer: KnownIssuer) -> datetime | None:
        """Count one attempt (None), or tell when the next one may be made. Raises `KubeError`.

        Those who come together wait for one reservation, which is enough for all of them where it can be.
        """
        if not _is_limited(issuer):
            return None
        async with self._locks.setdefault(issuer.key, asyncio.Lock()):
            for _ in range(TRIES):
                newest = self._newest(issuer)
                day = self._day(newest)
                if day is None:
                    return None
                if self._left(newest, day):
                    self._held[issuer.key].left -= 1
                    return None
                if not day.block():
                    return day.end
                await self._reserve(newest, day)
        raise ConflictError(f"the status of {issuer.key} was changed by others again and again")

    def forget(self, key: Key) -> None:
        """The issuer is gone. One that is made anew under its name has a budget of its own."""
        self._held.pop(key, None)

    def _newest(self, issuer: KnownIssuer) -> KnownIssuer:
        body = self._inventory.issuers.get(issuer.key)
        return known_issuer(body) if body is not None else issuer

    def _day(self, issuer: KnownIssuer) -> Day | None:
        held = self._held.get(issuer.key)
        known = held.day if held is not None and held.uid == issuer.metadata.uid else None
        return current_day(issuer, self._clock.now(), known=known)

    def _left(self, issuer: KnownIssuer, day: Day) -> int:
        held = self._held.get(issuer.key)
        if held is None or (held.uid, held.day.date) != (issuer.metadata.uid, day.date):
            return 0
        return day.usable(held.left)

    async def _reserve(self, issuer: KnownIssuer, day: Day) -> None:
        """Write one block into the status that was looked at; where it is another by now, read it."""
        key, size = issuer.key, day.block()
        reserved = day.reserved + size
        usage = DailyUsage(day=day.date.isoformat(), reserved=reserved)
        status = issuer.status.model_copy(update={"usage": usage})
        try:
            body = await self._resources.write_status(key.kind, issuer.metadata, status.to_api())
        except ConflictError:
            found = await self._resources.get(key)
            if found is None:
                self._inventory.forget(key)
                raise NotFoundError(f"{key} does not exist any more") from None
            self._inventory.upsert_issuer(key, found)
            return
        self._inventory.upsert_issuer(key, body)
        self._held[key] = _Held(issuer.metadata.uid, Day(day.limit, day.date, reserved), size)


def _is_limited(issuer: KnownIssuer) -> bool:
    """Whether it is worth while to look at the newest body: whoever asks comes again when the spec has changed."""
    return issuer.spec.limits is not None and issuer.spec.limits.per_day is not None
