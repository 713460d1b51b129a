"""What every source of challenge passwords is: asked for one enrolment, it answers one password."""

from dataclasses import dataclass, field
from typing import Protocol

from certwright.model.enrolment import EnrolmentRequest

LONGEST_CHALLENGE = 255
"""Characters of a challengePassword (RFC 2985 §5.4.1, pkcs-9-ub-challengePassword)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a challenge is wanted for. ``renews`` is the serial number of the certificate being renewed, or empty."""

    request: EnrolmentRequest
    operation: str
    renews: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedChallenge:
    """One password. ``is_repeatable``: the server says that it serves again and again, so that it is not counted."""

    value: str = field(repr=False)
    is_repeatable: bool = False


class ChallengeSource(Protocol):
    """A server that hands out challenges; raises `EnrolmentError`."""

    async def fetch(self, purpose: Purpose) -> FetchedChallenge:
        """Ask for one. Whoever gets it has spent it, whether it is used or not."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def is_usable(text: str) -> bool:
    """Whether a text can be a challenge: printable, not empty and within PKCS#9's bound."""
    return 0 < len(text) <= LONGEST_CHALLENGE and text.isprintable()
