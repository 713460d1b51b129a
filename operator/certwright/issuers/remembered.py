"""What a driver remembers to spare requests: bounded, and forgotten with the process."""

from collections import OrderedDict
from collections.abc import Iterator

MAX_REMEMBERED = 10_000


class Remembered:
    """A set that forgets its oldest members first."""

    def __init__(self) -> None:
        self._members: OrderedDict[str | int, None] = OrderedDict()

    def add(self, member: str | int) -> None:
        """Remember it."""
        self._members[member] = None
        if len(self._members) > MAX_REMEMBERED:
            self._members.popitem(last=False)

    def discard(self, member: str | int) -> None:
        """Forget it."""
        self._members.pop(member, None)

    def __contains__(self, member: object) -> bool:
        return member in self._members

    def __iter__(self) -> Iterator[str | int]:
        return iter(self._members)
