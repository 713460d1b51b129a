"""A request as it goes out: SignedData around EnvelopedData around the message's own data (RFC 8894 §3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from certwright.protocols.cms import Password, der, envelop, sign
from certwright.protocols.scep.attributes import printable
from certwright.protocols.scep.authority import Authority
from certwright.protocols.scep.capabilities import Algorithms, Capabilities
from certwright.protocols.scep.certificates import is_rsa
from certwright.protocols.scep.errors import ChallengeNeeded
from certwright.protocols.scep.requester import Signer
from certwright.protocols.scep.vocabulary import (
    ID_MESSAGE_TYPE,
    ID_SENDER_NONCE,
    ID_TRANSACTION_ID,
    MessageType,
)

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Who asks whom under which id; the same for a request, its repetition and its polls.

    ``challenge`` encrypts where a key of either side cannot (RFC 8894 §3.1). What the CA checks is the
    challengePassword in the CSR, which stands there already.
    """

    id: str
    signer: Signer
    authority: Authority
    capabilities: Capabilities = field(default_factory=Capabilities)
    challenge: str | None = field(default=None, repr=False)

    @property
    def password(self) -> Password | None:
        """The challenge as a key."""
        return Password(self.challenge.encode()) if self.challenge else None


def pki_message(
    message_type: MessageType, message_data: bytes, *, transaction: Transaction, algorithms: Algorithms, nonce: bytes
) -> bytes:
    """The DER of a pkiMessage with exactly the attributes that RFC 8894 §3.2.1 wants."""
    signer = transaction.signer
    envelope = envelop(message_data, _recipients(transaction), cipher=algorithms.cipher)
    attributes = (
        (ID_MESSAGE_TYPE, printable(message_type)),
        (ID_TRANSACTION_ID, printable(transaction.id)),
        (ID_SENDER_NONCE, der.octet_string(nonce)),
    )
    return sign(
        envelope, key=signer.key, certificate=signer.certificate, attributes=attributes, digest=algorithms.digest
    )


def issuer_and_subject(issuer: x509.Name, subject: x509.Name) -> bytes:
    """The data of CertPoll (RFC 8894 §3.3.3)."""
    return der.sequence(issuer.public_bytes(), subject.public_bytes())


def issuer_and_serial(issuer: x509.Name, serial: int) -> bytes:
    """The data of GetCert and GetCRL (RFC 8894 §3.3.4)."""
    return der.sequence(issuer.public_bytes(), der.integer(serial))


def _recipients(transaction: Transaction) -> Sequence[x509.Certificate | Password]:
    recipient, password = transaction.authority.encryption, transaction.password
    can_answer = isinstance(transaction.signer.key, RSAPrivateKey)
    if password is None and not (can_answer and is_rsa(recipient)):
        raise ChallengeNeeded("The CA's key or the requester's is not RSA: the message needs a challenge.")
    return [recipient] if password is None or is_rsa(recipient) else [password]
