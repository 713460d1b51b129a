"""One enrolment's exchange with the server: sent, refused, waited for, or answered with a certificate.

The request is the same each time, whatever happened before: EST servers know requests by their bytes (RFC 7030 §4.2.3),
or issue twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from cryptography import x509

from certwright.issuers.est.current import showing
from certwright.issuers.est.failures import Asked, judged
from certwright.issuers.est.means import Means
from certwright.issuers.est.preparing import wants_binding
from certwright.issuers.est.record import Record
from certwright.issuers.est.refusing import Refusals, is_refusal
from certwright.issuers.est.renewal import Wanted, plan_for
from certwright.model.csr_attributes import challenge_password, with_attributes
from certwright.model.enrolment import (
    CurrentCertificate,
    EnrolmentRequest,
    Issued,
    Pending,
    ResumeData,
    StartAfresh,
)
from certwright.model.errors import EnrolmentError, RejectedError
from certwright.model.keys import PrivateKey
from certwright.model.reasons import Reason
from certwright.protocols.est import (
    AsymmetricDecryption,
    CACertificates,
    Credentials,
    CSRAttributes,
    Deferred,
    Enrolled,
    ESTClient,
    ESTError,
    MalformedAnswer,
    Operation,
    ServerGenerated,
)
from certwright.protocols.transport import TransportError, UnusableIdentity, shown

Answered: TypeAlias = Enrolled | ServerGenerated | Deferred

SHORTEST_WAIT = timedelta(seconds=5)
DEFAULT_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=1)
"""Each look is a whole request; and a decision made sooner than a server thought should be noticed in a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Who asks, and for what. ``http`` is the Certificate's own password, None: the issuer's credential."""

    operation: Operation
    current: CurrentCertificate | None = None
    http: Credentials | None = None

    @property
    def has_own_credential(self) -> bool:
        """Whether the Certificate's own one-time password is sent."""
        return self.http is not None


