"""A certificate chain in words, and whether it holds.

It is judged by the ``cryptography`` package's verifier, which knows nothing of certwright, for each name as a browser
would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

# What users write in spec.privateKey, for what OpenSSL says.
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


class BrokenChainError(RuntimeError):
    """The Secret does not hold what a server could use; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The contents of a TLS Secret."""

    leaf: x509.Certificate
    intermediates: Sequence[x509.Certificate]
    key_fingerprint: str

    @property
    def serial(self) -> str:
        """In hexadecimal, as ``status.serialNumber`` has it."""
        return f"{self.leaf.serial_number:x}"


def read(certificates: bytes, key: bytes) -> Pair:
    """Both PEM; ``BrokenChainError`` if the key is not that of the first certificate."""
    leaf, *intermediates = x509.load_pem_x509_certificates(certificates)
    of_key = _fingerprint(load_pem_private_key(key, None).public_key())
    if of_key != _fingerprint(leaf.public_key()):
        raise BrokenChainError("tls.key does not belong to tls.crt")
    return Pair(leaf, intermediates, of_key)


def verify(pair: Pair, root: x509.Certificate, *, names: Sequence[str], now: datetime) -> None:
    """Raise ``BrokenChainError`` unless the chain leads from each name to the root."""
    for name in names:
        verifier = PolicyBuilder().store(Store([root])).time(now).build_server_verifier(x509.DNSName(name))
        try:
            verifier.verify(pair.leaf, list(pair.intermediates))
        except VerificationError as error:
            raise BrokenChainError(f"the chain does not verify for {name}: {error}") from error


def in_words(pair: Pair, root: x509.Certificate) -> list[tuple[str, str]]:
    """Headed lines, from the certificate up to the root."""
    leaf = pair.leaf
    return [
        ("certificate", f"serial number {pair.serial}"),
        ("  names", ", ".join(_names(leaf))),
        ("  subject", _subject(leaf.subject)),
        ("  issued by", _subject(leaf.issuer)),
        ("  valid", _validity(leaf)),
        ("  key", f"{_key(leaf.public_key())}; tls.key belongs to it"),
        ("  SHA-256", leaf.fingerprint(hashes.SHA256()).hex()),
        *(
            ("intermediate", f"{_subject(one.subject)}, issued by {_subject(one.issuer)}; {_until(one)}")
            for one in pair.intermediates
        ),
        ("root", f"{_subject(root.subject)}; {_until(root)}; a server does not send it, so it is not here"),
    ]


def in_short(pair: Pair, root: x509.Certificate) -> str:
    """One line, for a chain that was verified."""
    names = " and ".join(_names(pair.leaf))
    return f"{_key(pair.leaf.public_key())}; verified up to {_subject(root.subject)}, for {names}"


def _names(leaf: x509.Certificate) -> list[str]:
    extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return extension.get_values_for_type(x509.DNSName)


def _subject(name: x509.Name) -> str:
    return name.rfc4514_string() or "empty, as the names say it all"


def _validity(certificate: x509.Certificate) -> str:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    days = round((end - start).total_seconds() / 86400)
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, {days} days"


def _until(certificate: x509.Certificate) -> str:
    return f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}"


def _key(key: PublicKeyTypes) -> str:
    match key:
        case ec.EllipticCurvePublicKey():
            return f"ECDSA {_CURVES.get(key.curve.name, key.curve.name)}"
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case _:
            return type(key).__name__.removesuffix("PublicKey")


def _fingerprint(key: PublicKeyTypes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()
