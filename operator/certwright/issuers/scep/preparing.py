"""Before anything is staged: who will sign, and which challenge goes into the CSR."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from certwright.issuers.scep.challenges import Purpose
from certwright.issuers.scep.credentials import challenge_text
from certwright.issuers.scep.facts import Facts
from certwright.issuers.scep.means import Means
from certwright.issuers.scep.record import ChallengeOrigin, Record, StagedSigner
from certwright.issuers.scep.signing import (
    Circumstances,
    Plan,
    expected_kind,
    make_throwaway_key,
    plan,
)
from certwright.model.enrolment import EnrolmentRequest, OneTimeCredential, Prepared
from certwright.model.errors import TransientError
from certwright.model.keys import SCEP_KIND
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm, SCEPRenewal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenChallenge:
    """A challenge and what may be done with it; ``value`` None: the request carries none."""

    value: str | None
    origin: ChallengeOrigin = ChallengeOrigin.NONE
    fetched_at: datetime | None = None

    def __repr__(self) -> str:
        return f"ChosenChallenge(origin={self.origin!s})"


@dataclass(frozen=True, slots=True)
class Preparation:
    """Of one enrolment."""

    means: Means
    request: EnrolmentRequest

    async def run(self) -> Prepared:
        """Read what the server is, decide, and fetch a challenge last: one that is not used is wasted."""
        facts = await self.means.server.facts()
        chosen = plan(self.request, self._circumstances(facts))
        transaction = secrets.token_hex(8)
        signer = await self._signer(chosen, transaction)
        renews = self.request.current.leaf.serial_number if self.request.current else None
        challenge = await self._challenge(chosen, transaction, renews)
        record = Record(
            id=transaction,
            operation=chosen.operation,
            renews=renews,
            signer=signer,
            challenge=challenge.origin,
            fetched_at=challenge.fetched_at,
        )
        self.means.memory.unsent.add(transaction)
        return Prepared(key_kind=SCEP_KIND, challenge_password=challenge.value, resume=record.as_resume())

    def _circumstances(self, facts: Facts) -> Circumstances:
        spec, authority = self.means.spec, facts.authority
        known = (*authority.certificates, *(anchor.certificate for anchor in self.means.learned))
        credential = self.request.credential
        return Circumstances(
            renewal=spec.renewal_operation or SCEPRenewal.AUTO,
            challenge_on_renewal=spec.challenge_on_renewal,
            capabilities=facts.capabilities,
            issuers=(authority.issuer_name, *(certificate.subject for certificate in known)),
            has_challenge=self.means.has_challenge or (credential is not None and credential.obstacle is None),
            refused=tuple(serial for serial in self.means.memory.refused if isinstance(serial, int)),
            now=self.means.clock(),
        )

    async def _signer(self, chosen: Plan, transaction: str) -> StagedSigner | None:
        """The answer comes days later perhaps, when another certificate may be the current one."""
        if chosen.signer is not None:
            key, certificate = chosen.signer.key, chosen.signer.leaf
        elif expected_kind(self.request).algorithm is KeyAlgorithm.RSA:
            return None
        else:
            key, certificate = await self.means.run_cpu(make_throwaway_key), None
        self.means.memory.signers.keep(transaction, key)
        return StagedSigner.of(key, certificate)

    async def _challenge(self, chosen: Plan, transaction: str, renews: int | None) -> ChosenChallenge:
        if not chosen.wants_challenge:
            return ChosenChallenge(value=None)
        own = self.request.credential
        # What was used for the first enrolment is no use for a renewal, where the issuer's can serve as well.
        if own is not None and (own.obstacle is None or renews is None or not self.means.has_challenge):
            return ChosenChallenge(value=_own_challenge(own), origin=ChallengeOrigin.CERTIFICATE)
        if self.means.challenge is not None:
            return ChosenChallenge(value=self.means.challenge, origin=ChallengeOrigin.REPEATABLE)
        if self.means.source is None:
            return ChosenChallenge(value=None)
        serial = "" if renews is None else f"{renews:x}"
        purpose = Purpose(request=self.request, operation=str(chosen.operation), renews=serial)
        return await self._fetch(purpose, transaction)

    async def _fetch(self, purpose: Purpose, transaction: str) -> ChosenChallenge:
        means, now = self.means, self.means.clock()
        assert means.source is not None  # noqa: S101 - the caller looked
        means.outstanding.take(transaction, now=now)
        try:
            fetched = await means.source.fetch(purpose)
        except BaseException:
            means.outstanding.release(transaction)
            raise
        if fetched.is_repeatable:
            means.outstanding.release(transaction)
            return ChosenChallenge(value=fetched.value, origin=ChallengeOrigin.REPEATABLE)
        return ChosenChallenge(value=fetched.value, origin=ChallengeOrigin.FETCHED, fetched_at=now)


def _own_challenge(credential: OneTimeCredential) -> str:
    text = challenge_text(credential.use())
    if text is None:
        raise TransientError(
            "The Secret of spec.scep.challengeSecretRef holds no challenge: it must be one line of at most 255"
            " characters.",
            reason=Reason.INVALID_CREDENTIALS,
        )
    return text
