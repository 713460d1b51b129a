"""Legacy algorithms: tried, and told to the user only if something came of it."""

from collections.abc import Collection

import pytest

from certwright.protocols.cms import BadSignature, LegacyAlgorithmRefused
from certwright.protocols.scep import LegacyAlgorithm, WeakAnswer
from certwright.protocols.scep.tolerance import Tolerance


def weak(accept: Collection[LegacyAlgorithm]) -> str:
    """Needs two, and says so one by one."""
    for needed in (LegacyAlgorithm.SHA1, LegacyAlgorithm.DES):
        if needed not in accept:
            raise LegacyAlgorithmRefused(needed)
    return "read"


def forged(accept: Collection[LegacyAlgorithm]) -> str:
    """A signature in MD5 that anybody may have added."""
    if LegacyAlgorithm.MD5 not in accept:
        raise LegacyAlgorithmRefused(LegacyAlgorithm.MD5)
    raise BadSignature("forged")


def stubborn(_accept: Collection[LegacyAlgorithm]) -> str:
    raise LegacyAlgorithmRefused(LegacyAlgorithm.DES3)


def test_what_was_used_has_to_be_accepted() -> None:
    tolerance = Tolerance(())
    assert tolerance.read(weak) == "read"
    with pytest.raises(WeakAnswer) as caught:
        tolerance.settle()
    assert caught.value.names == (LegacyAlgorithm.DES, LegacyAlgorithm.SHA1)
    accepting = Tolerance({LegacyAlgorithm.DES, LegacyAlgorithm.SHA1})
    accepting.read(weak)
    accepting.settle()


def test_what_led_to_nothing_is_not_recommended() -> None:
    tolerance = Tolerance(())
    with pytest.raises(BadSignature):
        tolerance.read(forged)
    tolerance.settle()


def test_a_reader_that_is_never_content_is_asked_twice() -> None:
    with pytest.raises(LegacyAlgorithmRefused):
        Tolerance(()).read(stubborn)
