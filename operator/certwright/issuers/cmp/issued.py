"""What the CA's certificates mean for the Secret: the chain to show, and the root to trust."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from certwright.model.chain import MAX_CHAIN, UNREADABLE, is_self_issued, split_root

MAX_TRIES = 64
"""Signatures verified for one path: a server may send a hundred certificates of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A leaf with what leads up from it, without the root, which is in ``anchors`` where it is known."""

    chain: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]

    @property
    def full(self) -> tuple[x509.Certificate, ...]:
        """All of it, the root included."""
        return (*self.chain, *self.anchors)


def path_of(leaf: x509.Certificate, pool: Sequence[x509.Certificate]) -> Path:
    """The path that the pool holds, whatever its order.

    Extra certificates are covered by no protection; but each link is a signature, and the leaf was authenticated.
    """
    path, tries = [leaf], MAX_TRIES
    while len(path) < MAX_CHAIN and not is_self_issued(path[-1]):
        named = [one for one in pool if _is_named(one, path[-1]) and one not in path][:tries]
        tries -= len(named)
        above = next((one for one in named if _has_signed(one, path[-1])), None)
        if above is None:
            break
        path.append(above)
    chain, roots = split_root(path)
    return Path(chain=chain, anchors=roots)


def _is_named(candidate: x509.Certificate, child: x509.Certificate) -> bool:
    try:
        return candidate.subject == child.issuer
    except UNREADABLE:
        return False


def _has_signed(candidate: x509.Certificate, child: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(candidate)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True
