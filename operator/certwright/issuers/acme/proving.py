"""One authorization, from its challenge to the CA's verdict (RFC 8555 §7.5). All of an order run side by side.

What is remembered here is only what spares requests. After a restart the authorization is read before anything is done
with it, and presenting a proof again finds it there.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from certwright.issuers.acme.choosing import ConfiguredSolver, choose
from certwright.issuers.acme.failures import judged
from certwright.issuers.acme.means import EARLY_LOOK, Means, wait_after
from certwright.issuers.acme.record import StagedProof
from certwright.issuers.acme.refusals import judge_challenges
from certwright.model.enrolment import EnrolmentRequest
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.model.solving import NotVisible, Proof
from certwright.protocols.acme import (
    ACMEError,
    Authorization,
    AuthorizationStatus,
    Challenge,
    ChallengeStatus,
)
from certwright.protocols.transport import TransportError

log = logging.getLogger(__name__)

MAX_ANSWERS = 5  # Some servers leave a failed challenge pending, to be answered again; not for ever.
PRESENT_AGAIN = timedelta(seconds=30)  # Somebody may have taken the proof away: another order for the same name does.


@dataclass(frozen=True, slots=True)
class Waiting:
    """A name that is not proved yet: what for, and when to look again."""

    name: str
    why: str
    due: datetime


class Stage(Enum):
    """How far a proof has come, as far as this process knows."""

    UNKNOWN = auto()  # After a restart: the authorization has to be read.
    OPEN = auto()  # The CA was not told to look, or is to be told again.
    ANSWERED = auto()  # The CA was told, and has the next word.
    PROVED = auto()


@dataclass(slots=True)
class ProofState:
    """What this process knows of one proof."""

    stage: Stage = Stage.UNKNOWN
    answers: int = 0
    looks: int = 0
    first_presented: datetime | None = None
    last_presented: datetime | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves the names of one Certificate."""

    means: Means
    request: EnrolmentRequest

    async def prove(self, staged: StagedProof, state: ProofState) -> Waiting | None:
        """Take the next step. None means that the name is proved, or that the CA was told just now to look."""
        if state.stage is Stage.PROVED:
            return None
        if state.waiting and self.means.clock() < state.waiting.due:
            return state.waiting
        state.waiting = None if state.stage is Stage.OPEN else await self._read(staged, state)
        if state.waiting is None and state.stage is Stage.OPEN:
            state.waiting = await self._show(staged, state)
        return state.waiting

    def verdict_due(self, staged: StagedProof, state: ProofState) -> Waiting:
        """What to wait for once the CA was told to look."""
        if state.waiting is None:
            state.waiting = self._validating(staged, state, asked=None)
        return state.waiting

    async def clean_up(self, staged: StagedProof) -> None:
        """Take the proof back; what cannot be taken back is logged, since the certificate must not wait for it."""
        try:
            await self._solver(staged).solver.clean_up(self._proof(staged))
        except EnrolmentError as error:
            log.warning("The %s proof of %s was left behind: %s", staged.challenge_type, staged.name, error.message)

    async def give_up(self, staged: StagedProof) -> None:
        """Deactivate an authorization that nobody will use: servers count the pending ones (RFC 8555 §7.5.2)."""
        client = self.means.client
        try:
            authorization = await client.get_authorization(staged.authorization)
            if authorization.status is AuthorizationStatus.PENDING:
                await client.deactivate_authorization(staged.authorization)
        except (ACMEError, TransportError) as error:
            log.info("The authorization of %s was not deactivated: %s", staged.ordered_name, error)

    async def _read(self, staged: StagedProof, state: ProofState) -> Waiting | None:
        """Ask the CA for its verdict. None if there is none to wait for: proved, or to be answered (again)."""
        with judged(self.means.server, f"the authorization of {staged.ordered_name}"):
            authorization = await self.means.client.get_authorization(staged.authorization)
        if authorization.status is AuthorizationStatus.VALID:
            state.stage = Stage.PROVED
            return None
        if authorization.status is not AuthorizationStatus.PENDING:
            raise judge_challenges(self.means.server, [authorization], names=1)
        challenge = _chosen(authorization, staged)
        if challenge is None or challenge.status is not ChallengeStatus.PENDING:
            state.stage = Stage.ANSWERED
            return self._validating(staged, state, asked=authorization.retry_after)
        if state.stage is Stage.UNKNOWN:
            state.stage = Stage.OPEN
            return None
        if challenge.error is None:
            return self._validating(staged, state, asked=authorization.retry_after)
        return self._answer_again(staged, state, authorization)

    async def _show(self, staged: StagedProof, state: ProofState) -> Waiting | None:
        """Present the proof, see that it is there, and tell the CA."""
        unseen = await self._look(staged, state)
        if unseen is not None:
            return self._unseen(staged, state, unseen)
        with judged(self.means.server, f"the answer to the challenge of {staged.ordered_name}"):
            await self.means.client.respond(
                Challenge(
                    url=staged.challenge,
                    type=staged.challenge_type,
                    status=ChallengeStatus.PENDING,
                    token=staged.token,
                )
            )
        state.stage, state.looks = Stage.ANSWERED, 0
        state.answers += 1
        return None

    async def _look(self, staged: StagedProof, state: ProofState) -> NotVisible | None:
        solver, proof, now = self._solver(staged).solver, self._proof(staged), self.means.clock()
        is_due = state.last_presented is None or now - state.last_presented >= PRESENT_AGAIN
        if is_due:
            await solver.present(proof)
            state.first_presented, state.last_presented = state.first_presented or now, now
        unseen = await solver.look(proof)
        if unseen is not None and is_due:
            await self.means.pause(EARLY_LOOK)
            unseen = await solver.look(proof)
        return unseen

    def _unseen(self, staged: StagedProof, state: ProofState, unseen: NotVisible) -> Waiting:
        configured, now = self._solver(staged), self.means.clock()
        state.looks += 1
        if state.first_presented and now - state.first_presented > configured.timeout:
            raise TransientError(
                f"The {staged.challenge_type} proof of {staged.ordered_name} cannot be seen after"
                f" {configured.timeout}: {unseen.why}.",
                reason=Reason.PENDING,
            )
        return Waiting(staged.ordered_name, unseen.why, now + wait_after(state.looks, longest=configured.interval))

    def _validating(self, staged: StagedProof, state: ProofState, *, asked: timedelta | None) -> Waiting:
        state.looks += 1
        return Waiting(
            staged.ordered_name,
            f"{self.means.server} is validating it",
            self.means.clock() + wait_after(state.looks, asked=asked),
        )

    def _answer_again(self, staged: StagedProof, state: ProofState, authorization: Authorization) -> Waiting:
        """Wait before the challenge that failed and stayed pending is answered once more."""
        failure = judge_challenges(self.means.server, [authorization], names=1)
        if state.answers >= MAX_ANSWERS:
            raise failure
        state.stage = Stage.OPEN
        wait = wait_after(1, asked=authorization.retry_after or timedelta(seconds=2**state.answers))
        return Waiting(staged.ordered_name, failure.message, self.means.clock() + wait)

    def _solver(self, staged: StagedProof) -> ConfiguredSolver:
        labels = self.request.certificate.labels
        found = choose(
            self.means.solvers, staged.ordered_name, labels=labels, offered=frozenset({staged.challenge_type})
        )
        if found is None:
            raise IssuerError(
                f"The issuer has no {staged.challenge_type} solver for {staged.ordered_name} any more.",
                reason=Reason.INVALID_CONFIGURATION,
            )
        return found

    def _proof(self, staged: StagedProof) -> Proof:
        return Proof(
            certificate=self.request.certificate,
            name=staged.name,
            token=staged.token,
            key_authorization=self.means.client.key.key_authorization(staged.token),
        )


async def side_by_side(prover: Prover, work: Iterable[tuple[StagedProof, ProofState]]) -> list[Waiting]:
    """Prove all names at once; every name gets its step, then the failure that lasts longest is raised."""
    results = await asyncio.gather(*(prover.prove(*item) for item in work), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise min(failures, key=_patience)
    return [result for result in results if isinstance(result, Waiting)]


def _patience(failure: BaseException) -> int:
    """What must not be hidden behind a failure that passes by itself comes first."""
    return {TransientError: 3, IssuerError: 2}.get(type(failure), 1 if isinstance(failure, EnrolmentError) else 0)


def _chosen(authorization: Authorization, staged: StagedProof) -> Challenge | None:
    return next((challenge for challenge in authorization.challenges if challenge.url == staged.challenge), None)
