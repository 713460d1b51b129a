"""CMS (RFC 5652) as EST, SCEP and CMP need it, one module per noun of the RFC: open the RFC, open the file.

``certificates`` reads what a CA publishes; ``sign`` and ``SignedMessage`` write and read SignedData; ``envelop`` and
``open_enveloped`` write and read EnvelopedData; ``key_package`` reads the keys that a CA made. Everything that comes
in is bounded (``der``), and ends in a value or in one of ``errors``. Nothing in here decides whom to trust.
"""

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import ContentCipher, DigestAlgorithm, check_digest, digest_algorithm
from certwright.protocols.cms.certificates import certificates
from certwright.protocols.cms.enveloping import envelop
from certwright.protocols.cms.errors import (
    BadSignature,
    CannotOpen,
    CMSError,
    CMSRefused,
    LegacyAlgorithm,
    LegacyAlgorithmRefused,
    MalformedCMS,
    UnknownSigner,
    UnsupportedAlgorithm,
)
from certwright.protocols.cms.identity import IssuerAndSerial, KeyIdentifier
from certwright.protocols.cms.key_packages import KeyPackage, key_package
from certwright.protocols.cms.keys import DecryptionKey, OpeningKey, Password, PrivateKeyHolder, SharedKey
from certwright.protocols.cms.opening import Opened, open_enveloped
from certwright.protocols.cms.passwords import HMAC_OIDS, KeyDerivation
from certwright.protocols.cms.signatures import Signature, SigningKey, sign_message, verify_signature
from certwright.protocols.cms.signed import SignedMessage, Signer
from certwright.protocols.cms.signing import sign
from certwright.protocols.cms.structures import (
    ID_ASYMMETRIC_KEY_PACKAGE,
    ID_AUTH_ENVELOPED_DATA,
    ID_CONTENT_TYPE,
    ID_DATA,
    ID_ENVELOPED_DATA,
    ID_MESSAGE_DIGEST,
    ID_SIGNED_DATA,
    ID_SIGNING_TIME,
    Algorithm,
    reading,
)

__all__ = [
    "HMAC_OIDS",
    "ID_ASYMMETRIC_KEY_PACKAGE",
    "ID_AUTH_ENVELOPED_DATA",
    "ID_CONTENT_TYPE",
    "ID_DATA",
    "ID_ENVELOPED_DATA",
    "ID_MESSAGE_DIGEST",
    "ID_SIGNED_DATA",
    "ID_SIGNING_TIME",
    "Algorithm",
    "BadSignature",
    "CMSError",
    "CMSRefused",
    "CannotOpen",
    "ContentCipher",
    "DecryptionKey",
    "DigestAlgorithm",
    "IssuerAndSerial",
    "KeyDerivation",
    "KeyIdentifier",
    "KeyPackage",
    "LegacyAlgorithm",
    "LegacyAlgorithmRefused",
    "MalformedCMS",
    "Opened",
    "OpeningKey",
    "Password",
    "PrivateKeyHolder",
    "SharedKey",
    "Signature",
    "SignedMessage",
    "Signer",
    "SigningKey",
    "UnknownSigner",
    "UnsupportedAlgorithm",
    "certificates",
    "check_digest",
    "der",
    "digest_algorithm",
    "envelop",
    "key_package",
    "open_enveloped",
    "reading",
    "sign",
    "sign_message",
    "verify_signature",
]
