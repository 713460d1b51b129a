"""Certificates: the chain that a server issued, and which of several to take (RFC 8555 §7.4.2).

Whether the leaf fits the request is the caller's check; here it is only made sure that the answer is a chain.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from certwright.protocols.acme.errors import MalformedAnswer
from certwright.protocols.acme.fields import is_https
from certwright.protocols.acme.links import Links
from certwright.protocols.transport import Answer

MEDIA_TYPE = "application/pem-certificate-chain"
MAX_CERTIFICATES = 20
MAX_ALTERNATES = 10

# Nothing but certificates and the white space between them: a server must not get anything else into a file that other
# programs read, a private key least of all (RFC 8555 §11.4).
_CHAIN = re.compile(
    rb"\s*(?:-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*)+",
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedChain:
    """A leaf and the certificates above it, usually without the root. ``alternates`` are URLs of other chains.

    ``is_preferred`` is false if a preferred chain was asked for and this is only the server's default.
    """

    leaf: x509.Certificate
    intermediates: tuple[x509.Certificate, ...] = ()
    alternates: tuple[str, ...] = ()
    is_preferred: bool = True

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Leaf first."""
        return self.leaf, *self.intermediates

    def ends_at(self, preferred: str) -> bool:
        """Whether the top-most certificate was issued by this CN, or a CA of the chain has this SHA-256 fingerprint."""
        fingerprint = preferred.lower().removeprefix("sha256:").replace(":", "")
        if _SHA256.fullmatch(fingerprint):
            return any(ca.fingerprint(hashes.SHA256()).hex() == fingerprint for ca in self.intermediates)
        names = self.certificates[-1].issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return any(name.value == preferred for name in names)

    def not_preferred(self) -> Self:
        """The same chain, taken for want of a better one."""
        return replace(self, is_preferred=False)


def parse_chain(answer: Answer) -> IssuedChain:
    """Read a chain of PEM certificates, leaf first."""
    if not _CHAIN.fullmatch(answer.body):
        raise MalformedAnswer("The certificate's body holds something else than PEM certificates.")
    leaf, *intermediates = _load(answer.body)
    alternates = [url for url in Links.of(answer).all("alternate") if is_https(url)]
    return IssuedChain(
        leaf=leaf,
        intermediates=tuple(intermediates),
        alternates=tuple(alternates[:MAX_ALTERNATES]),
    )


def _load(pem: bytes) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(pem)
        _ = certificates[-1].issuer  # Parsed only when read: a broken name has to show here, not in the caller.
    except (ValueError, x509.InvalidVersion) as error:
        raise MalformedAnswer("The certificate's body holds a certificate that cannot be read.") from error
    if len(certificates) > MAX_CERTIFICATES:
        raise MalformedAnswer(f"The certificate's body holds more than {MAX_CERTIFICATES} certificates.")
    return certificates
