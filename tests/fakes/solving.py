"""A solver whose world is a dictionary, for tests of whoever asks solvers."""

from collections import Counter

from certwright.model.errors import EnrolmentError
from certwright.model.solving import ChallengeType, NotVisible, Proof


class FakeSolver:
    """``world`` holds what is presented now. ``slow`` says how many looks at a name find nothing, ``failures`` what
    presenting a name raises, each once; ``presented`` counts every call, by name.
    """

    def __init__(self, challenge_type: ChallengeType = ChallengeType.DNS_01) -> None:
        self.challenge_type = challenge_type
        self.world: dict[tuple[str, str], Proof] = {}
        self.slow: Counter[str] = Counter()
        self.failures: dict[str, EnrolmentError] = {}
        self.stuck: EnrolmentError | None = None
        self.presented: Counter[str] = Counter()
        self.most_at_once = 0

    async def present(self, proof: Proof) -> None:
        self.presented[proof.name] += 1
        if proof.name in self.failures:
            raise self.failures.pop(proof.name)
        self.world[proof.identity] = proof
        self.most_at_once = max(self.most_at_once, len(self.world))

    async def look(self, proof: Proof) -> NotVisible | None:
        if self.world.get(proof.identity) != proof:
            return NotVisible("it was never presented")
        if self.slow[proof.name] > 0:
            self.slow[proof.name] -= 1
            return NotVisible("the world has not seen it yet")
        return None

    async def clean_up(self, proof: Proof) -> None:
        if self.stuck is not None:
            raise self.stuck
        self.world.pop(proof.identity, None)
