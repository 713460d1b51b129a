"""What the SCEP client raises, beside the transport's own family.

    SCEPError
    ├── Failure              the CA said no, in an answer that verified
    ├── WeakAnswer           the answer is in algorithms that the user has not accepted
    ├── UntrustedAuthority   what calls itself the CA is not the one that was pinned or that is known
    ├── Unauthenticated      the answer is not the CA's, or not one to this request
    ├── Undecryptable        the answer is the CA's, and this requester cannot open it
    ├── ChallengeNeeded      nothing was sent: without a challenge this message cannot be encrypted
    ├── AnotherKey           the CA granted in an answer that verified, but not for the key of the request
    └── MalformedAnswer      the answer is none that RFC 8894 allows

Not for what happens below HTTP, nor for statuses without a SCEP message: that is ``transport.TransportError``.
``Failure`` and ``AnotherKey`` are the CA's own doing; anybody on the way can cause each of the others.
"""

from collections.abc import Iterable

from certwright.protocols.cms import LegacyAlgorithm
from certwright.protocols.scep.vocabulary import FailInfo


class SCEPError(Exception):
    """A fact about what a SCEP server answered."""


class Failure(SCEPError):
    """An authenticated refusal. ``fail_info`` is None where the server gave none that the RFC knows.

    ``text`` is the server's failInfoText, already cut and cleaned, and often empty.
    """

    def __init__(self, fail_info: FailInfo | None, text: str) -> None:
        word = "an unknown failInfo" if fail_info is None else fail_info.word
        super().__init__(f"The CA refused: {word}{': ' if text else ''}{text}")
        self.fail_info = fail_info
        self.text = text


class WeakAnswer(SCEPError):
    """The answer needs every one of ``names`` in the accepted legacy algorithms. What it says was not looked at."""

    def __init__(self, names: Iterable[LegacyAlgorithm]) -> None:
        self.names = tuple(sorted(set(names)))
        super().__init__(f"The answer is protected only with legacy algorithms: {', '.join(self.names)}.")


class UntrustedAuthority(SCEPError):
    """The certificates that came are not those of the CA that is pinned or known, or none of them can be used."""


class AnotherKey(SCEPError):
    """The CA's own answer, and none of the certificates in it is for the key that asked."""


class Unauthenticated(SCEPError):
    """Not signed by the CA, altered on the way, or an answer to some other request."""


class Undecryptable(SCEPError):
    """An answer of the CA that this requester cannot decrypt: encrypted to somebody else, or badly.

    Some servers do that to requests in AES (RFC 8894 §3.5.2).
    """


class ChallengeNeeded(SCEPError):
    """The CA's key or the requester's cannot decrypt, and there is no challenge to encrypt with (RFC 8894 §3.1)."""


class MalformedAnswer(SCEPError):
    """The server answered, and what it said cannot be an answer to the question."""
