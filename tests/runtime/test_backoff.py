"""Delays double between their bounds, and jitter only shortens them."""

from datetime import timedelta

import pytest

from certwright.runtime.backoff import Backoff


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        pytest.param(1, 1, id="first"),
        pytest.param(2, 2, id="second"),
        pytest.param(5, 16, id="fifth"),
        pytest.param(6, 20, id="at-the-maximum"),
        pytest.param(100_000, 20, id="after-months"),
    ],
)
def test_doubles_up_to_the_maximum(failures: int, seconds: int) -> None:
    backoff = Backoff(initial=timedelta(seconds=1), maximum=timedelta(seconds=20), random=lambda: 0.0)
    assert backoff.delay(failures) == timedelta(seconds=seconds)


def test_jitter_shortens_by_its_part_at_most() -> None:
    backoff = Backoff(initial=timedelta(seconds=10), jitter=0.2, random=lambda: 1.0)
    assert backoff.delay(1) == timedelta(seconds=8)
