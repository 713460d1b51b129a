"""CertRep, the one answer to all messages: verified first, then opened, then read (RFC 8894 §3.3.2).

Nothing in an answer means anything before it is known that the CA signed it, and signed it for this request. Signers
are only those that GetCACert named: any certificate of the CA can sign a message and come along in it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from certwright.protocols.cms import (
    CMSRefused,
    LegacyAlgorithm,
    MalformedCMS,
    Password,
    PrivateKeyHolder,
    SignedMessage,
    Signer,
    open_enveloped,
)
from certwright.protocols.scep.attributes import octets, text
from certwright.protocols.scep.certificates import readable, spki
from certwright.protocols.scep.errors import Failure, MalformedAnswer, Unauthenticated, Undecryptable
from certwright.protocols.scep.message import Transaction
from certwright.protocols.scep.tolerance import Tolerance
from certwright.protocols.scep.vocabulary import (
    ID_FAIL_INFO,
    ID_FAIL_INFO_TEXT,
    ID_MESSAGE_TYPE,
    ID_PKI_STATUS,
    ID_RECIPIENT_NONCE,
    ID_TRANSACTION_ID,
    FailInfo,
    MessageType,
    PKIStatus,
)
from certwright.protocols.transport import shown


@dataclass(frozen=True, slots=True)
class CertRep:
    """What the CA decided, if not FAILURE. ``message_data`` is None where there was no envelope, or an empty one."""

    status: PKIStatus
    message_data: bytes | None = field(default=None, repr=False)


def read_cert_rep(
    body: bytes, *, transaction: Transaction, nonce: bytes, accept: Collection[LegacyAlgorithm] = frozenset()
) -> CertRep:
    """Read an answer to the request with this nonce; raises ``Failure`` for a refusal, another ``SCEPError`` else."""
    tolerance = Tolerance(accept)
    message = parse_signed(body)
    signer = verified_signer(message, transaction.authority.signers, tolerance)
    _match(signer, transaction_id=transaction.id, nonce=nonce)
    status = _status(signer)
    message_data = None
    # FAILURE and PENDING have no envelope; NDES puts one octet there, and others have SUCCESS without any.
    if status is PKIStatus.SUCCESS and message.content is not None and len(message.content) > 1:
        message_data = _opened(message.content, transaction, tolerance)
    tolerance.settle()
    if status is PKIStatus.FAILURE:
        raise _failure(signer)
    return CertRep(status, message_data or None)


def parse_signed(body: bytes) -> SignedMessage:
    """A SignedData, or ``MalformedAnswer``."""
    try:
        return SignedMessage.parse(body)
    except MalformedCMS as error:
        raise MalformedAnswer(f"The answer is no signed message. {error}") from error


def verified_signer(message: SignedMessage, known: Sequence[x509.Certificate], tolerance: Tolerance) -> Signer:
    """The SignerInfo of one of the known certificates, verified together with the digest of the content.

    Another certificate of a known key is as good: so a renewed CA certificate looks. And several certificates may be
    meant: an old and a new CA can share name and serial number.
    """
    failure = Unauthenticated("The answer is not signed by the CA or its RA.")
    try:
        for signer, certificate in _candidates(message, known):
            try:
                _verify(signer, certificate, message.content or b"", tolerance)
            except CMSRefused as error:
                failure = Unauthenticated(f"The answer's signature does not hold. {error}")
            else:
                return signer
    except MalformedCMS as error:
        raise MalformedAnswer(f"The answer's signature cannot be read. {error}") from error
    raise failure


def _candidates(message: SignedMessage, known: Sequence[x509.Certificate]) -> Iterator[tuple[Signer, x509.Certificate]]:
    certificates = (*known, *_of_known_keys(message.certificates, known))
    for signer in message.signers:
        yield from ((signer, certificate) for certificate in certificates if signer.identifies(certificate))


def _verify(signer: Signer, certificate: x509.Certificate, content: bytes, tolerance: Tolerance) -> None:
    """PENDING and FAILURE sign nothing but their attributes, and so the digest of no octets."""
    tolerance.read(
        lambda accept: signer.verify(certificate, content=content, accept=accept, require_content_type=False)
    )


def _of_known_keys(
    certificates: Iterable[x509.Certificate], known: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    keys = {spki(certificate) for certificate in known}
    return tuple(certificate for certificate in readable(certificates) if spki(certificate) in keys)


def _match(signer: Signer, *, transaction_id: str, nonce: bytes) -> None:
    if text(signer, ID_MESSAGE_TYPE) != MessageType.CERT_REP:
        raise MalformedAnswer("The answer is a SCEP message, and no CertRep.")
    if text(signer, ID_TRANSACTION_ID) != transaction_id:
        raise Unauthenticated("The answer belongs to another transaction.")
    if not compare_digest(octets(signer, ID_RECIPIENT_NONCE) or b"", nonce):
        raise Unauthenticated("The answer does not repeat the nonce of the request.")


def _status(signer: Signer) -> PKIStatus:
    value = text(signer, ID_PKI_STATUS)
    if value not in set(PKIStatus):
        raise MalformedAnswer(f"The answer has no pkiStatus that is known: {shown(value or 'none', 20)}.")
    return PKIStatus(value)


def _failure(signer: Signer) -> Failure:
    value = text(signer, ID_FAIL_INFO)
    fail_info = FailInfo(value) if value in set(FailInfo) else None
    return Failure(fail_info, shown(text(signer, ID_FAIL_INFO_TEXT) or ""))


def _opened(envelope: bytes, transaction: Transaction, tolerance: Tolerance) -> bytes:
    keys = _keys(transaction)
    try:
        return tolerance.read(lambda accept: open_enveloped(envelope, *keys, accept=accept)).content
    except MalformedCMS as error:
        raise MalformedAnswer(f"The answer holds no envelope that can be read. {error}") from error
    except CMSRefused as error:
        raise Undecryptable(f"The answer cannot be decrypted. {error}") from error


def _keys(transaction: Transaction) -> tuple[PrivateKeyHolder | Password, ...]:
    signer, password = transaction.signer, transaction.password
    by_password = () if password is None else (password,)
    if isinstance(signer.key, RSAPrivateKey):
        return PrivateKeyHolder(signer.key, signer.certificate), *by_password
    return by_password
