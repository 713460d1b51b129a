"""What can go wrong with a CMS message, as a tree that EST, SCEP and CMP raise through to their drivers.

    CMSError
    ├── MalformedCMS             bytes that cannot be read
    └── CMSRefused               read, and not accepted
        ├── BadSignature         the signature, the digest or the content type does not hold
        ├── UnknownSigner        no certificate at hand fits
        ├── CannotOpen           no key at hand opens the envelope
        ├── LegacyAlgorithmRefused   weak, and the issuer does not name it
        └── UnsupportedAlgorithm     nothing here knows it

No text quotes content, keys or anything else that the sender wrote, but for object identifiers.
"""

from enum import StrEnum


class LegacyAlgorithm(StrEnum):
    """Weak algorithms of old servers, accepted only where the caller names them; the values are those of the API."""

    DES3 = "DES3"
    DES = "DES"
    SHA1 = "SHA-1"
    MD5 = "MD5"


class CMSError(ValueError):
    """The parent of all; raise one of its children."""


class MalformedCMS(CMSError):
    """The bytes are not what they should be: truncated, nested too deeply, too many, of the wrong type."""


class CMSRefused(CMSError):
    """The message was read and is not accepted."""


class BadSignature(CMSRefused):
    """Signature, messageDigest or contentType do not hold, or the key is of another kind than the signature."""


class UnknownSigner(CMSRefused):
    """There is no SignerInfo, or no certificate in the message or given by the caller is the signer's."""


class CannotOpen(CMSRefused):
    """No key opens the envelope.

    One text for every step, so that a server cannot learn from an answer of ours whether the padding of the RSA
    block, of the content or something else was wrong (Bleichenbacher's and Vaudenay's oracles).
    """

    def __init__(self) -> None:
        super().__init__("The enveloped data cannot be opened with the key at hand.")


class LegacyAlgorithmRefused(CMSRefused):
    """``algorithm`` is what the caller would have to accept by name."""

    def __init__(self, algorithm: LegacyAlgorithm) -> None:
        super().__init__(f"The message uses {algorithm}, which is weak and is not among the accepted algorithms.")
        self.algorithm = algorithm


class UnsupportedAlgorithm(CMSRefused):
    """``oid`` is the dotted identifier of the algorithm that is not known here."""

    def __init__(self, purpose: str, oid: str) -> None:
        super().__init__(f"The {purpose} algorithm {oid} is not supported.")
        self.oid = oid
