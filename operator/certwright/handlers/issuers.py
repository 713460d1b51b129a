"""Works on one Issuer or ClusterIssuer: finds its credentials, really asks its server, says what came out.

A ready issuer that did not change costs nothing at a restart; one that became ready wakes every Certificate that
waits for it.
"""

import logging
from dataclasses import replace
from datetime import timedelta

from certwright.handlers.budgets import Budgets
from certwright.handlers.drivers import Drivers
from certwright.handlers.inventory import Inventory
from certwright.handlers.learned_anchors import LearnedAnchors
from certwright.handlers.reporting import Reporter
from certwright.kube.errors import ConflictError, ForbiddenError, KubeError, NotFoundError
from certwright.kube.references import MissingReference
from certwright.kube.resources import Resources
from certwright.model.errors import EnrolmentError, TransientError
from certwright.model.metadata import Key
from certwright.model.observed import KnownIssuer
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import IssuerStatus
from certwright.reconcile.issuer import PROBE_INTERVAL, is_probe_due, known_issuer, probed, unready
from certwright.runtime.backoff import Backoff
from certwright.runtime.clock import Clock
from certwright.runtime.queue import WorkQueue
from certwright.runtime.workers import Done, Result, Retry

_log = logging.getLogger(__name__)

EAGER = timedelta(seconds=5)
PATIENT = timedelta(seconds=30)
EAGER_TRIES = 12
"""A missing reference is looked for every 5 s for a minute, then every 30 s."""

REST = timedelta(seconds=10)
"""Between two probes that failed enrolments ask for: a thousand of them are one question."""

FAILING = Backoff(initial=timedelta(seconds=5), maximum=timedelta(minutes=5), jitter=0)


class IssuerWorker:
    """Handles keys of both kinds of issuer."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        resources: Resources,
        drivers: Drivers,
        budgets: Budgets,
        learned: LearnedAnchors,
        reporter: Reporter,
        queue: WorkQueue[Key],
        clock: Clock,
    ) -> None:
        self._inventory = inventory
        self._resources = resources
        self._drivers = drivers
        self._budgets = budgets
        self._learned = learned
        self._reporter = reporter
        self._queue = queue
        self._clock = clock
        self._tries: dict[Key, int] = {}

    async def handle(self, key: Key) -> Result:
        """Probe the issuer if that is due."""
        body = self._inventory.issuers.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._drivers.forget(key)
            self._budgets.forget(key)
            self._tries.pop(key, None)
            self._wake(key)
            return Done()
        issuer = known_issuer(body)
        try:
            return await self._probe_if_due(issuer)
        except (ConflictError, NotFoundError) as error:
            _log.debug("%s: it has changed and is looked at again: %s", key, error)
        except KubeError as error:
            _log.warning("%s: the API server refuses or does not answer: %s", key, error)
        await self._read_again(key)
        return Retry()

    async def _probe_if_due(self, issuer: KnownIssuer) -> Result:
        key, now, last = issuer.key, self._clock.now(), issuer.status.last_probe
        if issuer.fault is not None:
            return await self._unready(issuer, Finding(Reason.INVALID_SPEC, issuer.fault), None)
        if last is not None and not is_probe_due(issuer, now):
            if not self._drivers.is_distrusted(key):
                self._wake(key)
                return Done(after=last + PROBE_INTERVAL - now)
            if now < last + REST:
                return Done(after=last + REST - now)
        self._drivers.trust(key)
        return await self._probe(issuer)

    async def _probe(self, issuer: KnownIssuer) -> Result:
        key = issuer.key
        try:
            driver = await self._drivers.build(issuer)
            report = await driver.check()
        except MissingReference as error:
            return await self._unready(
                issuer, Finding(Reason.MISSING_REFERENCE, error.message), self._missing_delay(key)
            )
        except ForbiddenError as error:
            text = f"the operator's role does not allow what this issuer needs: {error.message}"
            return await self._unready(issuer, Finding(Reason.MISSING_REFERENCE, text), self._failing_delay(key))
        except EnrolmentError as error:
            is_missing = error.reason is Reason.ACCOUNT_KEY_MISSING
            asked = error.retry_after if isinstance(error, TransientError) else None
            delay = max(self._missing_delay(key) if is_missing else self._failing_delay(key), asked or timedelta(0))
            return await self._unready(issuer, Finding(error.reason, error.message), delay)
        self._tries.pop(key, None)
        if report.learned is not None:
            await self._learned.keep(issuer, report.learned)
        newest = self._newest(issuer)
        return await self._write(
            newest,
            probed(newest, report, self._drivers.expiring_credentials(issuer), self._clock.now()),
            PROBE_INTERVAL,
        )

    def _newest(self, issuer: KnownIssuer) -> KnownIssuer:
        """The issuer that was probed, with the status as it is after the probe: attempts were reserved meanwhile.

        Its annotations stay those that the probe has seen; what was asked for since is still to be done.
        """
        body = self._inventory.issuers.get(issuer.key)
        found = known_issuer(body) if body is not None else issuer
        probed_one, there = issuer.metadata, found.metadata
        if (there.uid, there.generation) != (probed_one.uid, probed_one.generation):
            return issuer
        return replace(found, metadata=replace(probed_one, resource_version=there.resource_version))

    async def _unready(self, issuer: KnownIssuer, why: Finding, delay: timedelta | None) -> Result:
        self._drivers.discard(issuer.key)
        newest = self._newest(issuer)
        return await self._write(newest, unready(newest, why, self._clock.now()), delay)

    async def _write(self, issuer: KnownIssuer, status: IssuerStatus, delay: timedelta | None) -> Result:
        """Whoever waits for this issuer is woken only where there is news for him."""
        now = await self._reporter.issuer(issuer, status)
        if now.obstacle != issuer.obstacle:
            self._wake(issuer.key)
        return Done(after=delay)

    async def _read_again(self, key: Key) -> None:
        try:
            body = await self._resources.get(key)
        except KubeError:
            return
        if body is None:
            self._inventory.forget(key)
        else:
            self._inventory.upsert_issuer(key, body)

    def _wake(self, key: Key) -> None:
        """Have every Certificate that waits for this issuer look again."""
        for waiting in self._inventory.users_of(key):
            self._queue.add(waiting)

    def _missing_delay(self, key: Key) -> timedelta:
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        return EAGER if tries <= EAGER_TRIES else PATIENT

    def _failing_delay(self, key: Key) -> timedelta:
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        return FAILING.delay(tries)
