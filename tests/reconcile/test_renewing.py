"""What is told of a renewal that keeps to no window, and of a CA with a mind of its own about validity."""

from datetime import timedelta
from typing import Any

import pytest

from certwright.model.resources import CertificateStatus, NextAction
from certwright.reconcile.renewing import RENEW, RENEW_OUT_OF_HOURS, other_validity, renewal_in_words, window_error
from tests.model.builders import DAY, HOUR, NOW, spec_of

SECOND = timedelta(seconds=1)
NIGHTLY = {"renewal": {"windows": [{"cron": "0 2 * * *", "windowDuration": "2h"}]}}


@pytest.mark.parametrize(
    ("fields", "due", "words"),
    [
        pytest.param({}, NOW, RENEW, id="no windows"),
        pytest.param(NIGHTLY, NOW + 2 * HOUR, RENEW, id="the first instant of a window"),
        pytest.param(NIGHTLY, NOW + 4 * HOUR - SECOND, RENEW, id="its last"),
        pytest.param(NIGHTLY, NOW + 4 * HOUR, RENEW_OUT_OF_HOURS, id="when it has closed"),
        pytest.param(NIGHTLY, NOW + 2 * HOUR - SECOND, RENEW_OUT_OF_HOURS, id="before it opens"),
    ],
)
def test_the_next_renewal_is_told_in_words(fields: dict[str, Any], due: Any, words: str) -> None:
    assert words == renewal_in_words(spec_of(**fields), due)


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        pytest.param(RENEW, RENEW_OUT_OF_HOURS, True, id="news"),
        pytest.param(None, RENEW_OUT_OF_HOURS, True, id="a first certificate"),
        pytest.param(RENEW_OUT_OF_HOURS, RENEW_OUT_OF_HOURS, False, id="no news"),
        pytest.param(RENEW_OUT_OF_HOURS, RENEW, False, id="mended"),
        pytest.param(RENEW, None, False, id="nothing comes next"),
    ],
)
def test_a_window_that_cannot_be_met_is_told_when_it_is_news(
    before: str | None, after: str | None, *, is_told: bool
) -> None:
    statuses = [
        CertificateStatus(not_after=NOW + 90 * DAY, next_action=NextAction(what=what, when=NOW) if what else None)
        for what in (before, after)
    ]
    text = window_error(*statuses)
    assert is_told is (text is not None)
    if text is not None:
        assert "ends at 2030-04-01T00:00:00Z" in text
        assert "at 2030-01-01T00:00:00Z" in text


@pytest.mark.parametrize(
    ("asked", "given", "told"),
    [
        pytest.param(None, 90 * DAY, None, id="nothing was asked for"),
        pytest.param("2160h", 90 * DAY, None, id="the same"),
        pytest.param("2160h", 90 * DAY - SECOND, None, id="a second less"),
        pytest.param("24h", 25 * HOUR, None, id="an hour of the past"),
        pytest.param("24h", 26 * HOUR, "for 26h0m0s, and spec.duration asks for 24h0m0s", id="more"),
        pytest.param("24h", HOUR - SECOND, "for 1h0m0s, and spec.duration asks for 24h0m0s", id="less"),
    ],
)
def test_another_validity_is_told_of(asked: str | None, given: timedelta, told: str | None) -> None:
    text = other_validity(spec_of(duration=asked), NOW, NOW + given)
    assert (text is None) is (told is None)
    assert text is None or text.endswith(str(told))
