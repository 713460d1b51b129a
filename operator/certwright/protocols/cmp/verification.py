"""Whether an answer is one: every check of RFC 9483 §3.5, in its order, before anybody looks into the body.

Protection is verified over the bytes as they came. What is refused here is refused with a fact of ``errors``; a message
that comes out is the server's, of this transaction, and of a body type that may answer. messageTime is not looked at:
that an answer is new is known by its recipNonce, whatever the clocks say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from cryptography import x509

from certwright.protocols.cmp.algorithm import Algorithm
from certwright.protocols.cmp.certificates import is_same_name, subject_key_identifier
from certwright.protocols.cmp.der import reading
from certwright.protocols.cmp.errors import (
    BadSignature,
    UnexpectedBody,
    Unprotected,
    WrongNonce,
    WrongProtection,
    WrongSender,
    WrongTransaction,
    WrongVersion,
)
from certwright.protocols.cmp.mac import PBM, PBMAC1, verify_mac
from certwright.protocols.cmp.message import Message
from certwright.protocols.cmp.protection import MACProtection, Protection, SignatureProtection
from certwright.protocols.cmp.refusals import refusal
from certwright.protocols.cmp.settings import Interop
from certwright.protocols.cmp.signature import KNOWN, verify_signature
from certwright.protocols.cmp.transaction import CMP2000, CMP2021, Transaction
from certwright.protocols.cmp.trust import Trust, require_signing_key_usage

MACS = frozenset({PBM, PBMAC1})
MAX_SIGNERS = 8  # Certificates that are tried as the signer's: those with its name.


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an answer is held against. ``bodies`` are the types that may answer; an error always may."""

    transaction: Transaction
    bodies: frozenset[str]
    protection: Protection
    trust: Trust
    interop: Interop
    now: datetime


def verify(message: Message, expected: Expected) -> None:
    """Raise a CMPError unless the message answers ours; a refusal that nobody vouches for is raised here as well."""
    _require_version(message)
    if message.protection is None or message.header.algorithm is None:
        _raise_unprotected(message, expected)
    _require_protection(message, message.header.algorithm, message.protection, expected)
    _require_sender(message, expected)
    if _lacks_context(message):
        _raise_without_context(message, expected)
    _require_transaction(message, expected)
    if message.body not in expected.bodies and message.body != "error":
        raise UnexpectedBody(message.body, expected=" or ".join(sorted(expected.bodies)))


def is_mac_protected(message: Message) -> bool:
    """Whether its protection is a MAC; asked of verified messages only."""
    return message.header.algorithm is not None and message.header.algorithm.oid in MACS


def _require_version(message: Message) -> None:
    if message.header.pvno not in (CMP2000, CMP2021):
        raise WrongVersion(f"the server answered in version {message.header.pvno} of CMP; this client speaks 2 and 3")


def _raise_unprotected(message: Message, expected: Expected) -> None:
    """An unprotected refusal is shown to whoever asked for that; an unprotected success does not exist."""
    found = refusal(message, authenticated=False) if expected.interop.allow_unprotected_errors else None
    if found is None:
        raise Unprotected(f"the server answered with {message.body} that is not protected")
    _require_same_context(message, expected)
    raise found


def _raise_without_context(message: Message, expected: Expected) -> None:
    """A protected refusal that names no transaction or nonce could be an old one: shown, and believed no further."""
    found = refusal(message, authenticated=False) if expected.interop.allow_unprotected_errors else None
    if found is None:
        raise WrongNonce("the answer lacks its transactionID, senderNonce or recipNonce")
    _require_same_context(message, expected)
    raise found


def _require_same_context(message: Message, expected: Expected) -> None:
    """What is there of transactionID and recipNonce has to be ours."""
    header = message.header
    if header.transaction_id not in (None, expected.transaction.transaction_id):
        raise WrongTransaction("the answer belongs to another transaction")
    if header.recip_nonce is not None and header.recip_nonce not in _nonces(expected.transaction, message):
        raise WrongNonce("the answer's recipNonce is not the nonce that was sent")


