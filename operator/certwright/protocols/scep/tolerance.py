"""Legacy algorithms in an answer: used while reading, noted, and refused all together at the end.

A reader that stopped at the first one would tell the user about SHA-1, and after that was accepted about DES.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from certwright.protocols.cms import LegacyAlgorithm, LegacyAlgorithmRefused
from certwright.protocols.scep.errors import WeakAnswer

Result = TypeVar("Result")


class Tolerance:
    """One answer's legacy algorithms. Whoever read with it must call ``settle`` before acting on what was read."""

    __slots__ = ("_accept", "_needed")

    def __init__(self, accept: Collection[LegacyAlgorithm]) -> None:
        self._accept = frozenset(accept)
        self._needed: set[LegacyAlgorithm] = set()

    def read(self, read: Callable[[frozenset[LegacyAlgorithm]], Result]) -> Result:
        """What ``read`` gives when it may use every legacy algorithm that it asks for.

        Noted is only what led to something: anybody can add a signature in MD5 that does not hold.
        """
        used: frozenset[LegacyAlgorithm] = frozenset()
        while True:
            try:
                result = read(used)
            except LegacyAlgorithmRefused as refused:
                if refused.algorithm in used:
                    raise
                used |= {refused.algorithm}
            else:
                self._needed |= used
                return result

    def settle(self) -> None:
        """``WeakAnswer`` if anything was used that is not accepted."""
        if missing := self._needed - self._accept:
            raise WeakAnswer(missing)
