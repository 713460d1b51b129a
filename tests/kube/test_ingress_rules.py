"""One more path in somebody's rules, and afterwards the rules are what they were."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.kube.ingress_rules import with_path, without_service

HOST = "a.example.com"


def path(service: str, at: str = "/") -> dict[str, Any]:
    return {"path": at, "pathType": "Exact", "backend": {"service": {"name": service, "port": {"number": 80}}}}


OURS = path("ours", "/.well-known/acme-challenge/token")


def rule(host: str, *paths: dict[str, Any]) -> dict[str, Any]:
    named = {"host": host} if host else {}
    return named | ({"http": {"paths": list(paths)}} if paths else {})


SHOP = path("shop")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([], [rule(HOST, OURS)], id="no rules"),
        pytest.param([rule(HOST, SHOP)], [rule(HOST, OURS, SHOP)], id="the host's own rule"),
        pytest.param([rule("*.example.com", SHOP)], [rule("*.example.com", OURS, SHOP)], id="a wildcard's rule"),
        pytest.param([rule("", SHOP)], [rule("", OURS, SHOP)], id="a rule for all hosts"),
        pytest.param(
            [rule("", SHOP), rule("*.example.com", SHOP), rule(HOST, SHOP)],
            [rule("", SHOP), rule("*.example.com", SHOP), rule(HOST, OURS, SHOP)],
            id="the host goes first",
        ),
        pytest.param([rule("b.example.com", SHOP)], [rule("b.example.com", SHOP), rule(HOST, OURS)], id="another host"),
        pytest.param(
            [rule("*.a.example.com", SHOP)], [rule("*.a.example.com", SHOP), rule(HOST, OURS)], id="a deeper wildcard"
        ),
        pytest.param([rule("*.com", SHOP)], [rule("*.com", SHOP), rule(HOST, OURS)], id="a wildcard two labels above"),
        pytest.param([rule(HOST)], [rule(HOST), rule(HOST, OURS)], id="a rule without paths"),
        pytest.param(
            [rule(HOST), rule("*.example.com", SHOP)],
            [rule(HOST), rule("*.example.com", SHOP), rule(HOST, OURS)],
            id="a rule without paths before a wildcard",
        ),
    ],
)
def test_the_path_goes_where_the_host_is_served(before: list[Any], after: list[Any]) -> None:
    assert after == with_path({"rules": before}, host=HOST, path=OURS)["rules"]


def test_an_address_goes_to_the_rule_for_all_hosts() -> None:
    spec = {"rules": [rule(HOST, SHOP), rule("", SHOP)]}

    assert [rule(HOST, SHOP), rule("", OURS, SHOP)] == with_path(spec, host="", path=OURS)["rules"]


def test_an_address_without_such_a_rule_gets_one() -> None:
    assert {"rules": [rule(HOST, SHOP), rule("", OURS)]} == with_path({"rules": [rule(HOST, SHOP)]}, host="", path=OURS)


def test_a_backend_that_is_no_service_stays() -> None:
    bucket = {"path": "/", "pathType": "Prefix", "backend": {"resource": {"kind": "Bucket", "name": "static"}}}
    spec = {"rules": [rule(HOST, bucket)]}

    assert spec == without_service(with_path(spec, host=HOST, path=OURS), "ours")


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "defaultBackend": st.just({"service": {"name": "shop", "port": {"number": 80}}}),
        "ingressClassName": st.just("nginx"),
        "tls": st.just([{"hosts": [HOST], "secretName": "web"}]),
        "rules": st.lists(
            st.builds(
                rule,
                st.sampled_from(["", HOST, "*.example.com", "b.example.com", "*.b.example.com"]),
            )
            | st.builds(
                lambda host, paths: rule(host, *paths),
                st.sampled_from(["", HOST, "*.example.com", "b.example.com"]),
                st.lists(st.sampled_from([SHOP, path("cart", "/cart")]), min_size=1, max_size=3),
            ),
            min_size=1,
            max_size=4,
        ),
    },
)
CHALLENGES = st.lists(st.sampled_from(["", HOST, "b.example.com", "c.b.example.com"]), min_size=1, max_size=4)


@given(spec=SPECS, hosts=CHALLENGES, order=st.randoms(use_true_random=False))
def test_afterwards_the_spec_is_what_it_was(spec: dict[str, Any], hosts: Sequence[str], order: Any) -> None:
    edited = spec
    for number, host in enumerate(hosts):
        edited = with_path(edited, host=host, path=path(f"ours-{number}"))
        assert edited == with_path(edited, host=host, path=path(f"ours-{number}"))
    numbers = list(range(len(hosts)))
    order.shuffle(numbers)
    for number in numbers:
        edited = without_service(edited, f"ours-{number}")

    assert spec == edited
