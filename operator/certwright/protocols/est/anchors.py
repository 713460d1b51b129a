"""The explicit trust anchors of an EST server, and how they come to be trusted (RFC 7030 §3.6.1, §4.1.3).

Pure functions over certificates. A new root becomes an anchor when a held one vouches for it by a NewWithOld
certificate (RFC 4210 §4.4), or when it came over a connection that anchors configured by the user have authenticated.
After a bootstrap by fingerprint only the former counts: whoever stood in the middle then may still stand there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certwright.protocols.est.paths import is_self_signed, is_signed_by, key_of, may_sign_certificates

# More roots than that are no rollover.
MAX_ANCHORS = 16


class Learned(StrEnum):
    """How an anchor came to be trusted."""

    CONFIGURED = "configured"
    PINNED = "pinned"
    NEW_WITH_OLD = "NewWithOld"
    AUTHENTICATED = "authenticated cacerts"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted CA certificate. ``by`` is the fingerprint of the anchor that vouched for it, where one did."""

    certificate: x509.Certificate
    learned: Learned
    by: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, in lower-case hexadecimal."""
        return fingerprint(self.certificate)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, in lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def configured(certificates: Iterable[x509.Certificate]) -> tuple[Anchor, ...]:
    """The anchors that the user named."""
    return tuple(Anchor(certificate, Learned.CONFIGURED) for certificate in certificates)


def successors(
    held: Sequence[Anchor], offered: Sequence[x509.Certificate], *, now: datetime, is_authenticated: bool
) -> tuple[Anchor, ...]:
    """The roots among ``offered`` that become anchors, beside those held.

    ``is_authenticated``: they came over a connection that ``held`` verified, or with none held the system's roots. Keep
    a pinned anchor among ``held`` for good: it is what tells that this counts for nothing. NewWithOld chains of any
    length count, each link valid ``now``; OldWithOld and OldWithNew make nobody trusted.
    """
    known = {anchor.certificate for anchor in held}
    new = [root for root in dict.fromkeys(offered) if root not in known and _is_usable_root(root, now)]
    accepted = _vouched_for(held, offered, roots=list(new), now=now)
    if is_authenticated and not any(anchor.learned is Learned.PINNED for anchor in held):
        vouched_for = {anchor.certificate for anchor in accepted}
        accepted += [Anchor(root, Learned.AUTHENTICATED) for root in new if root not in vouched_for]
    return tuple(accepted[: max(0, MAX_ANCHORS - len(held))])


def is_new_with_old(link: x509.Certificate, *, old: x509.Certificate, now: datetime) -> bool:
    """Whether ``link`` is a new key certified by the old one, under the name of both (RFC 4210 §4.4.1).

    The one name matters: else any sub-CA could make itself a root, free of the limits that its certificate has.
    """
    return (
        link.subject == link.issuer == old.subject
        and key_of(link) != key_of(old)
        and _is_valid(link, now)
        and may_sign_certificates(link)
        and is_signed_by(link, old)
    )


def _vouched_for(
    held: Sequence[Anchor], offered: Sequence[x509.Certificate], *, roots: list[x509.Certificate], now: datetime
) -> list[Anchor]:
    """Those that a held anchor vouches for, and those that these vouch for, and so on."""
    accepted: list[Anchor] = []
    waiting = list(held)
    while waiting:
        old = waiting.pop(0)
        keys = {key_of(link) for link in offered if is_new_with_old(link, old=old.certificate, now=now)}
        for new in tuple(roots):
            if new.subject == old.certificate.subject and key_of(new) in keys:
                roots.remove(new)
                anchor = Anchor(new, Learned.NEW_WITH_OLD, by=old.fingerprint)
                accepted.append(anchor)
                waiting.append(anchor)
    return accepted


def _is_usable_root(certificate: x509.Certificate, now: datetime) -> bool:
    return _is_valid(certificate, now) and may_sign_certificates(certificate) and is_self_signed(certificate)


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
