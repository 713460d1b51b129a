"""Makes every part of the operator and puts them together; nothing runs yet.

Read from top to bottom it is the map of the process: what is made first is what later parts stand on.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from prometheus_client import CollectorRegistry

from certwright.handlers.allowing import Allowance
from certwright.handlers.certificates import CertificateWorker, Parts
from certwright.handlers.challenge_board import Board
from certwright.handlers.credentials import Credentials
from certwright.handlers.drivers import Drivers, Resolve
from certwright.handlers.enrolment import Enrolments
from certwright.handlers.garbage import Garbage
from certwright.handlers.inventory import Inventory
from certwright.handlers.issuers import IssuerWorker
from certwright.handlers.metrics import Metrics
from certwright.handlers.observation import Observer
from certwright.handlers.reach import Reach
from certwright.handlers.reporting import Reporter
from certwright.handlers.secret_changes import SecretChanges, summarise
from certwright.handlers.settings import NamespacedIssuers, Settings
from certwright.handlers.solving import SolverParts
from certwright.handlers.sweep import Sweep
from certwright.handlers.workshop import USER_AGENT, Workshop
from certwright.kube.challenge_board import ChallengeConfigMap
from certwright.kube.challenge_routes import ChallengeRouting, own_cluster_domain
from certwright.kube.client import APIServer
from certwright.kube.events import Events
from certwright.kube.host_claims import IngressAndRouteClaims
from certwright.kube.namespaces import Namespaces
from certwright.kube.references import References
from certwright.kube.resources import Resources
from certwright.kube.route_objects import ResponderService
from certwright.kube.secret_watch import SecretWatch
from certwright.kube.secrets import Secrets
from certwright.model.metadata import Key, Kind
from certwright.runtime.clock import Clock
from certwright.runtime.executor import CPUExecutor
from certwright.runtime.queue import WorkQueue
from certwright.runtime.workers import Result
from certwright.solvers.dns01.exchange import Nameserver
from certwright.solvers.dns01.resolver import Resolver, system_nameservers
from certwright.solvers.http01.self_check import SelfCheck, open_self_check_client


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The parts that ``application`` runs."""

    inventory: Inventory
    queue: WorkQueue[Key]
    watch: SecretWatch | None
    sweep: Sweep
    board: Board
    garbage: Garbage
    drivers: Drivers
    enrolments: Enrolments
    metrics: Metrics
    executor: CPUExecutor
    certificates: CertificateWorker
    issuers: IssuerWorker

    async def handle(self, key: Key) -> Result:
        """Work on one key of any kind."""
        return await (self.certificates if key.kind == Kind.CERTIFICATE else self.issuers).handle(key)


def assemble(
    settings: Settings,
    server: APIServer,
    *,
    clock: Clock,
    kinds: tuple[str, ...],
    api_server_addresses: tuple[IPv4Network | IPv6Network, ...],
    resolve: Resolve | None = None,
) -> Operator:
    """Make all parts; ``resolve`` replaces the workshop that makes drivers.

    Makes no request; raises ``ValueError`` for a nameserver that is none.
    """
    inventory = Inventory()
    queue: WorkQueue[Key] = WorkQueue(clock, opened=False)
    metrics = Metrics(CollectorRegistry())
    resources, secrets = Resources(server), Secrets(server)
    changes = SecretChanges(inventory=inventory, queue=queue, operator_namespace=settings.operator_namespace)
    watch = _watch(settings, server, changes)
    board = Board(ChallengeConfigMap(server, namespace=settings.operator_namespace), clock=clock)
    routing = _routing(settings, server)
    reach = Reach(settings, api_server_addresses)
    workshop = Workshop(
        credentials=Credentials(
            references=References(server), secrets=secrets, operator_namespace=settings.operator_namespace
        ),
        solver_parts=_solver_parts(settings, server, reach, board=board, routing=routing),
        reach=reach,
        clock=clock,
    )
    drivers = Drivers(resolve=resolve or workshop.resolve, queue=queue, clock=clock)
    events = Events(server, instance=settings.identity)
    reporter = Reporter(inventory=inventory, resources=resources, events=events, metrics=metrics, clock=clock)
    observer = Observer(
        inventory=inventory,
        resources=resources,
        secrets=secrets,
        watch=watch,
        clock=clock.now,
        refusal=Allowance(Namespaces(server)).refusal,
    )
    executor = CPUExecutor()
    enrolments = Enrolments(
        inventory=inventory,
        observer=observer,
        secrets=secrets,
        drivers=drivers,
        reporter=reporter,
        executor=executor,
        watch=watch,
        clock=clock,
    )
    changes.enrolments, changes.drivers = enrolments, drivers
    parts = Parts(
        inventory=inventory,
        observer=observer,
        secrets=secrets,
        watch=watch,
        drivers=drivers,
        enrolments=enrolments,
        reporter=reporter,
        queue=queue,
        clock=clock,
    )
    return Operator(
        inventory=inventory,
        queue=queue,
        watch=watch,
        sweep=Sweep(
            inventory=inventory,
            resources=resources,
            watch=watch,
            queue=queue,
            kinds=kinds,
            namespaces=settings.namespaces,
            clock=clock,
        ),
        board=board,
        garbage=Garbage(board=board, routing=routing, live=enrolments.live_uids, clock=clock),
        drivers=drivers,
        enrolments=enrolments,
        metrics=metrics,
        executor=executor,
        certificates=CertificateWorker(parts),
        issuers=IssuerWorker(
            inventory=inventory, resources=resources, drivers=drivers, reporter=reporter, queue=queue, clock=clock
        ),
    )


def _watch(settings: Settings, server: APIServer, changes: SecretChanges) -> SecretWatch | None:
    if not settings.secret_watch:
        return None
    return SecretWatch(server, namespaces=settings.namespaces, summarise=summarise, notify=changes.notify)


def _routing(settings: Settings, server: APIServer) -> ChallengeRouting:
    name, port = settings.http01_service
    service = ResponderService(
        namespace=settings.operator_namespace, name=name, port=port, cluster_domain=own_cluster_domain()
    )
    return ChallengeRouting(server, service, namespaces=settings.namespaces)


def _solver_parts(
    settings: Settings, server: APIServer, reach: Reach, *, board: Board, routing: ChallengeRouting
) -> SolverParts:
    named = [Nameserver.parse(text) for text in settings.recursive_nameservers]
    resolver = Resolver(named or system_nameservers())
    is_claimed = settings.http01_namespaced_issuers is NamespacedIssuers.CLAIMED
    return SolverParts(
        board=board,
        self_checks={
            kind: SelfCheck(
                http=open_self_check_client(user_agent=USER_AGENT, addresses=reach.of(kind)),
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
