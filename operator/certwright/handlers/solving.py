"""Puts an ACME issuer's solvers together with what they need of this process and of the cluster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certwright.handlers.credentials import ACMECredentials
from certwright.issuers.acme import ConfiguredSolver
from certwright.model.metadata import Kind
from certwright.model.observed import KnownIssuer
from certwright.model.resources import ACMEIssuer
from certwright.model.resources import Solver as SolverSpec
from certwright.model.solving import ChallengeBoard, ChallengeRoutes, HostClaims
from certwright.protocols.transport import AddressPolicy
from certwright.solvers.dns01.resolver import Resolver
from certwright.solvers.http01.self_check import SelfCheck
from certwright.solvers.registry import Surroundings, solver_for


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverParts:
    """What the process hands to every issuer's solvers. ``claims`` is None where tenants trust each other.

    ``self_checks`` has one for each kind of issuer: a name that a tenant wants to prove may lead to the API server or
    to this machine, and the operator's own look at it must reach no further than his CA may be.
    """

    board: ChallengeBoard
    self_checks: Mapping[str, SelfCheck]
    resolver: Resolver
    claims: HostClaims | None
    routes: Callable[[KnownIssuer, SolverSpec], ChallengeRoutes | None]


def configured_solvers(
    issuer: KnownIssuer, spec: ACMEIssuer, credentials: ACMECredentials, parts: SolverParts, addresses: AddressPolicy
) -> list[ConfiguredSolver]:
    """The solvers of one issuer, in the order of its spec. Raises `IssuerError`."""
    surroundings = Surroundings(
        board=parts.board,
        self_check=parts.self_checks[issuer.key.kind],
        resolver=parts.resolver,
        addresses=addresses,
        claims=parts.claims if issuer.key.kind != Kind.CLUSTER_ISSUER else None,
    )
    return [
        ConfiguredSolver(
            solver,
            solver_for(solver, surroundings, routes=parts.routes(issuer, solver), secrets=credentials.solver_secrets),
        )
        for solver in spec.solvers
    ]
