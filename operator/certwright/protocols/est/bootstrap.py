"""Learning a CA's certificates over a connection that is not verified (RFC 7030 §4.1.1): /cacerts alone, then closed.

What comes back is believed only as far as a fingerprint, or a root that is held already, proves it. The connection
carries no credential and no client certificate, and no other request.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from certwright.protocols.est.anchors import Anchor, Learned, fingerprint, successors
from certwright.protocols.est.certs_only import CACertificates
from certwright.protocols.est.client import ESTClient
from certwright.protocols.est.errors import FingerprintMismatch
from certwright.protocols.est.opening import Opener

Clock = Callable[[], datetime]


async def bootstrap(
    opener: Opener, url: str, *, label: str | None = None, fingerprint: str, clock: Clock
) -> tuple[Anchor, ...]:
    """The CA certificate with this fingerprint (SHA-256, hexadecimal), and the roots that follow it.

    Every other certificate of the answer is dropped: a man in the middle would add a root of his own. Raises
    FingerprintMismatch if nothing has the fingerprint, and what ``ESTClient.cacerts`` raises.
    """
    offered = await _provisional_cacerts(opener, url, label=label, clock=clock)
    pinned = _with_fingerprint(offered, fingerprint)
    return (pinned, *successors((pinned,), offered.certificates, now=clock(), is_authenticated=False))


async def seek_successors(
    opener: Opener, url: str, *, label: str | None = None, held: Sequence[Anchor], clock: Clock
) -> tuple[Anchor, ...]:
    """The roots that a held one vouches for by NewWithOld: for a server that no held root verifies any more."""
    offered = await _provisional_cacerts(opener, url, label=label, clock=clock)
    return successors(held, offered.certificates, now=clock(), is_authenticated=False)


async def _provisional_cacerts(opener: Opener, url: str, *, label: str | None, clock: Clock) -> CACertificates:
    async with opener.open_provisional() as http:
        return await ESTClient(url, http=http, clock=clock, label=label).cacerts()


def _with_fingerprint(offered: CACertificates, wanted: str) -> Anchor:
    plain = wanted.replace(":", "").replace(" ", "").lower()
    for certificate in offered.certificates:
        if fingerprint(certificate) == plain:
            return Anchor(certificate, Learned.PINNED)
    raise FingerprintMismatch(
        f"None of the {len(offered.certificates)} CA certificates that came has the fingerprint {plain[:64]}."
    )
