"""Private keys that come from the CA: made by it (RFC 9483 §4.1.6), or archived and recovered (RFC 9810 §5.3.8).

An envelope for the request's own protection holds a SignedData, and that an AsymmetricKeyPackage. The signer has to be
trusted like the signer of a message; where no anchors are configured, the MAC around the whole answer speaks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from certwright.protocols import cms
from certwright.protocols.cmp.encrypted_value import open_encrypted_value
from certwright.protocols.cmp.errors import CentralKeyFailed, UntrustedSigner
from certwright.protocols.cmp.protection import MACProtection, Protection, SignatureProtection
from certwright.protocols.cmp.trust import Trust

KEY_GENERATION_AUTHORITY = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.32")  # id-kp-cmKGA


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOpener:
    """What it takes to open a key of one answer. ``pool`` are certificates that came along."""

    protection: Protection
    trust: Trust
    pool: Sequence[x509.Certificate]
    now: datetime
    is_mac_protected: bool

    def open(self, encrypted: Any, certificate: x509.Certificate) -> PrivateKeyTypes:
        """The private key in an EncryptedKey, which fits the certificate; raises CentralKeyFailed."""
        try:
            key = self._open(encrypted)
        except cms.CMSError as error:
            raise CentralKeyFailed(f"the private key that the CA sent cannot be used: {error}") from error
        if key.public_key() != certificate.public_key():
            raise CentralKeyFailed("the private key that the CA sent does not fit the certificate")
        return key

    def _open(self, encrypted: Any) -> PrivateKeyTypes:
        if encrypted.name == "encryptedValue":
            return open_encrypted_value(encrypted.chosen, self.protection)
        opened = cms.open_enveloped(bytes(encrypted.chosen.untag().dump()), self._key())
        package = cms.key_package(opened.content)
        if package.signed is None:
            raise CentralKeyFailed("the private key that the CA sent is not signed by who made it")
        self._require_signers(package.signed)
        if not package.keys:
            raise CentralKeyFailed("the CA sent an empty key package")
        return package.keys[0]

    def _require_signers(self, signed: cms.SignedMessage) -> None:
        pool = (*signed.certificates, *self.pool)
        for _, signer in signed.verify(certificates=(*self.pool, *self.trust.anchors)):
            if self.is_mac_protected and not self.trust.anchors:
                continue
            try:
                self.trust.require_path(signer, pool, now=self.now)
            except UntrustedSigner as error:
                raise CentralKeyFailed(f"the private key that the CA sent is not trusted: {error}") from error
            if not _may_make_keys(signer):
                raise CentralKeyFailed("the private key that the CA sent is signed by nobody who may make keys")

    def _key(self) -> cms.OpeningKey:
        match self.protection:
            case MACProtection() as mac:
                return cms.Password(mac.secret)
            case SignatureProtection(key=rsa.RSAPrivateKey() | ec.EllipticCurvePrivateKey() as key) as ours:
                return cms.PrivateKeyHolder(key, ours.certificate)
            case SignatureProtection():
                raise CentralKeyFailed("a key can only be sent to a holder of an RSA or EC key, or of a MAC secret")
            case _:
                assert_never(self.protection)


def _may_make_keys(signer: x509.Certificate) -> bool:
    """The CA itself, or whom it named for it (RFC 9810 §4.5)."""
    extensions = signer.extensions
    for extension in extensions:
        match extension.value:
            case x509.BasicConstraints(ca=True):
                return True
            case x509.ExtendedKeyUsage() as usage if KEY_GENERATION_AUTHORITY in usage:
                return True
    return False
