"""A message inside of another: how a registration authority vouches for a request (RFC 9483 §5.2.2.1)."""

from datetime import datetime
from typing import Any

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.der import load
from certwright.protocols.cmp.header import build_header
from certwright.protocols.cmp.message import protect_message
from certwright.protocols.cmp.protection import SignatureProtection
from certwright.protocols.cmp.settings import Interop, Settings
from certwright.protocols.cmp.transaction import Transaction


def add_protection(
    message: bytes, transaction: Transaction, *, protection: SignatureProtection, settings: Settings, now: datetime
) -> bytes:
    """The message in the authority's envelope. Its transactionID and senderNonce are those of the message inside."""
    own = Settings(recipient=settings.recipient, interop=Interop())
    header: Any = build_header(transaction, protection=protection, settings=own, now=now)
    body = asn1.PKIBody("nested", [load(asn1.Anything, message)])  # not decoded, so that its bytes stay as they are
    return protect_message(header, body, protection=protection)
