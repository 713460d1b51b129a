"""Stands in for a solver that this version does not have, so that the issuer's other solvers still serve."""

from dataclasses import dataclass

from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.solving import ChallengeType, NotVisible, Proof


@dataclass(slots=True)
class UnavailableSolver:
    """Says what is missing to whoever is led to it. ``kind`` is the API's name, such as ``dns01.cloudflare``."""

    kind: str
    challenge_type: ChallengeType

    async def present(self, proof: Proof) -> None:
        """Raise what there is to say."""
        raise self.error(proof.name)

    async def look(self, proof: Proof) -> NotVisible | None:
        """Raise what there is to say."""
        raise self.error(proof.name)

    async def clean_up(self, proof: Proof) -> None:
        """Nothing was ever presented."""

    def error(self, name: str) -> IssuerError:
        """The sentence for users."""
        return IssuerError(
            f"This version of certwright cannot prove {name} by {self.kind} yet: use dns01.rfc2136 or http01, or a"
            " selector that leads this name to another solver.",
            reason=Reason.NOT_IMPLEMENTED,
        )
