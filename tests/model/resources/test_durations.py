"""Durations are Go's, since that is what users of Kubernetes write."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.resources import format_duration, parse_duration

FORMS = {
    "hours": ("2160h", timedelta(hours=2160), "2160h0m0s"),
    "hours-and-minutes": ("1h30m", timedelta(minutes=90), "1h30m0s"),
    "all-three": ("1h2m3s", timedelta(hours=1, minutes=2, seconds=3), "1h2m3s"),
    "as-go-prints-it": ("2160h0m0s", timedelta(days=90), "2160h0m0s"),
    "minutes": ("5m", timedelta(minutes=5), "5m0s"),
    "seconds": ("45s", timedelta(seconds=45), "45s"),
    "fraction": ("1.5h", timedelta(minutes=90), "1h30m0s"),
    "fraction-of-a-second": ("0.5s", timedelta(milliseconds=500), "0.5s"),
    "nothing": ("0s", timedelta(), "0s"),
    "carry": ("3600s", timedelta(hours=1), "1h0m0s"),
}


@pytest.mark.parametrize(("text", "length", "printed"), FORMS.values(), ids=FORMS)
def test_a_duration_is_read_and_printed_as_go_does(text: str, length: timedelta, printed: str) -> None:
    assert length == parse_duration(text)
    assert printed == format_duration(length)


@pytest.mark.parametrize("text", ["", "5", "1d", "h", "1m1h", "-1h", "1h ", "1h\n", "9999999h", "100ms"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2160h, 1h30m or 90s"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=3_599_999_999))
def test_every_length_survives_a_round_trip(seconds: int) -> None:
    length = timedelta(seconds=seconds)

    assert length == parse_duration(format_duration(length))
