"""Carries an enrolment through: stage, enrol, check, deliver, unstage, each stored before the next.

A `Session` is the memory of one that is under way; losing it loses nothing but a few requests, for all of it stands in
the staged Secret.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias, assert_never

from certwright.handlers.drivers import Drivers
from certwright.handlers.inventory import Inventory
from certwright.handlers.observation import Observer, delivered, staged_of
from certwright.handlers.reporting import Reporter
from certwright.kube.errors import ConflictError
from certwright.kube.secret_watch import SecretWatch
from certwright.kube.secrets import Secrets, encoded
from certwright.model import keys
from certwright.model.chain import split_root
from certwright.model.csr import build_csr
from certwright.model.enrolment import (
    Checkpoint,
    CurrentCertificate,
    EnrolmentRequest,
    Issued,
    Pending,
)
from certwright.model.errors import EnrolmentError
from certwright.model.keys import PrivateKey
from certwright.model.metadata import (
    ANNOTATION_RENEW,
    ENROLMENT_PREFIX,
    GROUP,
    ROLE_ENROLMENT,
    Key,
    Kind,
    ObjectMetadata,
)
from certwright.model.observed import Absent, AsRecorded, Certificate, DeliveredSecret, KnownIssuer, Observed
from certwright.model.policy import requested
from certwright.model.resources import KeyAlgorithm, Protocol, RotationPolicy
from certwright.model.staged import Staged, staged_secret, to_data
from certwright.model.tls_secret import IssuedBy, KeyPair, render
from certwright.model.verification import verify
from certwright.reconcile.certificate_status import issued
from certwright.reconcile.issuer import known_issuer
from certwright.reconcile.steps import Begin, GoOn
from certwright.runtime.clock import Clock
from certwright.runtime.executor import CPUExecutor
from certwright.runtime.limits import Permit

_log = logging.getLogger(__name__)

SESSION_LIFE = timedelta(seconds=60)
"""How long a session goes on with what was observed at its beginning before everything is looked at again."""


@dataclass(slots=True, kw_only=True)
class Session:
    """An enrolment under way, as this process remembers it. ``going_since`` is when it got its slot at the issuer."""

    observed: Observed
    staged: Staged
    metadata: ObjectMetadata
    issuer: KnownIssuer
    going_since: datetime
    observed_at: datetime
    permit: Permit | None = field(default=None, repr=False)
    shown: tuple[str, bool] | None = None
    """What was told last: what is waited for, and whether the certificate that is there has expired."""
    is_disturbed: bool = False

    @property
    def key(self) -> Key:
        """The Certificate's key."""
        return Key(
            Kind.CERTIFICATE, self.observed.certificate.metadata.namespace, self.observed.certificate.metadata.name
        )

    def release(self) -> None:
        """Give back the slot at the issuer."""
        if self.permit is not None:
            self.permit.release()
            self.permit = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The CA needs time."""

    retry_after: timedelta
    message: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The certificate stands in its Secret, and the status says so."""

    due: datetime | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The Certificate changed under the enrolment: look again before anything is delivered."""


Outcome: TypeAlias = Waiting | Delivered | Moved


class Enrolments:
    """All enrolments of this process."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        observer: Observer,
        secrets: Secrets,
        drivers: Drivers,
        reporter: Reporter,
        executor: CPUExecutor,
        watch: SecretWatch | None,
        clock: Clock,
    ) -> None:
        self._watch = watch
        self._inventory = inventory
        self._observer = observer
        self._secrets = secrets
        self._drivers = drivers
        self._reporter = reporter
        self._executor = executor
        self._clock = clock
        self._sessions: dict[Key, Session] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._sessions

    def __len__(self) -> int:
        return len(self._sessions)

    def live_uids(self) -> frozenset[str]:
        """The UIDs of Certificates with an enrolment under way, here or staged by a process that is gone."""
        live = {session.observed.certificate.metadata.uid for session in self._sessions.values()}
        if self._watch is None:
            return frozenset(live | {record.uid for record in self._inventory.certificates.values()})
        staged = (name for (_, name), seen in self._watch.items() if seen.role == ROLE_ENROLMENT)
        return frozenset(live | {name.removeprefix(ENROLMENT_PREFIX) for name in staged})

    def disturb(self, key: Key) -> None:
        """Something that the session rests on was changed: it must look again."""
        if key in self._sessions:
            self._sessions[key].is_disturbed = True

    def suspend(self, key: Key) -> None:
        """The next attempt is later: give the slot back, and look at everything then."""
        if key in self._sessions:
            self._sessions[key].is_disturbed = True
            self._sessions[key].release()

    def resumable(self, key: Key) -> Session | None:
        """The session, if all that it was opened with still holds as far as the watches tell.

        One that stands in line for its slot may be old: it looks again when it has got it, not each time it asks.
        """
        session = self._sessions.get(key)
        record = self._inventory.certificates.get(key)
        if session is None or record is None or session.is_disturbed:
            return None
        seen = session.observed.certificate.metadata
        issuer = self._inventory.issuers.get(session.issuer.key)
        is_same_issuer = issuer is not None and (
            (issuer["metadata"]["uid"], issuer["metadata"].get("generation", 0))
            == (session.issuer.metadata.uid, session.issuer.metadata.generation)
        )
        is_same = (record.uid, str(record.version)) == (seen.uid, seen.resource_version)
        is_fit = session.permit is None or self.is_young(session)
        return session if is_same and is_same_issuer and is_fit else None

    def is_young(self, session: Session) -> bool:
        """Whether it may go on without looking at everything again."""
        return self._clock.now() - session.observed_at < SESSION_LIFE

    def open(self, observed: Observed, step: GoOn) -> Session:
        """The session of a staged record that was read or remembered."""
        known = self._sessions.get(self._key(observed.certificate))
        session = Session(
            observed=observed,
            staged=step.staged,
            metadata=step.metadata,
            issuer=step.issuer,
            going_since=known.going_since if known else self._clock.now(),
            observed_at=observed.now,
            permit=known.permit if known else None,
            shown=known.shown if known else None,
        )
        self._sessions[session.key] = session
        return session

    async def begin(self, step: Begin, observed: Observed) -> Session | None:
        """Prepare, make key and CSR, and stage them. None: a record exists already, and must be looked at."""
        certificate = observed.certificate
        driver = await self._drivers.get(step.issuer)
        request = EnrolmentRequest(
            certificate=certificate.metadata,
            spec=certificate.spec,
            current=_current(observed),
            started_at=observed.now,
        )
        prepared = await driver.prepare(request)
        key = await self._make_key(observed, step.issuer)
        staged = Staged(
            key=key,
            csr=build_csr(certificate.spec, key, more=prepared.extensions),
            digest=step.digest,
            destination=step.issuer.destination,
            reason=step.why.reason,
            started_at=observed.now,
            renew_request=requested(certificate.metadata, ANNOTATION_RENEW),
            resume=prepared.resume,
        )
        try:
            body = staged_secret(certificate.metadata, encoded(to_data(staged)))
            secret = await self._secrets.create(certificate.metadata.namespace, body)
        except ConflictError:
            return await self._adopt(step, observed)
        return self.open(observed, GoOn(staged, secret.metadata, step.issuer))

    async def _adopt(self, step: Begin, observed: Observed) -> Session | None:
        """The record was there although the watch did not know it yet: go on with it if it is for this request."""
        body = staged_secret(observed.certificate.metadata, {})
        secret = await self._secrets.get(observed.certificate.metadata.namespace, body["metadata"]["name"])
        if secret is None:
            return None
        staged, metadata = staged_of(secret)
        if staged is not None and staged.is_for(step.digest, step.issuer.destination):
            return self.open(observed, GoOn(staged, metadata, step.issuer))
        await self.drop(observed, metadata, staged)
        return None

    async def _make_key(self, observed: Observed, issuer: KnownIssuer) -> PrivateKey:
        spec = observed.certificate.spec
        wants_same = spec.private_key is not None and spec.private_key.rotation_policy is RotationPolicy.NEVER
        if wants_same:
            current = await self._read_current(observed)
            if current is not None and keys.fits(current, spec.private_key):
                return current
        is_scep = issuer.spec.protocol is Protocol.SCEP
        kind = keys.wanted_kind(spec.private_key, KeyAlgorithm.RSA if is_scep else KeyAlgorithm.ECDSA)
        return await self._executor.run(keys.generate, kind) if keys.is_slow(kind) else keys.generate(kind)

    async def _read_current(self, observed: Observed) -> PrivateKey | None:
        match observed.secret:
            case DeliveredSecret(key=key):
                return key
            case AsRecorded():
                certificate = observed.certificate
                secret = await self._secrets.get(certificate.metadata.namespace, certificate.spec.secret_name)
                return delivered(secret).key if secret is not None else None
            case _:
                return None

    async def advance(self, session: Session) -> Outcome:
        """Take steps until the CA needs time or the certificate is delivered. Raises `EnrolmentError`."""
        driver = await self._drivers.get(session.issuer)
        while True:
            request = self._request(session)
            answer = await driver.enrol(request, resume=session.staged.resume)
            match answer:
                case Checkpoint(resume=resume):
                    await self._store(session, resume)
                case Pending(retry_after=retry_after, resume=resume, message=message):
                    if resume != session.staged.resume:
                        await self._store(session, resume)
                    return Waiting(retry_after, message)
                case Issued():
                    return await self._deliver(session, answer)
                case _:
                    assert_never(answer)

    def _request(self, session: Session) -> EnrolmentRequest:
        certificate = session.observed.certificate
        return EnrolmentRequest(
            certificate=certificate.metadata,
            spec=certificate.spec,
            key=session.staged.key,
            csr=session.staged.csr,
            current=_current(session.observed),
            started_at=session.staged.started_at,
        )

    async def _store(self, session: Session, resume: Mapping[str, Any]) -> None:
        staged = session.staged.going_on(resume)
        certificate = session.observed.certificate.metadata
        body = staged_secret(certificate, encoded(to_data(staged)), resource_version=session.metadata.resource_version)
        body["metadata"]["uid"] = session.metadata.uid
        secret = await self._secrets.replace(certificate.namespace, session.metadata.name, body)
        session.staged, session.metadata = staged, secret.metadata

    async def _deliver(self, session: Session, answer: Issued) -> Outcome:
        observed = session.observed
        key = answer.key or session.staged.key
        certificate = observed.certificate
        verify(
            certificate.spec,
            answer.chain,
            key,
            anchors=answer.anchors,
            asked_validity=answer.asked_validity,
            now=self._clock.now(),
        )
        fresh = await self._observer.certificate(session.key, is_read_again=True)
        if fresh is None or fresh.metadata.is_deleting or not is_same_request(fresh, certificate):
            session.is_disturbed = True
            return Moved()
        secret = await self._write(observed, KeyPair(**_split(answer), key=key), session.issuer)
        now = self._clock.now()
        status = issued(fresh, secret, session.staged, now)
        await self._reporter.issued(fresh, status, session.staged)
        await self._secrets.delete(session.metadata)
        session.release()
        self._sessions.pop(session.key, None)
        return Delivered(status.renewal_time or status.not_after)

    async def _write(self, observed: Observed, pair: KeyPair, issuer: KnownIssuer) -> DeliveredSecret:
        """The first write creates or conflicts, later ones replace exactly what was looked at."""
        certificate = observed.certificate
        by = IssuedBy(name=issuer.key.name, kind=issuer.key.kind, group=GROUP)
        body = render(certificate.metadata, certificate.spec, pair, by)
        pinned = _version_of(observed)
        if pinned is not None:
            body["metadata"] |= {"uid": pinned[0], "resourceVersion": pinned[1]}
        namespace, name = certificate.metadata.namespace, certificate.spec.secret_name
        return delivered(await self._secrets.apply(namespace, name, body, force=pinned is not None))

    async def reject(self, observed: Observed) -> None:
        """The CA said no: drop the record. The session knows it even while the watch has not shown it yet."""
        session = self._sessions.get(self._key(observed.certificate))
        if session is not None:
            await self.drop(observed, session.metadata, session.staged)
        elif observed.staged_metadata is not None:
            await self.drop(observed, observed.staged_metadata, observed.staged)

    async def drop(self, observed: Observed, metadata: ObjectMetadata, staged: Staged | None) -> None:
        """Delete a record; what it left at the CA or in the DNS is taken back first."""
        key = self._key(observed.certificate)
        session = self._sessions.pop(key, None)
        if session is not None:
            session.release()
        if staged is not None and staged.resume:
            request = EnrolmentRequest(
                certificate=observed.certificate.metadata,
                spec=observed.certificate.spec,
                key=staged.key,
                csr=staged.csr,
                started_at=staged.started_at,
            )
            await self._take_back(self._maker(staged, observed.issuer), request, staged)
        await self._secrets.delete(metadata)

    async def abandon(self, key: Key) -> None:
        """The Certificate is gone: take back what its enrolment presented. The record goes with its owner."""
        session = self._sessions.pop(key, None)
        if session is None:
            return
        session.release()
        await self._take_back(session.issuer, self._request(session), session.staged)

    async def abandon_earlier(self, key: Key, uid: str) -> None:
        """The Certificate was deleted and made anew under its name: what is under way is not for this one."""
        session = self._sessions.get(key)
        if session is not None and session.observed.certificate.metadata.uid != uid:
            await self.abandon(key)

    def _maker(self, staged: Staged, named: KnownIssuer | None) -> KnownIssuer | None:
        """The issuer that a record was made for, whichever one the Certificate names by now; None where it is gone.

        Its server may be another one by now, which knows nothing of the order; but its solvers can take proofs back.
        """
        uid = staged.destination.issuer_uid
        if named is not None and named.metadata.uid == uid:
            return named
        bodies = self._inventory.issuers.values()
        return next((known_issuer(body) for body in bodies if body["metadata"]["uid"] == uid), None)

    async def _take_back(self, issuer: KnownIssuer | None, request: EnrolmentRequest, staged: Staged) -> None:
        if issuer is None:
            name = request.certificate.name
            _log.warning("%s: its issuer is gone, and what it had presented for a proof cannot be taken back", name)
            return
        try:
            await self._drivers.abandon(issuer, request, staged.resume)
        except EnrolmentError as error:
            _log.warning("%s: the given-up enrolment left something behind: %s", request.certificate.name, error)

    def _key(self, certificate: Certificate) -> Key:
        return Key(Kind.CERTIFICATE, certificate.metadata.namespace, certificate.metadata.name)


def is_same_request(fresh: Certificate, known: Certificate) -> bool:
    """The same object with the same spec; other writers' labels and annotations do not matter."""
    return (fresh.metadata.uid, fresh.metadata.generation) == (known.metadata.uid, known.metadata.generation)


def _split(answer: Issued) -> dict[str, Any]:
    chain, roots = split_root(answer.chain)
    return {"chain": chain, "anchors": answer.anchors or roots}


def _version_of(observed: Observed) -> tuple[str, str] | None:
    """UID and version of the Secret that is replaced; None where there was none."""
    match observed.secret:
        case Absent():
            return None
        case DeliveredSecret(metadata=metadata):
            return metadata.uid, metadata.resource_version
        case AsRecorded():
            seen = observed.certificate.status.secret
            assert seen is not None  # noqa: S101 - that is what makes it recorded
            return seen.uid, seen.resource_version
        case _:
            assert_never(observed.secret)


def _current(observed: Observed) -> CurrentCertificate | None:
    match observed.secret:
        case DeliveredSecret(leaf=leaf, key=key, chain=chain) if leaf is not None and key is not None:
            return CurrentCertificate(leaf, chain[1:], key)
        case _:
            return None
