"""Puts an ACME issuer's solvers together with what they need of this process and of the cluster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certwright.handlers.challenge_board import Board
from certwright.handlers.credentials import ACMECredentials
from certwright.handlers.reach import Reach
from certwright.handlers.settings import NamespacedIssuers, Settings
from certwright.issuers.acme import ConfiguredSolver
from certwright.kube.challenge_routes import ChallengeRouting
from certwright.kube.client import APIServer
from certwright.kube.host_claims import IngressAndRouteClaims
from certwright.model.metadata import Kind
from certwright.model.observed import KnownIssuer
from certwright.model.resources import ACMEIssuer
from certwright.model.resources import Solver as SolverSpec
from certwright.model.solving import ChallengeBoard, ChallengeRoutes, HostClaims
from certwright.protocols.transport import AddressPolicy
from certwright.solvers.dns01.exchange import Nameserver
from certwright.solvers.dns01.resolver import Resolver, system_nameservers
from certwright.solvers.http01.self_check import SelfCheck, open_self_check_client
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


def solver_parts(
    settings: Settings, server: APIServer, reach: Reach, *, board: Board, routing: ChallengeRouting, user_agent: str
) -> SolverParts:
    """The parts, made of what the operator was told and of its own ways to the cluster."""
    named = [Nameserver.parse(text) for text in settings.recursive_nameservers]
    resolver = Resolver(named or system_nameservers())
    is_claimed = settings.http01_namespaced_issuers is NamespacedIssuers.CLAIMED
    return SolverParts(
        board=board,
        self_checks={
            kind: SelfCheck(
                http=open_self_check_client(user_agent=user_agent, addresses=reach.of(kind)),
                port=settings.http01_self_check_port,
                resolve=resolver.host_addresses if named else None,
            )
            for kind in (Kind.ISSUER, Kind.CLUSTER_ISSUER)
        },
        resolver=resolver,
        claims=IngressAndRouteClaims(server) if is_claimed else None,
        routes=lambda issuer, solver: (
            routing.of(solver.http01, is_trusted=issuer.key.kind == Kind.CLUSTER_ISSUER or not is_claimed)
            if solver.http01
            else None
        ),
    )
