"""The memory of enrolments under way: what each rests on, and whether that still holds.

Losing it loses nothing but a few requests, for all of it stands in the staged Secret.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from certwright.handlers.authenticators import Authenticators
from certwright.handlers.inventory import Inventory
from certwright.kube.secret_watch import SecretWatch
from certwright.model.enrolment import EnrolmentRequest, Issued
from certwright.model.fallbacks import is_issued_by
from certwright.model.metadata import ENROLMENT_PREFIX, ROLE_ENROLMENT, Key, Kind, ObjectMetadata
from certwright.model.observed import Certificate, KnownIssuer, Observed
from certwright.model.staged import Staged
from certwright.model.wishes import retry_was_requested
from certwright.reconcile.steps import GoOn
from certwright.runtime.clock import Clock
from certwright.runtime.limits import Permit

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
    authenticators: Authenticators | None = None
    """None: not read yet."""
    permit: Permit | None = field(default=None, repr=False)
    shown: tuple[str, bool] | None = None
    """What was told last: what is waited for, and whether the certificate that is there has expired."""
    is_disturbed: bool = False
    not_before: float | None = None
    """Until when, on the monotonic clock, the CA wants to be left alone, whatever wakes this Certificate meanwhile."""
    answer: Issued | None = field(default=None, repr=False)
    """What the CA has issued, until it is delivered: most CAs would issue once more if they were asked once more."""

    @property
    def key(self) -> Key:
        """The Certificate's key."""
        return key_of(self.observed.certificate)

    @property
    def request(self) -> EnrolmentRequest:
        """What the driver is asked, the same in every step."""
        return request_for(self.observed, self.staged, self.authenticators)

    @property
    def used_credential(self) -> str | None:
        """The version of the one-time credential that the requests may carry."""
        credential = self.authenticators.credential if self.authenticators else None
        return credential.version if credential else None

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
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The certificate stands in its Secret, and the status says so."""

    due: datetime | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The Certificate changed under the enrolment: look again before anything is delivered."""


Outcome: TypeAlias = Waiting | Delivered | Moved


class Sessions:
    """All enrolments that this process has under way."""

    def __init__(self, *, inventory: Inventory, watch: SecretWatch | None, clock: Clock) -> None:
        self._inventory = inventory
        self._watch = watch
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

    def has_slot(self, key: Key) -> bool:
        """Whether its enrolment has been let through to the issuer and goes on, or needs nothing of it any more."""
        session = self._sessions.get(key)
        return session is not None and (session.permit is not None or session.answer is not None)

    def is_young(self, session: Session) -> bool:
        """Whether it may go on without looking at everything again."""
        return abs(self._clock.now() - session.observed_at) < SESSION_LIFE

    def open(self, observed: Observed, step: GoOn, authenticators: Authenticators | None = None) -> Session:
        """The session of a staged record that was read or remembered."""
        known = self._sessions.get(key_of(observed.certificate))
        answer = known.answer if known and known.metadata.uid == step.metadata.uid else None
        if known is not None and answer is not None:
            authenticators = known.authenticators  # With which it was asked for: what they hold may be used up by now.
        session = Session(
            observed=observed,
            staged=step.staged,
            metadata=step.metadata,
            issuer=step.issuer,
            going_since=known.going_since if known else self._clock.now(),
            observed_at=observed.now,
            authenticators=authenticators,
            permit=known.permit if known else None,
            shown=known.shown if known else None,
            not_before=known.not_before if known and _waits_on(known, observed, step) else None,
            answer=answer,
        )
        self._sessions[session.key] = session
        return session

    def used_credential(self, key: Key) -> str | None:
        """The version of the one-time credential that the enrolment under way was given."""
        return self._sessions[key].used_credential if key in self._sessions else None

    def close(self, key: Key) -> Session | None:
        """Forget a session and give its slot back; what was forgotten."""
        session = self._sessions.pop(key, None)
        if session is not None:
            session.release()
        return session


def _waits_on(known: Session, observed: Observed, step: GoOn) -> bool:
    """Whether it is the same enrolment of the same spec, and nobody has asked for another attempt."""
    before, now = known.observed.certificate.metadata, observed.certificate.metadata
    is_same = (known.metadata.uid, before.generation) == (step.metadata.uid, now.generation)
    return is_same and not retry_was_requested(observed.certificate)


def request_for(observed: Observed, staged: Staged | None, authenticators: Authenticators | None) -> EnrolmentRequest:
    """What is asked of a CA: with the staged key and CSR, or before there are any.

    A certificate that another issuer issued is none that this one could renew.
    """
    certificate = observed.certificate
    current = authenticators.current if authenticators else None
    return EnrolmentRequest(
        certificate=certificate.metadata,
        spec=certificate.spec,
        key=staged.key if staged else None,
        csr=staged.csr if staged else b"",
        current=current if observed.issuer is not None and is_issued_by(observed, observed.issuer.key) else None,
        credential=authenticators.credential if authenticators else None,
        former_serial=authenticators.former_serial if authenticators else None,
        started_at=staged.started_at if staged else observed.now,
    )


def key_of(certificate: Certificate) -> Key:
    """A Certificate's key in the queue."""
    return Key(Kind.CERTIFICATE, certificate.metadata.namespace, certificate.metadata.name)
