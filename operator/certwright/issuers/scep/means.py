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
from certwright.model.resources import Polling, SCEPIssuer
from certwright.protocols.scep import SCEPClient

MIN_INTERVAL = timedelta(seconds=10)
MAX_INTERVAL = timedelta(hours=1)
MAX_DURATION = timedelta(hours=168)


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


def poll_interval(waited: timedelta, polling: Polling | None, *, asked: timedelta | None = None) -> timedelta:
    """How long to wait before the next poll: as long as has been waited, so that it doubles, or as the server asks.

    It follows from when the CA said *pending* first, and so needs no storing.
    """
    shortest = (polling.min_interval if polling else None) or MIN_INTERVAL
    longest = (polling.max_interval if polling else None) or MAX_INTERVAL
    return max(shortest, min(asked if asked is not None else waited, longest))


def max_duration(polling: Polling | None) -> timedelta:
    """How long a CA may take."""
    return (polling.max_duration if polling else None) or MAX_DURATION
