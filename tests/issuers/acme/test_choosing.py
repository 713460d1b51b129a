"""Which solver proves which name."""

from typing import Any

import pytest

from certwright.issuers.acme.choosing import ConfiguredSolver, choose, possible_types
from certwright.model.resources import Solver
from certwright.model.solving import ChallengeType
from tests.fakes.solving import FakeSolver

BOTH = frozenset(ChallengeType)


def configured(kind: ChallengeType = ChallengeType.DNS_01, **selector: Any) -> ConfiguredSolver:
    way: dict[str, Any] = {"dns01": {"rfc2136": {"nameserver": "192.0.2.1"}}}
    if kind is ChallengeType.HTTP_01:
        way = {"http01": {"direct": {}}}
    return ConfiguredSolver(Solver.model_validate({**way, "selector": selector or None}), FakeSolver(kind))


ALL = configured()
EXACT = configured(dnsNames=["www.shop.test"])
ZONE = configured(dnsZones=["shop.test"])
SUBZONE = configured(dnsZones=["eu.shop.test", "other.test"])
LABELLED = configured(matchLabels={"team": "web"})
MORE_LABELS = configured(matchLabels={"team": "web", "tier": "front"})
EXACT_OUTSIDE = configured(dnsNames=["www.shop.test"], dnsZones=["other.test"])
OVER_HTTP = configured(ChallengeType.HTTP_01)
WILD = configured(dnsNames=["*.shop.test"])

TEAM = {"team": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("solvers", "name", "labels", "expected"),
    [
        pytest.param([ALL], "www.shop.test", {}, ALL, id="no selector means every name"),
        pytest.param([ALL, ZONE, EXACT], "www.shop.test", {}, EXACT, id="exact beats zone"),
        pytest.param([ALL, ZONE, SUBZONE], "a.eu.shop.test", {}, SUBZONE, id="longer zone beats shorter"),
        pytest.param([ALL, ZONE, LABELLED], "www.shop.test", TEAM, ZONE, id="zone beats labels"),
        pytest.param([LABELLED, MORE_LABELS, ALL], "www.shop.test", TEAM, MORE_LABELS, id="more labels beat fewer"),
        pytest.param([LABELLED, ALL], "www.shop.test", {"team": "db"}, ALL, id="a wrong label excludes"),
        pytest.param([ZONE], "shop.test", {}, ZONE, id="a zone holds its apex"),
        pytest.param([ZONE], "WWW.Shop.TEST", {}, ZONE, id="case plays no part"),
        pytest.param([ZONE], "notshop.test", {}, None, id="a zone ends at a label"),
        pytest.param([ZONE], "*.shop.test", {}, ZONE, id="a zone holds its wildcard"),
        pytest.param([EXACT, ZONE], "*.shop.test", {}, ZONE, id="an exact name is no wildcard"),
        pytest.param([ZONE, WILD], "*.shop.test", {}, WILD, id="a wildcard can be named exactly"),
        pytest.param([EXACT_OUTSIDE], "www.shop.test", {}, None, id="names and zones must both fit"),
        pytest.param([EXACT], "api.shop.test", {}, None, id="nothing fits"),
        pytest.param([ZONE, configured(dnsZones=["shop.test"])], "www.shop.test", {}, ZONE, id="first of equals"),
    ],
)
def test_the_most_specific_solver_is_chosen(
    solvers: list[ConfiguredSolver], name: str, labels: dict[str, str], expected: ConfiguredSolver | None
) -> None:
    assert choose(solvers, name, labels=labels, offered=BOTH) is expected


def test_a_solver_of_a_type_that_is_not_offered_is_passed_over() -> None:
    assert choose([OVER_HTTP, ALL], "*.shop.test", labels={}, offered={ChallengeType.DNS_01}) is ALL


@pytest.mark.parametrize(
    ("name", "is_address", "expected"),
    [
        pytest.param("www.shop.test", False, BOTH, id="name"),
        pytest.param("*.shop.test", False, {ChallengeType.DNS_01}, id="wildcard"),
        pytest.param("192.0.2.7", True, {ChallengeType.HTTP_01}, id="address"),
    ],
)
def test_wildcards_and_addresses_leave_one_type(name: str, is_address: bool, expected: set[str]) -> None:  # noqa: FBT001 - a table
    assert possible_types(name, is_address=is_address) == expected


def test_a_solver_is_described_by_its_selector() -> None:
    described = configured(dnsZones=["a.test", "b.test"], matchLabels={"team": "web"}).describe()
    assert described == "dns-01 for dnsZones a.test, b.test and matchLabels team=web"
