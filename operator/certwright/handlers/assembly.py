"""The map of the process: every part of the operator, and what it stands on. Nothing runs and nothing is asked yet."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network

from prometheus_client import CollectorRegistry

from certwright.handlers.admission import Admission
from certwright.handlers.allowing import Allowance
from certwright.handlers.authenticators import Authentication
from certwright.handlers.budgets import Budgets
from certwright.handlers.certificates import CertificateWorker, Parts
from certwright.handlers.challenge_board import Board
from certwright.handlers.claims import Claims
from certwright.handlers.credentials import Credentials
from certwright.handlers.departures import Departures
from certwright.handlers.drivers import Drivers, Resolve
from certwright.handlers.enrolment import Enrolments
from certwright.handlers.garbage import Garbage
from certwright.handlers.inventory import Inventory
from certwright.handlers.issuers import IssuerWorker
from certwright.handlers.keystores import Keystores
from certwright.handlers.learned_anchors import LearnedAnchors
from certwright.handlers.metrics import Metrics
from certwright.handlers.observation import Observer
from certwright.handlers.own_credentials import OwnCredentials
from certwright.handlers.reach import Reach
from certwright.handlers.reporting import Reporter
from certwright.handlers.revoking import Revoking
from certwright.handlers.secret_changes import SecretChanges, summarise
from certwright.handlers.settings import Settings
from certwright.handlers.solving import solver_parts
from certwright.handlers.superseding import Superseding
from certwright.handlers.sweep import Sweep
from certwright.handlers.takeover import Takeover
from certwright.handlers.workshop import USER_AGENT, Workshop
from certwright.kube.challenge_board import ChallengeConfigMap
from certwright.kube.challenge_routes import ChallengeRouting, own_cluster_domain
from certwright.kube.client import APIServer
from certwright.kube.events import Events
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


class Operator:
    """The parts of one process, each made when it is first asked for, out of those that it stands on.

    ``resolve`` replaces the workshop that makes drivers.
    """

    def __init__(
        self,
        settings: Settings,
        server: APIServer,
        *,
        clock: Clock,
        kinds: tuple[str, ...],
        api_server_addresses: tuple[IPv4Network | IPv6Network, ...],
        resolve: Resolve | None = None,
    ) -> None:
        self._settings = settings
        self._server = server
        self._clock = clock
        self._kinds = kinds
        self._reach = Reach(settings, api_server_addresses)
        self._resources = Resources(server)
        self._secrets = Secrets(server)
        self._changes = SecretChanges(
            inventory=self.inventory, queue=self.queue, operator_namespace=settings.operator_namespace
        )
        self.drivers = Drivers(resolve=resolve or self._workshop.resolve, queue=self.queue, clock=clock)
        self._changes.enrolments, self._changes.drivers = self.enrolments, self.drivers

    async def handle(self, key: Key) -> Result:
        """Work on one key of any kind."""
        return await (self.certificates if key.kind == Kind.CERTIFICATE else self.issuers).handle(key)

    def look_at_all(self) -> None:
        """Have every object looked at once: the clock was set, and no due time is what it was."""
        for kind in self._kinds:
            for key in self.inventory.keys(kind):
                self.queue.add(key)

    @cached_property
    def inventory(self) -> Inventory:
        """What the watches have shown."""
        inventory = Inventory()
        inventory.wake = self.queue.add
        return inventory

    @cached_property
    def queue(self) -> WorkQueue[Key]:
        """Closed until this process leads and has seen everything that exists."""
        return WorkQueue(self._clock, opened=False)

    @cached_property
    def metrics(self) -> Metrics:
        """The counters."""
        return Metrics(CollectorRegistry())

    @cached_property
    def executor(self) -> CPUExecutor:
        """A thread for what is slow on the CPU."""
        return CPUExecutor()

    @cached_property
    def watch(self) -> SecretWatch | None:
        """The metadata of the Secrets that we wrote."""
        if not self._settings.secret_watch:
            return None
        namespaces, notify = self._settings.namespaces, self._changes.notify
        return SecretWatch(self._server, namespaces=namespaces, summarise=summarise, notify=notify)

    @cached_property
    def board(self) -> Board:
        """The pending HTTP-01 answers."""
        return Board(ChallengeConfigMap(self._server, namespace=self._settings.operator_namespace), clock=self._clock)

    @cached_property
    def _routing(self) -> ChallengeRouting:
        name, port = self._settings.http01_service
        namespace = self._settings.operator_namespace
        service = ResponderService(namespace=namespace, name=name, port=port, cluster_domain=own_cluster_domain())
        return ChallengeRouting(self._server, service, namespaces=self._settings.namespaces)

    @cached_property
    def _references(self) -> References:
        return References(self._server)

    @cached_property
    def _credentials(self) -> Credentials:
        return Credentials(
            references=self._references,
            secrets=self._secrets,
            operator_namespace=self._settings.operator_namespace,
        )

    @cached_property
    def _workshop(self) -> Workshop:
        return Workshop(
            credentials=self._credentials,
            solver_parts=solver_parts(
                self._settings,
                self._server,
                self._reach,
                board=self.board,
                routing=self._routing,
                user_agent=USER_AGENT,
            ),
            reach=self._reach,
            executor=self.executor,
            clock=self._clock,
        )

    @cached_property
    def _reporter(self) -> Reporter:
        return Reporter(
            inventory=self.inventory,
            resources=self._resources,
            events=Events(self._server, instance=self._settings.identity),
            metrics=self.metrics,
            clock=self._clock,
        )

    @cached_property
    def _observer(self) -> Observer:
        return Observer(
            inventory=self.inventory,
            resources=self._resources,
            secrets=self._secrets,
            watch=self.watch,
            clock=self._clock.now,
            claims=Claims(self.inventory, operator_namespace=self._settings.operator_namespace),
            refusal=Allowance(Namespaces(self._server)).refusal,
            keystores=self._keystores,
        )

    @cached_property
    def _keystores(self) -> Keystores:
        return Keystores(references=self._references, executor=self.executor, clock=self._clock)

    @cached_property
    def _takeover(self) -> Takeover:
        return Takeover(secrets=self._secrets, reporter=self._reporter)

    @cached_property
    def _budgets(self) -> Budgets:
        return Budgets(inventory=self.inventory, resources=self._resources, clock=self._clock)

    @cached_property
    def _revoking(self) -> Revoking:
        return Revoking(inventory=self.inventory, drivers=self.drivers, reporter=self._reporter, clock=self._clock)

    @cached_property
    def _superseding(self) -> Superseding:
        return Superseding(revoking=self._revoking, secrets=self._secrets, clock=self._clock)

    @cached_property
    def _departures(self) -> Departures:
        return Departures(
            inventory=self.inventory,
            resources=self._resources,
            secrets=self._secrets,
            revoking=self._revoking,
            reporter=self._reporter,
            clock=self._clock,
        )

    @cached_property
    def enrolments(self) -> Enrolments:
        """The enrolments under way."""
        return Enrolments(
            inventory=self.inventory,
            observer=self._observer,
            secrets=self._secrets,
            drivers=self.drivers,
            authentication=Authentication(secrets=self._secrets, own=OwnCredentials(self._references)),
            superseding=self._superseding,
            keystores=self._keystores,
            takeover=self._takeover,
            reporter=self._reporter,
            executor=self.executor,
            watch=self.watch,
            clock=self._clock,
        )

    @cached_property
    def certificates(self) -> CertificateWorker:
        """Handles Certificates."""
        return CertificateWorker(
            Parts(
                inventory=self.inventory,
                observer=self._observer,
                secrets=self._secrets,
                watch=self.watch,
                drivers=self.drivers,
                admission=Admission(
                    drivers=self.drivers,
                    budgets=self._budgets,
                    sessions=self.enrolments,
                    reporter=self._reporter,
                    clock=self._clock,
                ),
                enrolments=self.enrolments,
                superseding=self._superseding,
                keystores=self._keystores,
                departures=self._departures,
                takeover=self._takeover,
                reporter=self._reporter,
                queue=self.queue,
                clock=self._clock,
            )
        )

    @cached_property
    def issuers(self) -> IssuerWorker:
        """Handles both kinds of issuer."""
        return IssuerWorker(
            inventory=self.inventory,
            resources=self._resources,
            drivers=self.drivers,
            budgets=self._budgets,
            learned=LearnedAnchors(secrets=self._secrets, credentials=self._credentials),
            reporter=self._reporter,
            queue=self.queue,
            clock=self._clock,
        )

    @cached_property
    def sweep(self) -> Sweep:
        """Compares the inventory with what exists."""
        return Sweep(
            inventory=self.inventory,
            resources=self._resources,
            watch=self.watch,
            queue=self.queue,
            kinds=self._kinds,
            namespaces=self._settings.namespaces,
            clock=self._clock,
        )

    @cached_property
    def garbage(self) -> Garbage:
        """Takes away what killed processes left for HTTP-01."""
        return Garbage(board=self.board, routing=self._routing, live=self.enrolments.live_uids, clock=self._clock)
