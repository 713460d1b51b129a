"""Whose signatures count as the CA's: what was configured, and what followed from that.

A root's successor is believed where the root that is held has certified its key; caPubs are where the issuer says so,
because they came under the shared secret. What a CA publishes otherwise (``published``) only completes chains.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from cryptography import x509

from certwright.model.chain import fingerprint, is_ca
from certwright.model.enrolment import LearnedAnchor

CA_PUBS = "CaPubs"
NEW_WITH_OLD = "NewWithOld"
MOST_LEARNED = 20
"""A CA that changes its root every year has a handful; more are somebody's attempt to fill a Secret."""
MOST_PUBLISHED = 50


class Trust:
    """The anchors of one issuer; ``learned`` is what an earlier driver reported."""

    def __init__(
        self,
        configured: tuple[x509.Certificate, ...],
        learned: Iterable[LearnedAnchor],
        *,
        accepts_ca_pubs: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._configured = configured
        self._accepts_ca_pubs = accepts_ca_pubs
        self._clock = clock
        self._learned: tuple[LearnedAnchor, ...] = ()
        self._published: tuple[x509.Certificate, ...] = ()
        self._believe(learned)

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """What a signed answer is verified against; without any, no signed answer counts."""
        return tuple(dict.fromkeys((*self._configured, *(one.certificate for one in self._learned))))

    @property
    def learned(self) -> tuple[LearnedAnchor, ...]:
        """What the next driver must know."""
        return self._learned

    @property
    def published(self) -> tuple[x509.Certificate, ...]:
        """What the CA calls its own certificates, as far as it was asked."""
        return self._published

    @property
    def known(self) -> tuple[x509.Certificate, ...]:
        """All that may be part of a chain."""
        return tuple(dict.fromkeys((*self.anchors, *self._published)))

    def publish(self, certificates: Iterable[x509.Certificate]) -> None:
        """Remember what the CA said in an authenticated answer."""
        self._published = tuple(certificates)[:MOST_PUBLISHED]

    def accept_ca_pubs(self, certificates: Iterable[x509.Certificate]) -> None:
        """Take caPubs that came in an ip under a MAC, if the issuer wants that."""
        if self._accepts_ca_pubs:
            self._believe(LearnedAnchor(certificate=one, source=CA_PUBS) for one in certificates if is_ca(one))

    def accept_successor(self, root: x509.Certificate, of: x509.Certificate) -> None:
        """Take a new root that was verified to be certified by one that is held."""
        self._believe([LearnedAnchor(certificate=root, source=NEW_WITH_OLD, by=fingerprint(of))])

    def _believe(self, offered: Iterable[LearnedAnchor]) -> None:
        """Add what may be believed, as long as anything new follows from it.

        Whoever takes a root out of the issuer takes out with it what that root has vouched for.
        """
        now, left = self._clock(), list(offered)
        found = True
        while found:
            held = {fingerprint(one) for one in self.anchors}
            fresh = [one for one in left if self._is_credible(one, held) and one.certificate.not_valid_after_utc > now]
            found = bool(fresh)
            left = [one for one in left if one not in fresh]
            self._learned = (*self._learned, *_distinct(fresh, held))[-MOST_LEARNED:] if fresh else self._learned

    def _is_credible(self, one: LearnedAnchor, held: set[str]) -> bool:
        return (one.source == CA_PUBS and self._accepts_ca_pubs) or (one.source == NEW_WITH_OLD and one.by in held)


def _distinct(offered: Iterable[LearnedAnchor], held: set[str]) -> tuple[LearnedAnchor, ...]:
    found = {fingerprint(one.certificate): one for one in offered}
    return tuple(one for name, one in found.items() if name not in held)
