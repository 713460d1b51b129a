"""Questions about certificates that the authority's rules and the reading of answers share.

Certificates from a server may hold anything; one that cannot be read to its end is left out (``readable``), so that the
rest of the package need not expect a surprise behind every property.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

Extension = TypeVar("Extension", bound=x509.ExtensionType)

MAX_CHAIN = 10
# What certificates of servers, people and machines are for. An RA's has no such list, or something beside it.
ORDINARY_USAGES = frozenset(
    {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
        ExtendedKeyUsageOID.SMARTCARD_LOGON,
        ExtendedKeyUsageOID.KERBEROS_PKINIT_KDC,
        ExtendedKeyUsageOID.IPSEC_IKE,
    }
)


def readable(certificates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Those whose names, key and extensions can be read, each once, in the order given."""
    return tuple(dict.fromkeys(certificate for certificate in certificates if _is_readable(certificate)))


def _is_readable(certificate: x509.Certificate) -> bool:
    try:
        _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.not_valid_after_utc
        return bool(spki(certificate))
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False


def spki(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """The public key in DER, by which keys are compared."""
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def is_rsa(certificate: x509.Certificate) -> bool:
    """Whether a content key can be encrypted to it."""
    return isinstance(certificate.public_key(), RSAPublicKey)


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it says that it is a CA; a self-signed one without basicConstraints is an old root."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return certificate.subject == certificate.issuer if constraints is None else constraints.ca


def may_encrypt_keys(certificate: x509.Certificate) -> bool:
    """keyEncipherment, or no keyUsage at all."""
    usage = _extension(certificate, x509.KeyUsage)
    return usage is None or usage.key_encipherment


def may_sign(certificate: x509.Certificate) -> bool:
    """digitalSignature, or no keyUsage at all."""
    usage = _extension(certificate, x509.KeyUsage)
    return usage is None or usage.digital_signature


def is_ordinary(certificate: x509.Certificate) -> bool:
    """Whether its extended key usages are nothing but those of end entities."""
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    return usages is not None and ORDINARY_USAGES.issuperset(usages)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name and key fit; nothing about validity or usages."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def chain_above(certificate: x509.Certificate, pool: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The issuers of a certificate found in ``pool``, its own issuer first, a root last if it is there."""
    chain: list[x509.Certificate] = []
    lowest = certificate
    while len(chain) < MAX_CHAIN and lowest.subject != lowest.issuer:
        above = (issuer for issuer in pool if issuer not in chain and is_issued_by(lowest, issuer))
        lowest = next(above, lowest)
        if lowest in (certificate, *chain):
            break
        chain.append(lowest)
    return tuple(chain)


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
