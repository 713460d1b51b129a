"""Whether a server has said no to a client certificate, and not to what was asked with it.

A server may say so in the handshake, after it, in HTTP, or with a page of the web server before it.
"""

from certwright.issuers.est.failures import NOT_OFFERED, SERVER_ERRORS
from certwright.protocols.est import AuthenticationRequired, Refused
from certwright.protocols.transport import (
    ClientCertificateRefused,
    ServerNotVerified,
    TLSFailed,
    UnexpectedStatus,
    UnusableIdentity,
)

FORBIDDEN = 403
BUSY = frozenset({408, 425, 429})
CLIENT_ERRORS = 400
MOST_REMEMBERED = 1000


def is_refusal(error: BaseException) -> bool:
    """Whether another credential may fare better; then nothing has been issued for this request."""
    match error:
        case ClientCertificateRefused() | AuthenticationRequired() | UnusableIdentity():
            return True
        case ServerNotVerified():
            return False
        case TLSFailed():
            # Servers with TLS 1.2 often say no more than "handshake failure" of a certificate that they do not like.
            return error.is_unsent
        case Refused():
            return error.status == FORBIDDEN or error.status in NOT_OFFERED
        case UnexpectedStatus():
            # The web server before the EST server; it has refused in the name of TLS or of its own rules.
            return CLIENT_ERRORS <= error.status < SERVER_ERRORS and error.status not in BUSY
        case _:
            return False


class Refusals:
    """Which requests were refused with the current certificate: one that must wait is not tried with it each time.

    Losing it costs one more refusal.
    """

    def __init__(self) -> None:
        self._notes: dict[bytes, str] = {}

    def note_of(self, csr: bytes) -> str:
        """What was said of it; empty: nothing was."""
        return self._notes.get(csr, "")

    def remember(self, csr: bytes, note: str) -> None:
        """Keep it, in place of the oldest where there are too many."""
        if len(self._notes) >= MOST_REMEMBERED:
            self._notes.pop(next(iter(self._notes)))
        self._notes[csr] = note

    def forget(self, csr: bytes) -> None:
        """The request is done with."""
        self._notes.pop(csr, None)
