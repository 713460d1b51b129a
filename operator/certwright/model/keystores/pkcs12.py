"""PKCS#12 (RFC 7292): a store with the key and its certificates, and one with the certificates that Java is to trust.

``cryptography`` writes PKCS#12 too, but with random salts, without PBMAC1 and not for every kind of key that a
certificate here may have: docs/decisions/0017.
"""

import hashlib
from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.model.keystores import der
from certwright.model.keystores.profiles import Profile
from certwright.model.keystores.salts import Salts

DATA = "1.2.840.113549.1.7.1"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"
CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3"
X509_CERTIFICATE = "1.2.840.113549.1.9.22.1"
FRIENDLY_NAME = "1.2.840.113549.1.9.20"
LOCAL_KEY_ID = "1.2.840.113549.1.9.21"
TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1"
"""Oracle's attribute: without it Java takes a certificate without a key for no entry at all."""
ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"


def key_store(key: bytes, chain: Iterable[x509.Certificate], profile: Profile, *, password: str, salts: Salts) -> bytes:
    """The key (PKCS#8 DER) and its chain, leaf first. It has no name, as those of cert-manager: Java calls it ``1``."""
    leaf, *others = (certificate.public_bytes(Encoding.DER) for certificate in chain)
    # SHA-1 is what everybody identifies the key by; it protects nothing.
    key_id = _attribute(LOCAL_KEY_ID, der.octets(hashlib.sha1(leaf, usedforsecurity=False).digest()))
    shrouded = profile.encrypt(key, password, salts)
    key_bag = _bag(SHROUDED_KEY_BAG, der.sequence(shrouded.algorithm, der.octets(shrouded.ciphertext)), key_id)
    bags = [_certificate_bag(leaf, key_id), *(_certificate_bag(other) for other in others)]
    contents = [_encrypted(bags, profile, password, salts), _data(der.sequence(key_bag))]
    return _pfx(contents, profile, password, salts)


def trust_store(
    certificates: Mapping[str, x509.Certificate], profile: Profile, *, password: str, salts: Salts
) -> bytes:
    """Certificates under the names that Java knows them by."""
    trusted = _attribute(TRUSTED_KEY_USAGE, der.oid(ANY_EXTENDED_KEY_USAGE))
    bags = [
        _certificate_bag(one.public_bytes(Encoding.DER), _attribute(FRIENDLY_NAME, der.bmp(name)), trusted)
        for name, one in certificates.items()
    ]
    return _pfx([_encrypted(bags, profile, password, salts)], profile, password, salts)


def _pfx(contents: list[bytes], profile: Profile, password: str, salts: Salts) -> bytes:
    authenticated_safe = der.sequence(*contents)
    mac = profile.mac(authenticated_safe, password, salts)
    return der.sequence(der.integer(3), _data(authenticated_safe), mac)


def _data(contents: bytes) -> bytes:
    return der.sequence(der.oid(DATA), der.explicit(0, der.octets(contents)))


def _encrypted(bags: Iterable[bytes], profile: Profile, password: str, salts: Salts) -> bytes:
    made = profile.encrypt(der.sequence(*bags), password, salts)
    info = der.sequence(der.oid(DATA), made.algorithm, der.implicit_octets(0, made.ciphertext))
    return der.sequence(der.oid(ENCRYPTED_DATA), der.explicit(0, der.sequence(der.integer(0), info)))


def _certificate_bag(certificate: bytes, *attributes: bytes) -> bytes:
    value = der.sequence(der.oid(X509_CERTIFICATE), der.explicit(0, der.octets(certificate)))
    return _bag(CERTIFICATE_BAG, value, *attributes)


def _bag(kind: str, value: bytes, *attributes: bytes) -> bytes:
    described = der.set_of(*attributes) if attributes else b""
    return der.sequence(der.oid(kind), der.explicit(0, value), described)


def _attribute(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of(value))
