"""What the API server would refuse in the metadata of a Secret is found in the spec."""

from typing import Any

import pytest

from certwright.model.template import template_fault
from tests.model.builders import spec_of

GOOD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "plain": {"labels": {"team": "web"}, "annotations": {"note": "anything at all, ümlauts too\n"}},
    "a prefix": {"labels": {"example.com/team": "a_b.c-d"}, "annotations": {"Example.com/Note": ""}},
    "an empty value": {"labels": {"team": ""}},
    "the longest": {"labels": {f"{'a' * 253}/{'b' * 63}": "c" * 63}},
    "many annotations": {"annotations": {f"note-{number}": "x" * 4096 for number in range(60)}},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a value with a space": ({"labels": {"team": "web shop"}}, "'web shop' for team"),
    "a value that begins with a dash": ({"labels": {"team": "-web"}}, "'-web' for team"),
    "a value in other letters": ({"labels": {"team": "büro"}}, "'büro' for team"),
    "a key with a space": ({"labels": {"my team": "web"}}, "labels has the key 'my team'"),
    "a key with two slashes": ({"annotations": {"a/b/c": ""}}, "annotations has the key 'a/b/c'"),
    "an empty prefix": ({"labels": {"/team": ""}}, "labels has the key '/team'"),
    "an empty name": ({"annotations": {"example.com/": ""}}, "annotations has the key 'example.com/'"),
    "a prefix in capitals": ({"labels": {"Example.com/team": ""}}, "labels has the key 'Example.com/team'"),
    "a long name": ({"annotations": {"a" * 64: ""}}, "annotations has the key 'aaa"),
    "too much": (
        {"annotations": {f"note-{number}": "x" * 4096 for number in range(70)}},
        "shorten spec.secretTemplate.annotations",
    ),
    "too much in other letters": (
        {"annotations": {f"note-{number}": "ü" * 4096 for number in range(35)}},
        "and no object can have more than 262,144",
    ),
}


@pytest.mark.parametrize("template", GOOD.values(), ids=GOOD.keys())
def test_what_can_be_written_is_no_fault(template: dict[str, Any]) -> None:
    assert template_fault(spec_of(secretTemplate=template)) is None


@pytest.mark.parametrize(("template", "told"), BAD.values(), ids=BAD.keys())
def test_a_fault_names_the_place_and_the_remedy(template: dict[str, Any], told: str) -> None:
    fault = template_fault(spec_of(secretTemplate=template))
    assert fault is not None
    assert told in fault
    assert len(fault) < 400


def test_without_a_template_there_is_nothing_to_find() -> None:
    assert template_fault(spec_of()) is None
