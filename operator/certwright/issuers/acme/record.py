"""What must survive a restart: the order and its proofs, as JSON in the enrolment Secret.

It is stored before a challenge is presented. A TXT record whose token is forgotten could never be taken away again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from certwright.model.enrolment import ResumeData


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedProof:
    """One authorization that has to be proved: which challenge of it was chosen, and what it needs.

    ``name`` is the identifier's value without ``*.``; a name and its wildcard are two authorizations.
    """

    authorization: str
    name: str
    is_wildcard: bool
    challenge_type: str
    challenge: str
    token: str

    @property
    def ordered_name(self) -> str:
        """The name as the Certificate has it."""
        return f"*.{self.name}" if self.is_wildcard else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order under way. Authorizations that were valid from the start have no place in it."""

    order: str
    finalize: str
    proofs: tuple[StagedProof, ...] = ()

    def as_resume(self) -> ResumeData:
        """The JSON that is staged."""
        return asdict(self) | {"proofs": [asdict(proof) for proof in self.proofs]}

    @classmethod
    def parse(cls, resume: Mapping[str, Any]) -> Self | None:
        """Read it back. None where there is none, or one that another version wrote: a new order is then made."""
        try:
            proofs = tuple(StagedProof(**proof) for proof in resume["proofs"])
            return cls(order=resume["order"], finalize=resume["finalize"], proofs=proofs)
        except (KeyError, TypeError):
            return None
