"""The CA's own certificates: kept, read again where they do not fit, and put together with what was issued.

An enrolment answers with the issued certificate alone (RFC 7030 §4.2.3); the rest of its chain is in cacerts.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from certwright.issuers.est.trust import Trust
from certwright.model.chain import MAX_CHAIN, UNREADABLE, is_self_issued
from certwright.protocols.est import CACertificates

Read: TypeAlias = Callable[[], Awaitable[CACertificates]]
"""Asks the server for cacerts; raises `EnrolmentError`."""


@dataclass(frozen=True, slots=True)
class Path:
    """A leaf with what leads up from it, without the root, and the anchors that it can be verified with.

    ``is_complete``: it leads to a certificate that the CA calls its own.
    """

    chain: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The CA's certificates, sorted: what counts as a root, and what may stand between."""

    roots: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...]
    takes_unrooted: bool

    def path(self, leaf: x509.Certificate, beside: Sequence[x509.Certificate] = ()) -> Path:
        """The path of a certificate; ``beside`` are those that came with it.

        A CA that publishes no root but an intermediate is taken at its word, and nothing goes into ca.crt; not after a
        bootstrap, where the fingerprint alone says what is trusted.
        """
        pool = [one for one in (*beside, *self.others) if not is_self_issued(one) and one not in self.roots]
        chain = [leaf]
        while len(chain) < MAX_CHAIN and _signer(chain[-1], self.roots) is None:
            above = _signer(chain[-1], [one for one in pool if one not in chain])
            if above is None:
                break
            chain.append(above)
        if _signer(chain[-1], self.roots) is not None:
            return Path(tuple(chain), self.roots, is_complete=True)
        is_taken = self.takes_unrooted and len(chain) > 1 and chain[-1] in self.others
        return Path(tuple(chain), () if is_taken else self.roots, is_complete=is_taken)


class Authority:
    """The CA certificates that were read last, shared by all enrolments of a driver."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._known: Known | None = None

    def remember(self, read: CACertificates) -> Known:
        """Keep what was just read over an authenticated connection, and believe the new roots in it."""
        self._trust.absorb(read.certificates)
        roots = self._trust.roots_among(read)
        self._known = Known(roots, read.others, takes_unrooted=not self._trust.is_bootstrapped)
        return self._known

    async def certificates(self, read: Read) -> Known:
        """Those that are known, or read now.

        It is called before a certificate is asked for: an answer whose chain cannot be put together, because the server
        fails only then, would be lost.
        """
        return self._known or self.remember(await read())

    async def path(self, leaf: x509.Certificate, beside: Sequence[x509.Certificate], read: Read) -> Path:
        """The path of an issued certificate, with cacerts read again where the known ones do not lead anywhere."""
        path = (await self.certificates(read)).path(leaf, beside)
        return path if path.is_complete else self.remember(await read()).path(leaf, beside)


def _signer(child: x509.Certificate, candidates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The one of these that signed it."""
    for candidate in candidates:
        try:
            child.verify_directly_issued_by(candidate)
        except (InvalidSignature, *UNREADABLE):
            continue
        return candidate
    return None
