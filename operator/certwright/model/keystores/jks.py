"""The Java KeyStore (JKS), version 2, as the JDK has read it since 1.2 and reads it today.

There is no standard; the JDK's ``sun.security.provider.JavaKeyStore`` and ``KeyProtector`` are the definition. SHA-1
is all that protects it: whoever can choose should use PKCS#12.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.model.keystores import der
from certwright.model.keystores.salts import Salts

MAGIC, VERSION = 0xFEEDFEED, 2
KEY_ENTRY, TRUSTED_ENTRY = 1, 2
KEY_PROTECTOR = "1.3.6.1.4.1.42.2.17.1.1"
WHITENER = b"Mighty Aphrodite"
"""What the JDK puts between the password and the contents of a store before it makes the digest over them."""


class Writer:
    """Puts the entries of one store together; all bear one date, that of the certificate."""

    def __init__(self, password: str, *, date: datetime, salts: Salts) -> None:
        self._password = password.encode("utf-16-be")
        self._date = int(date.timestamp() * 1000).to_bytes(8)
        self._salts = salts
        self._entries: list[bytes] = []

    def add_key(self, alias: str, key: bytes, chain: Iterable[x509.Certificate]) -> None:
        """A private key (PKCS#8 DER) with its chain, leaf first."""
        info = der.sequence(der.algorithm(KEY_PROTECTOR), der.octets(self._protected(key)))
        certificates = [_certificate(one) for one in chain]
        size = len(certificates).to_bytes(4)
        self._add(KEY_ENTRY, alias, _counted(info), size, *certificates)

    def add_trusted(self, certificates: Mapping[str, x509.Certificate]) -> None:
        """Certificates that are trusted, under their names."""
        for alias, certificate in certificates.items():
            self._add(TRUSTED_ENTRY, alias, _certificate(certificate))

    def _add(self, kind: int, alias: str, *parts: bytes) -> None:
        self._entries.append(b"".join([kind.to_bytes(4), _text(alias), self._date, *parts]))

    def store(self) -> bytes:
        """All of it, and the digest that shows that nobody without the password changed it."""
        head = MAGIC.to_bytes(4) + VERSION.to_bytes(4) + len(self._entries).to_bytes(4)
        contents = head + b"".join(self._entries)
        return contents + _sha1(self._password, WHITENER, contents)

    def _protected(self, key: bytes) -> bytes:
        """Sun's own cipher: the key is XORed with a chain of digests that begins with a salt."""
        salt = self._salts.draw(20)
        stream, link = b"", salt
        while len(stream) < len(key):
            link = _sha1(self._password, link)
            stream += link
        hidden = bytes(left ^ right for left, right in zip(key, stream[: len(key)], strict=True))
        return salt + hidden + _sha1(self._password, key)


def _certificate(certificate: x509.Certificate) -> bytes:
    return _text("X.509") + _counted(certificate.public_bytes(Encoding.DER))


def _counted(value: bytes) -> bytes:
    return len(value).to_bytes(4) + value


def _text(text: str) -> bytes:
    """Java's modified UTF-8 (``DataOutput.writeUTF``): each UTF-16 unit on its own, and no zero byte."""
    wide = text.encode("utf-16-be")
    units = (chr(int.from_bytes(wide[start : start + 2])) for start in range(0, len(wide), 2))
    encoded = "".join(units).encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")
    return len(encoded).to_bytes(2) + encoded


def _sha1(*parts: bytes) -> bytes:
    """The format has no other digest."""
    return hashlib.sha1(b"".join(parts)).digest()  # noqa: S324 - see above
