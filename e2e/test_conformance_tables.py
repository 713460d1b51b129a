"""The tables of ``e2e/conformance`` are sound, and the page that is rendered from them is up to date. No servers."""

from typing import Any

import pytest

from e2e.conformance.delivered import Delivered
from e2e.conformance.drivers import DRIVERS, Driver, Otherwise
from e2e.conformance.features import FEATURES, Feature
from e2e.conformance.matrix import PAGE, main, render

NAMES = [feature.name for feature in FEATURES]


def protocol(driver: type[Driver[Any]]) -> str:
    return driver.protocol


def test_the_page_is_up_to_date() -> None:
    assert render() == PAGE.read_text(encoding="utf-8"), "run make manifests"
    assert main(["--check"]) == 0


def test_features_differ_in_name() -> None:
    assert len(set(NAMES)) == len({feature.slug for feature in FEATURES}) == len(FEATURES)


@pytest.mark.parametrize("feature", FEATURES, ids=str)
def test_a_feature_expects_something_that_can_be_seen(feature: Feature) -> None:
    assert feature.expects
    assert unseen(feature.expects) == []


@pytest.mark.parametrize("driver", DRIVERS, ids=protocol)
def test_a_driver_names_features_that_exist_and_says_why(driver: type[Driver[Any]]) -> None:
    assert [name for name in driver.cannot if name not in NAMES] == []
    assert [name for name, cannot in driver.cannot.items() if not cannot.why] == []
    others = [cannot for cannot in driver.cannot.values() if isinstance(cannot, Otherwise)]
    assert [name for cannot in others for name in unseen(cannot.expects)] == []


def unseen(expects: Any) -> list[str]:
    return [name for name in expects if name not in Delivered.__dataclass_fields__ and not hasattr(Delivered, name)]