class RefusedError(Exception):
    """The current certificate did not do; ``note`` says what the server said."""

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call of `Issuer.enrol`. ``refused`` remembers which requests were refused with the current certificate."""

    means: Means
    request: EnrolmentRequest
    resume: ResumeData = field(repr=False)
    refused: Refusals

    async def run(self) -> Issued | Pending | StartAfresh:
        """Send the request, with the current certificate where there is one that does."""
        means, request = self.means, self.request
        decryption = self._decryption()
        if isinstance(decryption, StartAfresh):
            return decryption
        known = await means.known()
        plan = plan_for(request.current, Wanted.of_csr(request.csr), spec=means.spec, known=known, now=means.clock())
        note = plan.note or self.refused.note_of(request.csr)
        if plan.current is not None and not note:
            try:
                way = Way(operation=self._operation(Operation.SIMPLEREENROLL), current=plan.current)
                return await self._conclude(way, await self._by_current(way, plan.current, decryption), note="")
            except RefusedError as error:
                note = error.note
        return await self._instead(note, decryption)

    async def _instead(self, note: str, decryption: AsymmetricDecryption | None) -> Issued | Pending:
        """With the credential; what was refused is remembered only as long as the CA makes the request wait."""
        self.refused.forget(self.request.csr)
        with explained(note):
            answer = await self._by_credential(note, decryption)
        if note and isinstance(answer, Pending):
            self.refused.remember(self.request.csr, note)
        return answer

    def _operation(self, usual: Operation) -> Operation:
        spec = self.request.spec.est
        return Operation.SERVERKEYGEN if spec is not None and spec.server_key_generation else usual

    def _decryption(self) -> AsymmetricDecryption | StartAfresh | None:
        """With what the CA's key will be opened, as the staged request says."""
        staged = Record.parse(self.resume).decryption
        if not staged:
            return None
        decryption = self.means.identity.decryption()
        if decryption.identifier.hex() != staged:
            return StartAfresh(
                message="The issuer's client certificate was replaced, and the request asks for a key that only the"
                " earlier one can open."
            )
        return decryption

    async def _by_current(
        self, way: Way, current: CurrentCertificate, decryption: AsymmetricDecryption | None
    ) -> Answered:
        asked = self._asked(way)
        with judged(asked):
            try:
                async with showing(self.means, current, for_binding=self._is_bound) as client:
                    return await self._send(client, way, decryption)
            except (ESTError, TransportError, UnusableIdentity) as error:
                if not is_refusal(error):
                    raise
                raise RefusedError(
                    shown(
                        f"{self.means.server} did not take the certificate that was to be renewed"
                        f" ({str(error).rstrip('.')}): the credential is used instead."
                    )
                ) from error

    async def _by_credential(self, note: str, decryption: AsymmetricDecryption | None) -> Issued | Pending:
        means = self.means
        means.identity.refuse_expired(means.clock())
        own = means.own_credential(self.request)
        way = Way(operation=self._operation(Operation.SIMPLEENROLL), http=own)
        anchors, identity = means.trust.anchors, means.identity
        with judged(self._asked(way)):
            if self._is_bound:
                async with means.connections.short(
                    anchors, identity.tls, own or identity.http, for_binding=True
                ) as client:
                    answer = await self._send(client, way, decryption)
            else:
                client = await means.connections.lasting(anchors, own)
                answer = await self._send(client, way, decryption)
        return await self._conclude(way, answer, note=note)

    async def _send(self, client: ESTClient, way: Way, decryption: AsymmetricDecryption | None) -> Answered:
        csr = self.request.csr
        if self._is_bound:
            return await client.bound_enrol(way.operation, self._bound, decryption=decryption)
        match way.operation:
            case Operation.SERVERKEYGEN:
                return await client.serverkeygen(csr, decryption=decryption)
            case Operation.SIMPLEREENROLL:
                return await client.simplereenroll(csr)
            case _:
                return await client.simpleenroll(csr)

    @property
    def _is_bound(self) -> bool:
        return wants_binding(self.means.spec.channel_binding, is_asked=Record.parse(self.resume).is_bound)

    def _bound(self, password: str, _attributes: CSRAttributes | None) -> bytes:
        """The staged request with what ties it to its connection: the same key and content, signed anew."""
        return with_attributes(self.request.csr, self._key, [challenge_password(password)])

    @property
    def _key(self) -> PrivateKey:
        key = self.request.key
        assert key is not None  # noqa: S101 - an enrolment has its key staged
        return key

    def _asked(self, way: Way) -> Asked:
        return Asked(
            server=self.means.server,
            what="the request" if way.current is None else "the renewal",
            operation=way.operation,
            has_own_credential=way.has_own_credential,
        )

    async def _conclude(self, way: Way, answer: Answered, *, note: str) -> Issued | Pending:
        if isinstance(answer, Deferred):
            return Pending(
                retry_after=waiting_time(answer.retry_after),
                resume=self.resume,
                message=f"{self.means.server} has the request and has not decided yet.",
            )
        key = _usable(answer.private_key) if isinstance(answer, ServerGenerated) else None
        leaf, beside = self._split(way, answer)

        async def read() -> CACertificates:
            return await self.means.cacerts()

        path = await self.means.authority.path(leaf, beside, read)
        return Issued(
            chain=path.chain,
            anchors=path.anchors,
            key=key,
            notes=(note,) if note else (),
            is_credential_used=way.has_own_credential,
        )

    def _split(
        self, way: Way, answer: Enrolled | ServerGenerated
    ) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
        """The certificate of the key, and what came with it: servers add the chain in any order, or leave it out."""
        try:
            return answer.split() if isinstance(answer, ServerGenerated) else answer.split(self._key.public_key())
        except MalformedAnswer as error:
            said = shown(str(error), 200).rstrip(".")
            raise RejectedError(
                f"{self.means.server} answered with a certificate for another key: {said}. Have the CA corrected.",
                reason=Reason.UNEXPECTED_CERTIFICATE,
                is_credential_used=way.has_own_credential,
            ) from error


def waiting_time(asked: timedelta | None) -> timedelta:
    """What becomes of a server's Retry-After."""
    return min(max(DEFAULT_WAIT if asked is None else asked, SHORTEST_WAIT), LONGEST_WAIT)


def _usable(key: object) -> PrivateKey:
    """A key of a kind that a Secret may hold here."""
    if isinstance(key, PrivateKey):
        return key
    message = f"The CA made a key of a kind that certwright does not know ({type(key).__name__})."
    raise RejectedError(message, reason=Reason.UNEXPECTED_CERTIFICATE)


@contextmanager
def explained(note: str) -> Iterator[None]:
    """Say with a failure why this way was taken at all."""
    try:
        yield
    except EnrolmentError as error:
        if not note:
            raise
        # A copy: the obstacle of a credential is raised again and again.
        told = copy(error)
        told.message = shown(f"{error.message} {note}")
        told.args = (told.message,)
        raise told from error
