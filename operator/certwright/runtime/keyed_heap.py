"""A priority queue in which each key stands once and may be moved: what the schedule and the work queue share.

Entries that were moved or dropped stay in the heap until they surface (lazy deletion), because to find one costs a
scan. An entry is valid as long as the table holds that very tuple, so no version numbers are kept.
"""

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

# Below this many stale entries a rebuild costs more than it frees.
_TOLERATED_STALE_ENTRIES = 64


class KeyedHeap(Generic[K]):
    """Keys in the order of their rank, the lowest first; equal ranks in the order in which they were set."""

    __slots__ = ("_entries", "_heap", "_tickets")

    def __init__(self) -> None:
        self._entries: dict[K, tuple[float, int, K]] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._tickets = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def rank(self, key: K) -> float | None:
        """The rank of a key, or None if it is not here."""
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def set(self, key: K, rank: float) -> None:
        """Insert the key, or move it."""
        # The ticket keeps equal ranks in order, and keeps two keys from ever being compared: they need not be sortable.
        self._tickets += 1
        entry = (rank, self._tickets, key)
        self._entries[key] = entry
        heappush(self._heap, entry)
        self._compact()

    def discard(self, key: K) -> None:
        """Drop the key if it is here."""
        self._entries.pop(key, None)
        self._compact()

    def first(self) -> tuple[float, K] | None:
        """Rank and key of the lowest, which stays."""
        heap = self._heap
        while heap:
            entry = heap[0]
            if self._entries.get(entry[2]) is entry:
                return entry[0], entry[2]
            heappop(heap)
        return None

    def pop(self) -> K:
        """Take the lowest; raises ``IndexError`` when empty."""
        while True:
            entry = heappop(self._heap)
            if self._entries.get(entry[2]) is entry:
                del self._entries[entry[2]]
                return entry[2]

    def _compact(self) -> None:
        # A due time two months ahead never surfaces by itself: without this, every resync would leave one more entry
        # behind for each of a hundred thousand keys.
        if len(self._heap) > 2 * len(self._entries) + _TOLERATED_STALE_ENTRIES:
            self._heap = list(self._entries.values())
            heapify(self._heap)
