"""Reads a Java KeyStore as the JDK describes it, to judge what is written."""

import hashlib
from dataclasses import dataclass, field

from asn1crypto import core, keys
from cryptography import x509


@dataclass
class JKS:
    """The entries of a store by their aliases, in their order; keys are PKCS#8 DER."""

    keys: dict[str, tuple[bytes, list[x509.Certificate]]] = field(default_factory=dict)
    trusted: dict[str, x509.Certificate] = field(default_factory=dict)
    dates: set[int] = field(default_factory=set)
    salts: list[bytes] = field(default_factory=list)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count
        return taken

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size))

    def text(self) -> str:
        return self.take(self.number(2)).decode()

    def certificate(self) -> x509.Certificate:
        assert self.text() == "X.509"
        return x509.load_der_x509_certificate(self.take(self.number()))


def read_jks(data: bytes, password: str) -> JKS:
    """``ValueError`` where the password is another one."""
    secret = password.encode("utf-16-be")
    contents, digest = data[:-20], data[-20:]
    if _sha1(secret + b"Mighty Aphrodite" + contents) != digest:
        raise ValueError("keystore was tampered with, or password was incorrect")
    reader, found = _Reader(contents), JKS()
    assert (reader.number(), reader.number()) == (0xFEEDFEED, 2)
    for _ in range(reader.number()):
        kind, alias = reader.number(), reader.text()
        found.dates.add(reader.number(8))
        if kind == 1:
            salt, key = _unprotected(reader.take(reader.number()), secret)
            found.salts.append(salt)
            found.keys[alias] = key, [reader.certificate() for _ in range(reader.number())]
        else:
            found.trusted[alias] = reader.certificate()
    assert reader.data == b""
    return found


def _unprotected(info: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """The salt and the key."""
    parsed = keys.EncryptedPrivateKeyInfo.load(info, strict=True)
    assert parsed["encryption_algorithm"]["algorithm"].dotted == "1.3.6.1.4.1.42.2.17.1.1"
    value = core.OctetString.load(parsed["encrypted_data"].dump()).native
    link, hidden, check = value[:20], value[20:-20], value[-20:]
    plain = b""
    while len(plain) < len(hidden):
        link = _sha1(secret + link)
        plain += bytes(left ^ right for left, right in zip(hidden[len(plain) :], link, strict=False))
    assert _sha1(secret + plain) == check
    return value[:20], plain


def _sha1(value: bytes) -> bytes:
    return hashlib.sha1(value).digest()  # noqa: S324 - the format has no other
