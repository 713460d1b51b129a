"""Which of an issuer's solvers proves a name: cert-manager's rules, so that solvers can be moved over unchanged.

Pure; asked once by ``application`` before anything is sent, and again for every authorization.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from certwright.model.resources import Solver as SolverSpec
from certwright.model.resources import SolverSelector
from certwright.model.solving import ChallengeType, Solver

DEFAULT_TIMEOUT = timedelta(minutes=5)
DEFAULT_INTERVAL = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ConfiguredSolver:
    """One entry of the issuer's ``solvers``: the user's settings, and what does the work."""

    spec: SolverSpec
    solver: Solver

    @property
    def timeout(self) -> timedelta:
        """How long a proof may stay out of sight before that is a failure."""
        propagation = self.spec.dns01.propagation if self.spec.dns01 else None
        return (propagation and propagation.timeout) or DEFAULT_TIMEOUT

    @property
    def interval(self) -> timedelta:
        """The longest time between two looks at a proof."""
        propagation = self.spec.dns01.propagation if self.spec.dns01 else None
        return (propagation and propagation.interval) or DEFAULT_INTERVAL

    def describe(self) -> str:
        """The solver in a few words, for a user who wonders why it was not taken."""
        selector = self.spec.selector or SolverSelector()
        parts = [
            f"dnsNames {', '.join(selector.dns_names)}" if selector.dns_names else "",
            f"dnsZones {', '.join(selector.dns_zones)}" if selector.dns_zones else "",
            f"matchLabels {_labels(selector.match_labels)}" if selector.match_labels else "",
        ]
        return f"{self.solver.challenge_type} for {' and '.join(filter(None, parts)) or 'every name'}"


def choose(
    solvers: Sequence[ConfiguredSolver], name: str, *, labels: Mapping[str, str], offered: Collection[str]
) -> ConfiguredSolver | None:
    """The most specific solver for ``name`` (``*.`` in front of a wildcard) of a type that is ``offered``.

    An exact name beats any zone, a longer zone a shorter one, more labels fewer; among equals the first is taken.
    """
    ranked = [
        (rank, configured)
        for configured in solvers
        if configured.solver.challenge_type in offered
        and (rank := _rank(configured.spec.selector, name, labels)) is not None
    ]
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None


def possible_types(name: str, *, is_address: bool) -> frozenset[ChallengeType]:
    """The types that can prove a name at all (RFC 8555 §8.3 for wildcards, RFC 8738 §7 for addresses)."""
    if is_address:
        return frozenset({ChallengeType.HTTP_01})
    if name.startswith("*."):
        return frozenset({ChallengeType.DNS_01})
    return frozenset(ChallengeType)


def _rank(selector: SolverSelector | None, name: str, labels: Mapping[str, str]) -> tuple[int, int, int] | None:
    """How specifically the selector means this name; None if it does not, all its parts must fit."""
    if selector is None:
        return (0, 0, 0)
    is_exact = _plain(name) in {_plain(allowed) for allowed in selector.dns_names}
    zone = max((_depth(zone) for zone in selector.dns_zones if _is_within(name, zone)), default=0)
    if selector.dns_names and not is_exact:
        return None
    if selector.dns_zones and not zone:
        return None
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return None
    return (int(is_exact), zone, len(selector.match_labels))


def _is_within(name: str, zone: str) -> bool:
    inside, apex = _plain(name).removeprefix("*."), _plain(zone)
    return inside == apex or inside.endswith(f".{apex}")


def _depth(zone: str) -> int:
    return _plain(zone).count(".") + 1


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())
