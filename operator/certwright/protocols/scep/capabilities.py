"""GetCACaps: what a server says about itself, and the algorithms that follow from it (RFC 8894 §3.5).

Nobody signs this answer, and over http anybody can give it. So it can make a message stronger or choose between equals;
what is weaker than AES and SHA-256 is used only where the user named it.
"""

from dataclasses import dataclass
from typing import Self

from certwright.protocols.cms import ContentCipher, DigestAlgorithm, LegacyAlgorithm

MAX_KEYWORDS = 100
MAX_KEYWORD = 100
KEYWORDS = (
    *("AES", "DES3", "GetNextCACert", "POSTPKIOperation", "Renewal", "SCEPStandard"),
    *("SHA-1", "SHA-256", "SHA-512"),
)
# Not in the RFC, whose "AES" means 128 bits; a private keyword of servers that want 256.
AES256 = frozenset({"aes256", "aes-256", "aes256-cbc"})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The announced keywords in lower case. ``is_known`` is false where the server gave no list at all."""

    keywords: frozenset[str] = frozenset()
    is_known: bool = False

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the text: any line ends, any case, unknown words kept but meaningless (RFC 8894 §3.5.2)."""
        # Whole lines only: a proxy's page that mentions a keyword announces nothing.
        lines = body.decode("ascii", "replace").lower().splitlines()[:MAX_KEYWORDS]
        keywords = frozenset(line.strip() for line in lines if 0 < len(line.strip()) <= MAX_KEYWORD)
        return cls(keywords, is_known=any(name.lower() in keywords for name in KEYWORDS))

    @property
    def names(self) -> tuple[str, ...]:
        """The keywords that RFC 8894 defines, in its spelling."""
        return tuple(name for name in KEYWORDS if name.lower() in self.keywords)

    @property
    def standard(self) -> bool:
        """Everything that RFC 8894 makes mandatory."""
        return "scepstandard" in self.keywords

    @property
    def aes(self) -> bool:
        """AES-128-CBC."""
        return self.standard or "aes" in self.keywords

    @property
    def aes256(self) -> bool:
        """AES-256-CBC, by a private keyword."""
        return not AES256.isdisjoint(self.keywords)

    @property
    def des3(self) -> bool:
        """Triple DES."""
        return "des3" in self.keywords

    @property
    def post(self) -> bool:
        """PKIOperation by POST."""
        return self.standard or "postpkioperation" in self.keywords

    @property
    def renewal(self) -> bool:
        """RenewalReq."""
        return "renewal" in self.keywords

    @property
    def sha1(self) -> bool:
        """SHA-1."""
        return "sha-1" in self.keywords

    @property
    def sha256(self) -> bool:
        """SHA-256."""
        return self.standard or "sha-256" in self.keywords

    @property
    def sha512(self) -> bool:
        """SHA-512."""
        return "sha-512" in self.keywords

    @property
    def next_ca_cert(self) -> bool:
        """GetNextCACert."""
        return "getnextcacert" in self.keywords


SENDABLE = frozenset({LegacyAlgorithm.DES3, LegacyAlgorithm.SHA1})


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyAlgorithms:
    """What the user allows beyond AES and SHA-2: what ``send`` names is used, what ``accept`` names may be answered."""

    send: frozenset[LegacyAlgorithm] = frozenset()
    accept: frozenset[LegacyAlgorithm] = frozenset()

    def __post_init__(self) -> None:
        """Single DES and MD5 are never sent (RFC 8894 §2.9)."""
        if not self.send <= SENDABLE:
            raise ValueError("Only DES3 and SHA-1 can be sent.")


@dataclass(frozen=True, slots=True)
class Algorithms:
    """How a request is encrypted and signed."""

    cipher: ContentCipher = ContentCipher.AES128_CBC
    digest: DigestAlgorithm = DigestAlgorithm.SHA256

    @classmethod
    def chosen(cls, capabilities: Capabilities, legacy: LegacyAlgorithms) -> Self:
        """AES-128 and SHA-256, stronger for a server that announces only the stronger, weaker as the user says."""
        cipher, digest = ContentCipher.AES128_CBC, DigestAlgorithm.SHA256
        if LegacyAlgorithm.DES3 in legacy.send:
            cipher = ContentCipher.DES3_CBC
        elif capabilities.aes256 and not capabilities.aes:
            cipher = ContentCipher.AES256_CBC
        if LegacyAlgorithm.SHA1 in legacy.send:
            digest = DigestAlgorithm.SHA1
        elif capabilities.sha512 and not capabilities.sha256:
            digest = DigestAlgorithm.SHA512
        return cls(cipher, digest)
