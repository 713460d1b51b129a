"""How a client speaks to one server: what RFC 9810 leaves open, and what particular servers need."""

from dataclasses import dataclass, field

from cryptography import x509

from certwright.protocols.cmp.protection import SignatureProtection


@dataclass(frozen=True, slots=True, kw_only=True)
class Interop:
    """Leniences, each off until somebody needs it.

    ``ignore_key_usage``: signers of answers need no digitalSignature; many CAs sign with a CA certificate without it.
    ``allow_unprotected_errors``: refusals without protection, or without transactionID or recipNonce, are shown, marked
    as unauthenticated. ``sender_kid``: sent instead of the reference or key identifier; empty sends none.
    """

    ignore_key_usage: bool = False
    allow_unprotected_errors: bool = False
    sender_kid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of one server.

    ``sender`` and ``recipient`` replace what RFC 9483 §3.1 gives. ``registration_authority`` adds an RA's signature
    around each message (RFC 9483 §5.2.2.1). With ``use_operation_paths`` the name of the operation is added to the URL
    (RFC 9483 §6.1).
    """

    sender: x509.Name | None = None
    recipient: x509.Name | None = None
    implicit_confirm: bool = True
    interop: Interop = field(default_factory=Interop)
    registration_authority: SignatureProtection | None = None
    use_operation_paths: bool = False
