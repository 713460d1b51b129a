"""What an enrolment must know after a restart, as it is staged with key and CSR; the EST server keeps the rest."""

from dataclasses import dataclass
from typing import Any

from certwright.model.enrolment import ResumeData


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the CA asked for when the request was made.

    ``is_bound``: channel binding. ``decryption``: the identifier, in hexadecimal, of the key to which it is asked to
    encrypt the one that it makes.
    """

    is_bound: bool = False
    decryption: str = ""

    @classmethod
    def parse(cls, resume: ResumeData) -> "Record":
        """Read what `as_resume` wrote."""
        return cls(is_bound=resume.get("binding") is True, decryption=str(resume.get("decryption") or ""))

    def as_resume(self) -> ResumeData:
        """Nothing where nothing was asked for."""
        found: dict[str, Any] = {}
        if self.is_bound:
            found["binding"] = True
        if self.decryption:
            found["decryption"] = self.decryption
        return found
