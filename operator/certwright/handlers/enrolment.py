"""Carries enrolments through: stage, enrol, check, deliver, unstage, each stored before the next."""

import logging
from dataclasses import replace
from typing import assert_never

from certwright.handlers.authenticators import Authentication
from certwright.handlers.delivery import Delivery
from certwright.handlers.drivers import Drivers
from certwright.handlers.inventory import Inventory
from certwright.handlers.keystores import Keystores
from certwright.handlers.observation import Observer
from certwright.handlers.reporting import Reporter
from certwright.handlers.sessions import Delivered, Moved, Outcome, Session, Sessions, Waiting, key_of, request_for
from certwright.handlers.staging import Staging
from certwright.handlers.superseding import Superseding
from certwright.handlers.takeover import Takeover
from certwright.kube.secret_watch import SecretWatch
from certwright.kube.secrets import Secrets
from certwright.model.enrolment import Checkpoint, EnrolmentRequest, Issued, Pending, StartAfresh
from certwright.model.errors import EnrolmentError
from certwright.model.metadata import Key, ObjectMetadata
from certwright.model.observed import KnownIssuer, Observed
from certwright.model.staged import Staged
from certwright.reconcile.issuer import known_issuer
from certwright.reconcile.steps import Begin, Drop, GoOn
from certwright.runtime.clock import Clock
from certwright.runtime.executor import CPUExecutor

_log = logging.getLogger(__name__)


class Enrolments(Sessions):
    """All enrolments of this process, and the steps that take them on."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        observer: Observer,
        secrets: Secrets,
        drivers: Drivers,
        authentication: Authentication,
        superseding: Superseding,
        keystores: Keystores,
        takeover: Takeover,
        reporter: Reporter,
        executor: CPUExecutor,
        watch: SecretWatch | None,
        clock: Clock,
    ) -> None:
        super().__init__(inventory=inventory, watch=watch, clock=clock)
        self._drivers = drivers
        self._authentication = authentication
        self._superseding = superseding
        self._staging = Staging(secrets=secrets, drivers=drivers, executor=executor)
        self._delivery = Delivery(
            observer=observer,
            secrets=secrets,
            keystores=keystores,
            takeover=takeover,
            superseding=superseding,
            reporter=reporter,
            clock=clock,
        )

    async def begin(self, step: Begin, observed: Observed) -> Session | None:
        """Stage a new enrolment. None: another record was found, and everything must be looked at."""
        authenticators = await self._authentication.of(observed, step.issuer)
        match await self._staging.begin(step, observed, authenticators):
            case GoOn() as found:
                await self._superseding.warn(observed, step.issuer)
                return self.open(observed, found, authenticators)
            case Drop(metadata=metadata, staged=staged):
                await self.drop(observed, metadata, staged)
                return None
            case None:
                return None

    async def advance(self, session: Session) -> Outcome:
        """Take steps until the CA needs time or the certificate is delivered. Raises `EnrolmentError`."""
        if session.answer is not None:
            return await self._deliver(session, session.answer)
        driver = await self._drivers.get(session.issuer)
        if session.authenticators is None:
            session.authenticators = await self._authentication.of(session.observed, session.issuer)
        while True:
            answer = await driver.enrol(session.request, resume=session.staged.resume)
            match answer:
                case Checkpoint(resume=resume):
                    await self._staging.store(session, resume)
                case Pending(retry_after=retry_after, resume=resume, message=message, transaction=transaction):
                    if resume != session.staged.resume:
                        await self._staging.store(session, resume)
                    return Waiting(retry_after, message, transaction)
                case Issued():
                    session.answer = answer
                    return await self._deliver(session, answer)
                case StartAfresh(message=message):
                    _log.info("%s: the enrolment is begun anew: %s", session.key, message)
                    await self.drop(session.observed, session.metadata, session.staged)
                    return Moved()
                case _:
                    assert_never(answer)

    async def _deliver(self, session: Session, answer: Issued) -> Delivered | Moved:
        await self._staging.keep_current(session)
        outcome = await self._delivery.deliver(session, answer)
        if isinstance(outcome, Delivered):
            self.close(session.key)
        return outcome

    async def reject(self, observed: Observed) -> None:
        """The CA said no: drop the record. The session knows it even while the watch has not shown it yet."""
        session = self._sessions.get(key_of(observed.certificate))
        if session is not None:
            await self.drop(observed, session.metadata, session.staged)
        elif observed.staged_metadata is not None:
            await self.drop(observed, observed.staged_metadata, observed.staged)

    async def drop(self, observed: Observed, metadata: ObjectMetadata, staged: Staged | None) -> None:
        """Delete a record; what it left at the CA or in the DNS is taken back first.

        What is to be revoked stays, and the certificate that was to be replaced too if that has happened.
        """
        session = self.close(key_of(observed.certificate))
        if staged is not None and staged.resume:
            request = request_for(observed, staged, None)
            await self._take_back(self._maker(staged, observed.issuer, session), request, staged)
        superseded = staged.superseded if staged is not None else observed.superseded
        current = observed.certificate.status.fingerprint_sha256
        await self._superseding.unstage(
            observed.certificate, metadata, superseded, current=current, now=self._clock.now()
        )

    async def drop_orphaned(self, observed: Observed) -> bool:
        """Drop a record whose issuer was deleted: made anew it is another one, for which the record is worth nothing.

        Kept until then, it would keep alive what was presented for a proof.
        """
        staged, metadata = observed.staged, observed.staged_metadata
        if observed.issuer is not None or staged is None or metadata is None or self._maker(staged, None) is not None:
            return False
        await self.drop(observed, metadata, staged)
        return True

    async def abandon(self, key: Key) -> None:
        """The Certificate is gone: take back what its enrolment presented. The record goes with its owner."""
        session = self.close(key)
        if session is not None:
            await self._take_back(session.issuer, session.request, session.staged)

    async def abandon_earlier(self, key: Key, uid: str) -> None:
        """The Certificate was deleted and made anew under its name: what is under way is not for this one."""
        session = self._sessions.get(key)
        if session is not None and session.observed.certificate.metadata.uid != uid:
            await self.abandon(key)

    def _maker(self, staged: Staged, named: KnownIssuer | None, session: Session | None = None) -> KnownIssuer | None:
        """The issuer that a record was made for, whichever one the Certificate names by now; None where it is gone.

        Its server may be another one by now, which knows nothing of the order; but its solvers can take proofs back.
        So can those of one that is gone, if this process still remembers it and its Secrets are still there; and one
        that was deleted and made anew has another UID and knows the same server.
        """
        uid = staged.destination.issuer_uid
        if named is not None and named.metadata.uid == uid:
            return named
        bodies = self._inventory.issuers.values()
        maker = next((known_issuer(body) for body in bodies if body["metadata"]["uid"] == uid), None)
        if maker is None and named is not None and replace(named.destination, issuer_uid=uid) == staged.destination:
            return named
        if maker is None and session is not None and session.issuer.metadata.uid == uid:
            return session.issuer
        return maker

    async def _take_back(self, issuer: KnownIssuer | None, request: EnrolmentRequest, staged: Staged) -> None:
        if issuer is None:
            name = request.certificate.name
            _log.warning("%s: its issuer is gone, and what it had presented for a proof cannot be taken back", name)
            return
        try:
            await self._drivers.abandon(issuer, request, staged.resume)
        except EnrolmentError as error:
            _log.warning("%s: the given-up enrolment left something behind: %s", request.certificate.name, error)
