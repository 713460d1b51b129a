"""A key made by the server, and the certificate for it (RFC 7030 §4.4.2).

The key comes as it is, or packed for a key that the request named; which part is which, servers tell in several ways.
"""

from dataclasses import dataclass, field

from cryptography import x509

from certwright.protocols import cms
from certwright.protocols.est import payload
from certwright.protocols.est.certs_only import Certificates, Enrolled, parse_certificates
from certwright.protocols.est.decryption import Decryption
from certwright.protocols.est.errors import MalformedAnswer
from certwright.protocols.est.multipart import Part, parse_multipart
from certwright.protocols.est.private_key import PrivateKey, parse_private_key, sole_key

KEY_TYPES = frozenset({"application/pkcs8", "application/x-pkcs8"})
KEY_SMIME_TYPE = "server-generated-key"
CERTIFICATES_SMIME_TYPE = "certs-only"


@dataclass(frozen=True, slots=True)
class ServerGenerated:
    """A private key and the certificates that came with it."""

    private_key: PrivateKey = field(repr=False)
    certificates: Certificates

    def split(self) -> tuple[x509.Certificate, Certificates]:
        """The certificate of the key, and what came with it; raises MalformedAnswer if none is for the key."""
        return Enrolled(self.certificates).split(self.private_key.public_key())


def parse_generated(content_type: str, body: bytes, *, decryption: Decryption | None = None) -> ServerGenerated:
    """The parts of an answer to /serverkeygen, in any order; raises MalformedAnswer.

    With ``decryption`` a key that is not encrypted is refused: the request asked that nobody else may read it.
    """
    parts = parse_multipart(content_type, body)
    keys = [part for part in parts if _is_key(part)]
    others = [part for part in parts if part not in keys]
    if len(keys) != 1 or len(others) != 1:
        raise MalformedAnswer("The answer does not consist of one private key and one set of certificates.")
    certificates = parse_certificates(others[0].body)
    raw = payload.decode(keys[0].body)
    key = parse_private_key(raw) if decryption is None else _decrypted(raw, decryption, certificates)
    generated = ServerGenerated(key, certificates)
    generated.split()
    return generated


def _is_key(part: Part) -> bool:
    """By what the part says it is, else by what it holds: only a key is the content of a message."""
    smime_type = part.media_type.parameters.get("smime-type", "").lower()
    if part.media_type.name in KEY_TYPES or smime_type == KEY_SMIME_TYPE:
        return True
    if smime_type == CERTIFICATES_SMIME_TYPE:
        return False
    try:
        return cms.SignedMessage.parse(payload.decode(part.body)).content is not None
    except (cms.CMSError, MalformedAnswer):
        return not _is_certificates(part.body)


def _is_certificates(body: bytes) -> bool:
    try:
        return bool(parse_certificates(body))
    except MalformedAnswer:
        return False


def _decrypted(raw: bytes, decryption: Decryption, certificates: Certificates) -> PrivateKey:
    try:
        opened = cms.open_enveloped(raw, decryption.key_holder())
        package = cms.key_package(opened.content)
        if package.signed is not None:
            # Whom the signer is trusted by, TLS has answered; a signature that does not fit is damage or worse.
            package.signed.verify(certificates=certificates)
    except cms.UnknownSigner:
        pass
    except cms.CMSError as error:
        raise MalformedAnswer(f"The encrypted private key cannot be read: {error}") from error
    return sole_key(package)