def _lacks_context(message: Message) -> bool:
    header = message.header
    return not (header.transaction_id and header.sender_nonce and header.recip_nonce)


def _require_transaction(message: Message, expected: Expected) -> None:
    header, transaction = message.header, expected.transaction
    if header.transaction_id != transaction.transaction_id:
        raise WrongTransaction("the answer belongs to another transaction")
    if header.recip_nonce not in _nonces(transaction, message):
        raise WrongNonce("the answer's recipNonce is not the nonce that was sent")


def _nonces(transaction: Transaction, message: Message) -> tuple[bytes, ...]:
    """The last one; what was waited for may have been protected before we polled, with the nonce of the request."""
    is_late = transaction.is_waiting and message.body != "pollRep"
    return (transaction.sender_nonce, transaction.request_nonce) if is_late else (transaction.sender_nonce,)


def _require_protection(
    message: Message, algorithm: Algorithm | None, protection: bytes | None, expected: Expected
) -> None:
    if algorithm is None or protection is None:
        raise Unprotected("the answer is not protected")
    match expected.protection:
        case MACProtection() as ours if algorithm.oid in MACS:
            verify_mac(
                algorithm,
                secret=ours.secret,
                message=message.protected_part,
                value=protection,
                most_iterations=ours.iterations,
            )
        case MACProtection() | SignatureProtection() if algorithm.oid in KNOWN:
            _require_signature(message, algorithm, protection, expected)
        case SignatureProtection() if algorithm.oid in MACS:
            # Whoever knows some shared secret must not be able to answer for the CA.
            raise WrongProtection("the answer to a signed request is protected by a MAC")
        case MACProtection() | SignatureProtection():
            raise WrongProtection(f"the answer is protected with {algorithm.oid}, which this client does not know")
        case _:
            assert_never(expected.protection)


def _require_signature(message: Message, algorithm: Algorithm, signature: bytes, expected: Expected) -> None:
    signer = _signer(message, algorithm, signature, expected)
    expected.trust.require_path(signer, message.extra_certs, now=expected.now)
    if not expected.interop.ignore_key_usage:
        require_signing_key_usage(signer)


def _signer(message: Message, algorithm: Algorithm, signature: bytes, expected: Expected) -> x509.Certificate:
    """The certificate whose key signed. senderKID only sorts: some servers echo the client's."""
    for certificate in _candidates(message, expected):
        try:
            verify_signature(certificate.public_key(), algorithm, signature=signature, message=message.protected_part)
        except (BadSignature, WrongProtection):
            continue
        return certificate
    raise BadSignature("the answer's signature fits no certificate with its sender's name")


def _candidates(message: Message, expected: Expected) -> Iterator[x509.Certificate]:
    pool = dict.fromkeys((*message.extra_certs, *expected.trust.anchors))
    with reading("sender"):
        named = [certificate for certificate in pool if _is_sender(message.header.sender, certificate)]
        kid = message.header.sender_kid
        named.sort(key=lambda certificate: kid is None or subject_key_identifier(certificate) != kid)
    if pool and not named:
        raise WrongSender("the answer's sender is not the subject of any certificate that came with it")
    yield from named[:MAX_SIGNERS]


def _is_sender(sender: bytes | None, certificate: x509.Certificate) -> bool:
    return sender is not None and is_same_name(sender, certificate.subject.public_bytes())


def _require_sender(message: Message, expected: Expected) -> None:
    wanted = expected.trust.sender
    if wanted is None or is_mac_protected(message):
        return
    with reading("sender"):
        is_wanted = message.header.sender is not None and is_same_name(message.header.sender, wanted.public_bytes())
    if not is_wanted:
        raise WrongSender("the answer is signed by another sender than the one expected")
