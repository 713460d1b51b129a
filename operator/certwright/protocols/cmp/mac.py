"""Protection by a shared secret: PasswordBasedMac (RFC 9810 §5.1.3.1, RFC 9481 §6.1.1) and PBMAC1 (RFC 9481 §6.1.2).

An answer names its own salt, iterations and hashes, which may be others than the request's. They are read before
anything is authenticated, so each is bounded: iterations, because they cost time, and the length of the derived key,
because a key of one octet could be guessed by whoever forges an answer.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.algorithm import NULL, Algorithm, parse_algorithm
from certwright.protocols.cmp.der import load, reading
from certwright.protocols.cmp.errors import WrongMAC, WrongProtection

PBM = "1.2.840.113533.7.66.13"
PBMAC1 = "1.2.840.113549.1.5.14"
PBKDF2 = "1.2.840.113549.1.5.12"

MIN_ITERATIONS = 100  # RFC 4211 §4.4 asks for as many.
MAX_PBM_ITERATIONS = 100_000  # A twentieth of a second in Python, and as far as OpenSSL goes.
MAX_PBKDF2_ITERATIONS = 1_000_000  # A quarter of a second.
MIN_KEY = 20  # Octets of a derived key: the output of the weakest HMAC that is accepted.
MAX_KEY = 128
MAX_SALT = 1024

OWFS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
# SHA-1 in an HMAC is not broken, and old servers answer with it whatever they were asked with.
HMACS = {
    "1.3.6.1.5.5.8.1.2": "sha1",
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}


class MACAlgorithm(StrEnum):
    """How the MAC is made."""

    PBM = "PBM"
    PBMAC1 = "PBMAC1"


class MACHash(StrEnum):
    """Hash of the key derivation and of the HMAC."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"

    @property
    def owf_oid(self) -> str:
        """OID of the hash."""
        return {name: oid for oid, name in OWFS.items()}[self.value.lower()]

    @property
    def hmac_oid(self) -> str:
        """OID of the HMAC with it."""
        return {name: oid for oid, name in HMACS.items()}[self.value.lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """How a key is derived from the secret, and the hash of the HMAC that it is for."""

    algorithm: MACAlgorithm
    salt: bytes
    iterations: int
    hash: str
    key_length: int
    hmac_hash: str

    def mac(self, secret: bytes, message: bytes) -> bytes:
        """The HMAC of a message."""
        return hmac.digest(_derive(self, secret), message, self.hmac_hash)


def derivation(algorithm: MACAlgorithm, *, salt: bytes, hash_: MACHash, iterations: int) -> Derivation:
    """What this client protects with."""
    name = hash_.value.lower()
    return Derivation(
        algorithm=algorithm,
        salt=salt,
        iterations=iterations,
        hash=name,
        key_length=hashlib.new(name).digest_size,
        hmac_hash=name,
    )


@lru_cache(maxsize=64)
def describe(used: Derivation, hash_: MACHash) -> Algorithm:
    """The AlgorithmIdentifier of what ``derivation`` gave."""
    owf, mac = Algorithm(hash_.owf_oid, NULL), Algorithm(hash_.hmac_oid, NULL)
    if used.algorithm is MACAlgorithm.PBM:
        pbm = {"salt": used.salt, "owf": owf.asn1(), "iterationCount": used.iterations, "mac": mac.asn1()}
        return Algorithm(PBM, asn1.PBMParameter(pbm).dump())
    pbkdf2 = {"salt": used.salt, "iterationCount": used.iterations, "keyLength": used.key_length, "prf": mac.asn1()}
    scheme = {
        "keyDerivationFunc": Algorithm(PBKDF2, asn1.PBKDF2Params(pbkdf2).dump()).asn1(),
        "messageAuthScheme": mac.asn1(),
    }
    return Algorithm(PBMAC1, asn1.PBMAC1Params(scheme).dump())


def verify_mac(algorithm: Algorithm, *, secret: bytes, message: bytes, value: bytes, most_iterations: int = 0) -> None:
    """Raise a ProtectionFailed or MalformedAnswer unless this is the MAC of the message.

    ``most_iterations`` widens the bound for who configured more than it.
    """
    with reading("protectionAlg"):
        found = _parse(algorithm)
    most = MAX_PBM_ITERATIONS if found.algorithm is MACAlgorithm.PBM else MAX_PBKDF2_ITERATIONS
    most = max(most, most_iterations)
    if not MIN_ITERATIONS <= found.iterations <= most:
        raise WrongProtection(f"the answer's MAC has {found.iterations} iterations: not within {MIN_ITERATIONS}-{most}")
    if not MIN_KEY <= found.key_length <= MAX_KEY or len(found.salt) > MAX_SALT:
        raise WrongProtection("the answer's MAC has a key or a salt of a length that is not accepted")
    if not hmac.compare_digest(found.mac(secret, message), value):
        raise WrongMAC("the answer's MAC does not fit the secret: check reference and secret")


def _parse(algorithm: Algorithm) -> Derivation:
    if algorithm.oid == PBM:
        return _parse_pbm(load(asn1.PBMParameter, algorithm.parameters or b""))
    if algorithm.oid == PBMAC1:
        return _parse_pbmac1(load(asn1.PBMAC1Params, algorithm.parameters or b""))
    raise WrongProtection(f"the answer is protected with {algorithm.oid}, which is no MAC that this client knows")


def _parse_pbm(parameters: Any) -> Derivation:
    owf = _named(OWFS, parse_algorithm(parameters["owf"]).oid)
    return Derivation(
        algorithm=MACAlgorithm.PBM,
        salt=parameters["salt"].native,
        iterations=parameters["iterationCount"].native,
        hash=owf,
        key_length=hashlib.new(owf).digest_size,
        hmac_hash=_named(HMACS, parse_algorithm(parameters["mac"]).oid),
    )


def _parse_pbmac1(parameters: Any) -> Derivation:
    function = parse_algorithm(parameters["keyDerivationFunc"])
    if function.oid != PBKDF2:
        raise WrongProtection(f"the answer derives the key of its MAC with {function.oid}, which is not known")
    pbkdf2 = load(asn1.PBKDF2Params, function.parameters or b"")
    mac = _named(HMACS, parse_algorithm(parameters["messageAuthScheme"]).oid)
    return Derivation(
        algorithm=MACAlgorithm.PBMAC1,
        salt=pbkdf2["salt"].native,
        iterations=pbkdf2["iterationCount"].native,
        hash=_named(HMACS, parse_algorithm(pbkdf2["prf"]).oid),
        key_length=pbkdf2["keyLength"].native or 0,
        hmac_hash=mac,
    )


def _named(names: dict[str, str], oid: str) -> str:
    if oid not in names:
        raise WrongProtection(f"the answer's MAC uses {oid}, which is not accepted")
    return names[oid]


# One secret is used with the same salt for as long as its MACProtection lives, and servers tend to do the same: ten
# thousand hashes of Python for each of two messages would be most of what an enrolment costs.
@lru_cache(maxsize=64)
def _derive(how: Derivation, secret: bytes) -> bytes:
    if how.algorithm is MACAlgorithm.PBMAC1:
        return hashlib.pbkdf2_hmac(how.hash, secret, how.salt, how.iterations, how.key_length)
    key = secret + how.salt
    owf = getattr(hashlib, how.hash)
    for _ in range(how.iterations):
        key = owf(key).digest()
    return key
