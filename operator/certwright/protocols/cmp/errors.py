"""What the CMP client raises, beside the transport's own family.

    CMPError
    ├── MalformedAnswer      what came is no PKIMessage, or one that RFC 9810 does not allow
    ├── Mismatch             a PKIMessage, and not the answer to this request
    │   ├── WrongVersion         pvno is neither 2 nor 3
    │   ├── WrongTransaction     transactionID is another one, or missing
    │   ├── WrongNonce           recipNonce is not what was sent, or a nonce is missing
    │   ├── WrongSender          not from whom an answer was expected
    │   ├── UnexpectedBody       a body that is no answer to the request: announcements, nested, another operation's
    │   ├── WrongCertReqId       an answer to a request that was not in the message
    │   └── WrongKey             a certificate for another key than the one it was asked for
    ├── Unprotected          no protection, where there has to be one
    ├── ProtectionFailed     a protection that does not hold
    │   ├── WrongProtection      of a kind that is no answer to this request's kind, or unknown
    │   ├── WrongMAC             the MAC differs: another secret, or a changed message
    │   ├── BadSignature         the signature differs
    │   └── UntrustedSigner      the signature holds, and its certificate is not trusted for it
    ├── CentralKeyFailed     the private key that the CA made, or its signature, cannot be used
    ├── UntrustedUpdate      a root's successor that its root does not vouch for
    └── Refusal              the server said no; ``authenticated`` says whether it was the server
        ├── Rejection            in the body that answers the request
        └── ErrorMessage         in a body of type error

Only a Refusal with ``authenticated`` true may end a transaction: whoever sits between client and server can make all
the others appear. Not for what happens below CMP: that is ``transport.TransportError``.
"""

from certwright.protocols.cmp.status import StatusInfo
from certwright.protocols.cmp.transaction import Transaction


class CMPError(Exception):
    """A fact about what a CMP server answered."""


class MalformedAnswer(CMPError):
    """The server answered, and what it said cannot be read. The text names the part."""


class Mismatch(CMPError):
    """A readable message that does not belong to the request."""


class WrongVersion(Mismatch):
    """A pvno that this client does not speak (RFC 9810 §7)."""


class WrongTransaction(Mismatch):
    """Another transactionID than the request's."""


class WrongNonce(Mismatch):
    """A recipNonce that is not the last senderNonce, or a nonce that is missing."""


class WrongSender(Mismatch):
    """A sender other than the one expected, or than the subject of the certificate that signed."""


class UnexpectedBody(Mismatch):
    """A body type that does not answer the request. ``body`` is its name in RFC 9810."""

    def __init__(self, body: str, *, expected: str) -> None:
        super().__init__(f"the server answered with {body} where {expected} was due")
        self.body = body


class WrongCertReqId(Mismatch):
    """A certReqId that was not asked for."""


class WrongKey(Mismatch):
    """A certificate whose public key is not the one in the request."""


class Unprotected(CMPError):
    """An answer without protection: nobody knows whose it is. Nothing of it is shown."""


class ProtectionFailed(CMPError):
    """An answer whose protection does not hold."""


class WrongProtection(ProtectionFailed):
    """A kind of protection that cannot protect this answer, or that this client does not know."""


class WrongMAC(ProtectionFailed):
    """The MAC does not fit the secret."""


class BadSignature(ProtectionFailed):
    """The signature does not fit any certificate at hand."""


class UntrustedSigner(ProtectionFailed):
    """Signed by a certificate that leads to no trust anchor, or that may not sign."""


class CentralKeyFailed(CMPError):
    """A key made or kept by the CA could not be opened, verified or matched with its certificate.

    ``transaction`` is there where a certificate was granted with it: it can still be refused.
    """

    transaction: Transaction | None = None


class UntrustedUpdate(CMPError):
    """A new root certificate that the known root does not vouch for."""


class Refusal(CMPError):
    """The server said no. What to branch on is ``status.fail_info``."""

    def __init__(self, text: str, *, status: StatusInfo, authenticated: bool) -> None:
        super().__init__(text if authenticated else f"{text} [unauthenticated]")
        self.status = status
        self.authenticated = authenticated


class Rejection(Refusal):
    """The request was answered, with ``rejection``."""

    def __init__(self, status: StatusInfo, *, authenticated: bool) -> None:
        super().__init__(str(status), status=status, authenticated=authenticated)


class ErrorMessage(Refusal):
    """The server answered with an error message (RFC 9810 §5.3.21)."""

    def __init__(
        self, status: StatusInfo, *, authenticated: bool, error_code: int | None = None, details: tuple[str, ...] = ()
    ) -> None:
        more = (*((f"error code {error_code}",) if error_code is not None else ()), *details)
        super().__init__("; ".join((str(status), *more)), status=status, authenticated=authenticated)
        self.error_code = error_code
        self.details = details
