"""What every part of the driver works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from certwright.issuers.scep.challenges import ChallengeSource, Outstanding
from certwright.issuers.scep.credentials import LIFETIME
from certwright.issuers.scep.facts import Server
from certwright.issuers.scep.memory import Memory
from certwright.model.enrolment import LearnedAnchor
from certwright.model.resources import SCEPIssuer
from certwright.protocols.scep import SCEPClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One issuer's settings and connections; ``name`` is how messages call the server."""

    name: str
    spec: SCEPIssuer
    client: SCEPClient
    server: Server
    memory: Memory
    outstanding: Outstanding
    clock: Callable[[], datetime]
    run_cpu: Callable[..., Awaitable[Any]]
    learned: tuple[LearnedAnchor, ...]
    challenge: str | None = field(repr=False)
    source: ChallengeSource | None

    @property
    def has_challenge(self) -> bool:
        """Whether the issuer can give a challenge to any Certificate, again and again."""
        return self.challenge is not None or self.source is not None

    @property
    def challenge_lifetime(self) -> timedelta:
        """How long a fetched challenge is good."""
        challenge = self.spec.challenge
        return (challenge.lifetime if challenge else None) or LIFETIME
