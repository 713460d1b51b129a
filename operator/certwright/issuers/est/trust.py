"""Whom the issuer's server is verified against: what was configured, what was pinned, and what followed from both.

``probing`` has the CA asked again and again; what it hands over is believed here or dropped. The rules are those of RFC
7030 §4.1.3, sharpened: after a bootstrap by fingerprint only a root that the pinned one, or its successor, has signed
becomes an anchor, because nobody else has said anything about the server.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from cryptography import x509

from certwright.issuers.est.connections import Anchors
from certwright.issuers.est.failures import Asked, judged
from certwright.issuers.judging import probing
from certwright.model.chain import UNREADABLE, fingerprint
from certwright.model.enrolment import LearnedAnchor
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import ESTIssuer
from certwright.protocols.est import (
    Anchor,
    CACertificates,
    Learned,
    Opener,
    bootstrap,
    configured,
    seek_successors,
    successors,
)

MOST_LEARNED = 20
"""A CA that changes its root every year has a handful; more are somebody's attempt to fill a Secret."""

SOURCES: Mapping[Learned, str] = {
    Learned.PINNED: "Pinned",
    Learned.NEW_WITH_OLD: "NewWithOld",
    Learned.AUTHENTICATED: "AuthenticatedCACerts",
}
"""How the domain calls them; what was configured was not learned."""

_LASTING = frozenset({Learned.CONFIGURED, Learned.PINNED})


class Trust:
    """The anchors of one issuer. ``anchors`` None: the system's roots, and then nothing is ever learned.

    A certificate of a public CA says that the server is the one of the URL. That its EST server names other roots makes
    those the CA's, and nothing to verify the server against.
    """

    def __init__(
        self,
        spec: ESTIssuer,
        opener: Opener,
        *,
        roots: bytes | None,
        learned: Sequence[LearnedAnchor],
        server: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._spec = spec
        self._opener = opener
        self._clock = clock
        self._server = server
        self._pin = spec.bootstrap.fingerprint_sha256.replace(":", "").lower() if spec.bootstrap else None
        self._has_system_roots = self._pin is None and roots is None
        self._held: tuple[Anchor, ...] = ()
        if self._pin is None and roots is not None:
            self._held = configured(_read(roots))
        self._held += self._still_believed(learned)

    @property
    def anchors(self) -> Anchors:
        """What TLS is verified against now; call `ready` first."""
        return None if self._has_system_roots else tuple(anchor.certificate for anchor in self._held)

    @property
    def is_bootstrapped(self) -> bool:
        """Whether all trust goes back to a fingerprint."""
        return self._pin is not None

    @property
    def learned(self) -> tuple[LearnedAnchor, ...]:
        """What the next driver must know."""
        origin = "+".join(anchor.fingerprint for anchor in self._held if anchor.learned is Learned.CONFIGURED)
        return tuple(
            LearnedAnchor(
                certificate=anchor.certificate,
                source=SOURCES[anchor.learned],
                by=anchor.by or (origin if anchor.learned is Learned.AUTHENTICATED else ""),
            )
            for anchor in self._held
            if anchor.learned is not Learned.CONFIGURED
        )

    async def ready(self) -> None:
        """See that there are anchors: pin the CA's certificate where that has not been done yet."""
        if self._held or self._pin is None:
            return
        with probing(), judged(Asked(server=self._server, what="its CA certificates")):
            self._held = await bootstrap(
                self._opener, self._spec.url, label=self._spec.label, fingerprint=self._pin, clock=self._clock
            )

    def absorb(self, offered: Sequence[x509.Certificate]) -> None:
        """Believe what may be believed of what came over a connection that was verified against these anchors."""
        if not self._has_system_roots:
            self._add(successors(self._held, offered, now=self._clock(), is_authenticated=True))

    async def recover(self) -> bool:
        """After the server's certificate did not verify: look for a new root that an old one has signed."""
        if self._has_system_roots:
            return False
        before = self._held
        with probing(), judged(Asked(server=self._server, what="its CA certificates")):
            found = await seek_successors(
                self._opener, self._spec.url, label=self._spec.label, held=self._held, clock=self._clock
            )
        self._add(found)
        return self._held != before

    def roots_among(self, known: CACertificates) -> tuple[x509.Certificate, ...]:
        """Which of the CA's certificates count as roots of what it issues."""
        if not self.is_bootstrapped:
            return known.roots
        held = {anchor.fingerprint for anchor in self._held}
        return tuple(one for one in known.certificates if fingerprint(one) in held)

    def _add(self, found: Iterable[Anchor]) -> None:
        now = self._clock()
        known = {anchor.fingerprint for anchor in self._held}
        fresh = [anchor for anchor in found if anchor.fingerprint not in known]
        # An expired root is kept for the sake of those that it has vouched for: the next driver follows the links.
        vouchers = {anchor.by for anchor in (*self._held, *fresh)}
        kept = [
            anchor
            for anchor in self._held
            if anchor.learned in _LASTING or anchor.fingerprint in vouchers or not _has_expired(anchor, now)
        ]
        room = MOST_LEARNED - sum(anchor.learned is not Learned.CONFIGURED for anchor in kept)
        self._held = (*kept, *fresh[: max(room, 0)])

    def _still_believed(self, learned: Sequence[LearnedAnchor]) -> tuple[Anchor, ...]:
        """What an earlier driver learned, as far as that by which it was learned is still trusted.

        Whoever takes a root out of the issuer takes out with it what that root has vouched for.
        """
        known = {anchor.fingerprint for anchor in self._held}
        believed: list[Anchor] = []
        for _ in learned:
            for one in learned:
                anchor = _anchor(one)
                if anchor is not None and anchor.fingerprint not in known and self._may_hold(one, anchor, known):
                    believed.append(anchor)
                    known.add(anchor.fingerprint)
        order = [fingerprint(one.certificate) for one in learned]
        return tuple(sorted(believed, key=lambda anchor: order.index(anchor.fingerprint)))[:MOST_LEARNED]

    def _may_hold(self, one: LearnedAnchor, anchor: Anchor, known: set[str]) -> bool:
        match anchor.learned:
            case Learned.PINNED:
                return anchor.fingerprint == self._pin
            case Learned.NEW_WITH_OLD:
                return one.by in known
            case Learned.AUTHENTICATED:
                return self._pin is None and bool(one.by) and set(one.by.split("+")) <= known
            case _:
                return False


def _anchor(learned: LearnedAnchor) -> Anchor | None:
    kind = next((kind for kind, source in SOURCES.items() if source == learned.source), None)
    return None if kind is None else Anchor(learned.certificate, kind, learned.by or None)


def _has_expired(anchor: Anchor, now: datetime) -> bool:
    return anchor.certificate.not_valid_after_utc <= now


def _read(roots: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(roots)
    except UNREADABLE as error:
        message = "The CA bundle of tls holds no PEM certificate, or one that cannot be read: correct it."
        raise IssuerError(message, reason=Reason.INVALID_CONFIGURATION) from error
