"""The page of flags says what ``certwright run`` takes."""

from certwright.cli.flags import flags_page
from certwright.manifests import GENERATED


def row(flag: str) -> str:
    return next(line for line in flags_page().splitlines() if line.startswith(f"| `{flag}`"))


def test_it_is_marked_as_generated() -> None:
    assert flags_page().startswith(GENERATED)


def test_a_row_tells_variable_default_range_and_meaning() -> None:
    expected = "| `--workers` | `CERTWRIGHT_WORKERS` | `50` | Objects worked on at the same time. From 1 to 500. |"

    assert expected == row("--workers")


def test_a_switch_tells_its_opposite() -> None:
    row_of_election = row("--leader-election")

    assert "`--leader-election`, `--no-leader-election`" in row_of_election
    assert "| `CERTWRIGHT_LEADER_ELECTION` | `--leader-election` |" in row_of_election


def test_a_default_that_depends_on_the_surroundings_is_left_to_the_meaning() -> None:
    assert "| - | Namespace to watch; repeatable. Default: all namespaces. |" in row("--namespace")


def test_a_table_is_not_broken_by_its_cells() -> None:
    rows = [line for line in flags_page().splitlines() if line.startswith("|")]

    assert {line.count("|") for line in rows} == {5}
